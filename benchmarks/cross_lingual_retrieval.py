"""How often a Chinese sentence finds its English original among N; one JSON object a line.

    python benchmarks/cross_lingual_retrieval.py --data DIR
    python benchmarks/cross_lingual_retrieval.py --data DIR --model MY --recipe mine.toml --teacher THEIRS

The pairs are those of `parallel/open` that the recipes of mini did not take: neither side is among what it learned from. The
encoder reads both sides; a teacher whose space it shares reads the English too, as if an index of its vectors were searched in
Chinese.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from scipy.stats import binomtest

from juyi.data import normalise, read_lines
from juyi.encoder import load_encoder
from juyi.experiments.load import load_recipe
from juyi.experiments.pairs import read_source_pairs
from juyi.experiments.recipe import SourcesRecipe
from juyi.types import Embeddings


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder that the recipe reads")
    parser.add_argument("--teacher", default="", help="folder or hub id")
    parser.add_argument("--model", default="", help="folder, hub id or embedded encoder")
    learned = ["mini/words", "mini/longer", "mini/questions"]
    parser.add_argument("--recipe", nargs="+", default=learned, help="what the encoder learned from")
    parser.add_argument("--among", type=int, default=1000, help="how many pairs")
    parser.add_argument("--characters", type=int, nargs=2, default=(6, 40), help="shortest and longest Chinese side")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    pairs = unseen_pairs(arguments)
    chosen = np.random.default_rng(arguments.seed).choice(len(pairs), arguments.among, replace=False)
    chinese, english = zip(*(pairs[i] for i in chosen), strict=True)
    encoder = load_encoder(arguments.model)
    queries = encoder.encode(chinese)
    readers = {"encoder": encoder} | ({"teacher": load_encoder(arguments.teacher)} if arguments.teacher else {})
    for reader, model in readers.items():
        vectors = model.encode(english)
        found = binomtest(hits(queries, vectors), len(queries))
        interval = found.proportion_ci(method="wilson")
        record = {
            "english_read_by": reader,
            "among": len(queries),
            "unseen": len(pairs),
            "accuracy": round(100 * found.statistic, 1),
            "interval": [round(100 * interval.low, 1), round(100 * interval.high, 1)],
        }
        print(json.dumps(record), flush=True)


def unseen_pairs(arguments: argparse.Namespace) -> list[tuple[str, str]]:
    """The pairs of all parallel files of which no side was learned from, each English side once."""
    seen: set[str] = set()
    for name in arguments.recipe:
        recipe = load_recipe(name)
        assert isinstance(recipe, SourcesRecipe)
        learned = read_source_pairs(recipe.sources, arguments.data)
        seen.update(normalise(text) for text in (*learned.first, *learned.second))
    shortest, longest = arguments.characters
    found: dict[str, tuple[str, str]] = {}
    for file in sorted((arguments.data / "parallel" / "open").iterdir()):
        for _, line in read_lines(file):
            chinese, _, english = (cell.strip() for cell in line.partition("\t"))
            if english and shortest <= len(chinese) <= longest and not seen & {normalise(chinese), normalise(english)}:
                found.setdefault(normalise(english), (chinese, english))
    return list({normalise(chinese): (chinese, english) for chinese, english in found.values()}.values())


def hits(queries: Embeddings, candidates: Embeddings) -> int:
    """How many rows are nearest, by cosine, to the row of the same number."""
    units = [vectors / np.linalg.norm(vectors, axis=1, keepdims=True) for vectors in (queries, candidates)]
    return int(((units[0] @ units[1].T).argmax(1) == np.arange(len(queries))).sum())


if __name__ == "__main__":
    main()
