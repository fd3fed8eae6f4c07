"""What tells a sentence encoder from a masked language model, by sentences alone: the rule by which `juyi adapt` goes gently.

    python benchmarks/direction_study.py --texts bq.dev.tsv stsb.dev.tsv --models mini-base my-encoder

For each file and model the mean cosine of two different sentences, and the directions that their vectors take as a share of
those of the embedded encoder (`juyi.experiments.defaults.tells_apart`), of the first 50, 100 and 200 distinct ones. One JSON
object a line.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from juyi.assets import DEFAULT_ENCODER
from juyi.data import read_scored_pairs
from juyi.encoder import load_encoder
from juyi.metrics import anisotropy, participation_ratio

SIZES = (50, 100, 200)


def main() -> None:
    """Measure each model on each file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=Path, nargs="+", required=True, help="scored pairs; their first sentences are taken")
    parser.add_argument("--models", nargs="+", required=True, help="folders, hub ids, embedded encoders")
    arguments = parser.parse_args()
    embedded = load_encoder(DEFAULT_ENCODER).encode
    for path in arguments.texts:
        texts = list(dict.fromkeys(read_scored_pairs(path).first))[: max(SIZES)]
        most = embedded(texts)
        for model in arguments.models:
            vectors = load_encoder(model).encode(texts)
            shares = {n: round(participation_ratio(vectors[:n]) / participation_ratio(most[:n]), 2) for n in SIZES}
            print(
                json.dumps({"texts": str(path), "model": model, "cosine": round(anisotropy(vectors), 2), "share": shares}),
                flush=True,
            )


if __name__ == "__main__":
    main()
