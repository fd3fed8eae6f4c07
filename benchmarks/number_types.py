"""What vectors in fewer bytes cost: the correlation with the scores of pairs, for each type of numbers and for cut vectors.

    python benchmarks/number_types.py --pairs zh_sts/stsb.test.tsv zh_sts/bq.test.tsv --write docs/encode.md

Differences are to all numbers in float32, over the same resamples. One JSON object a score goes to stdout.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from juyi.data import read_scored_pairs
from juyi.embedding_files import NumberType, stored_numbers
from juyi.embeddings import cosine_rows
from juyi.engines import open_engine
from juyi.errors import JuyiError
from juyi.evaluation import Evaluation, compare_several, difference_text, evaluate_suite, markdown_table
from juyi.tasks import STS
from juyi.types import Embeddings, Encode
from markdown import put, read_page

PLACE = "number types"


@dataclass(frozen=True)
class Stored:
    """An encoder whose vectors were stored and read again.

    Attributes:
        encode: Gives the vectors.
        number_type: How they are stored.
        dim: How many numbers of them.
    """

    encode: Encode
    number_type: NumberType
    dim: int

    @property
    def name(self) -> str:
        """For tables."""
        return f"{self.number_type}, {self.dim}"

    def __call__(self, texts: Sequence[str]) -> Embeddings:
        """The vectors as whoever reads them has them; bits are 1 and -1, whose cosine falls as more of them differ."""
        stored = stored_numbers(self.encode(texts)[:, : self.dim], self.number_type)
        if self.number_type == "binary":
            stored = 2 * np.unpackbits(stored, axis=1)[:, : self.dim].astype(np.int8) - 1
        return stored.astype(np.float32)

    def bytes(self) -> int:
        """Of one vector."""
        return stored_numbers(np.zeros((1, self.dim), dtype=np.float32), self.number_type).nbytes


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", nargs="+", type=Path, required=True, help="files of scored pairs")
    parser.add_argument("--model", default="mini", help="folder, hub id or embedded encoder")
    parser.add_argument("--dim", type=int, action="append", help="cut vectors to so many numbers too; default: a third of them")
    parser.add_argument("--write", type=Path, help=f"put the table at the place of this page that is called '{PLACE}'")
    options = parser.parse_args(arguments)
    try:
        page = read_page(options.write) if options.write else ""
        pairs = [read_scored_pairs(path) for path in options.pairs]
        tasks = [STS(path.stem, "", found) for path, found in zip(options.pairs, pairs, strict=True)]
        engine = open_engine(options.model)
        texts = sorted({text for found in pairs for text in (*found.first, *found.second)})
        known = dict(zip(texts, engine.encode(texts), strict=True))

        def encode(some: Sequence[str]) -> Embeddings:
            return np.stack([known[text] for text in some])

        ways = [Stored(encode, kind, engine.dim) for kind in ("float32", "float16", "int8", "binary")]
        ways += [Stored(encode, kind, dim) for dim in options.dim or [engine.dim // 3] for kind in ("float32", "int8", "binary")]
        evaluations = [evaluate_suite(tasks, way, name=way.name) for way in ways]
        for record in (record for evaluation in evaluations for record in evaluation.records()):
            print(json.dumps(record, ensure_ascii=False), flush=True)
        table = _table(ways, evaluations, texts)
        if options.write:
            options.write.write_text(put(page, PLACE, f"{table}\n"), encoding="utf-8")
        else:
            print(table, file=sys.stderr)
    except JuyiError as error:
        sys.exit(f"Error: {error}")


def _table(ways: Sequence[Stored], evaluations: Sequence[Evaluation], texts: Sequence[str]) -> str:
    first, *others = evaluations
    compared = [[], *compare_several(first.bootstrapped, [other.bootstrapped for other in others])]
    rows = []
    for way, evaluation, differences in zip(ways, evaluations, compared, strict=True):
        whole = way.dim == ways[0].dim and way.number_type != "binary"
        cosine = f"{cosine_rows(ways[0](texts), way(texts)).min():.5f}" if whole else ""
        row = {"numbers": way.name, "bytes": f"{way.bytes():,}", "lowest cosine": cosine}
        found = {each.first.task: each.difference for each in differences}
        for score in evaluation.scores:
            row[score.task] = f"{score.value:.1f}"
            difference = found.get(score.task)
            row[f"{score.task} − float32"] = difference_text(difference) if difference else ""
        rows.append(row)
    return markdown_table(rows)


if __name__ == "__main__":
    main()
