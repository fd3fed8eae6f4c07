"""Whether an encoder reads long sentences as well as short ones: its correlation with the labels by length, beside others.

    python benchmarks/length_study.py --pairs afqmc.train_clean.tsv insurance_zhidao_pairs.dev.tsv --model mini --beside lexical

The pairs of each file are put into bands by the characters of their longer side. Long pairs may be harder for everyone, so what
counts is the difference to an encoder that was made for them: the last columns, with 95 % intervals. One JSON object a score goes
to stdout, the table to stderr.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from juyi.data import ScoredPairs, read_scored_pairs
from juyi.errors import JuyiError, UsageError
from juyi.evaluation import (
    EncodeOptions,
    Evaluation,
    compare_several,
    difference_text,
    evaluate_suite,
    markdown_table,
    open_candidate,
)
from juyi.tasks import STS

ENDS = (0, 10, 20, 30, 45, 60, 90, 100_000)
FEWEST = 100
"""A band with fewer pairs is left out: its interval would say nothing."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", nargs="+", type=Path, required=True, help="files of scored pairs")
    parser.add_argument("--model", default="mini", help="folder, hub id or embedded encoder")
    parser.add_argument("--beside", nargs="+", default=["lexical"], help="what to compare with, likewise")
    options = parser.parse_args(arguments)
    try:
        tasks = [task for path in options.pairs for task in bands(path)]
        if not tasks:
            raise UsageError(f"No band of lengths has {FEWEST} pairs. Give larger files.")
        evaluations = [_evaluate(tasks, model) for model in (options.model, *options.beside)]
        for evaluation in evaluations:
            for record in evaluation.records():
                print(json.dumps(record, ensure_ascii=False), flush=True)
        print(_table(tasks, evaluations), file=sys.stderr)
    except JuyiError as error:
        sys.exit(f"Error: {error}")


def bands(path: Path) -> Iterator[STS]:
    """The pairs of a file by length, each band a split."""
    pairs = read_scored_pairs(path)
    longer = np.array([max(map(len, sides)) for sides in zip(pairs.first, pairs.second, strict=True)])
    for low, high in pairwise(ENDS):
        chosen = np.flatnonzero((longer > low) & (longer <= high))
        if len(chosen) >= FEWEST:
            first, second = ([side[i] for i in chosen] for side in (pairs.first, pairs.second))
            lengths = f"{low + 1} to {high}" if high < ENDS[-1] else f"above {low}"
            yield STS(path.stem, lengths, ScoredPairs(first, second, pairs.scores[chosen]))


def _evaluate(tasks: Sequence[STS], model: str) -> Evaluation:
    candidate = open_candidate(model, EncodeOptions(precision="float32", cache=False))
    return evaluate_suite(tasks, candidate.encoder, name=candidate.name)


def _table(tasks: Sequence[STS], evaluations: Sequence[Evaluation]) -> str:
    own, *others = evaluations
    differences = [
        {(each.first.task, each.first.split): each for each in compared}
        for compared in compare_several(own.bootstrapped, [other.bootstrapped for other in others])
    ]
    rows = []
    for task in tasks:
        row = {"pairs": task.name, "characters": task.split, "n": f"{len(task):,}"}
        row |= {evaluation.name: f"{evaluation.value(task.name, task.split):.1f}" for evaluation in evaluations}
        for other, compared in zip(others, differences, strict=True):
            found = compared[task.name, task.split].difference
            row[f"{other.name} − {own.name}"] = difference_text(found) if found else ""
        rows.append(row)
    return markdown_table(rows)


if __name__ == "__main__":
    main()
