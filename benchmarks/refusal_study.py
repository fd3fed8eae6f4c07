"""What a model that `juyi adapt` made of the sample FAQ does with queries that the FAQ does not answer.

Two lists that took no part in anything: queries about something else altogether, and near misses, which are about the same topics
and still have no answer. One JSON object a line: how many, and the share whose best hit is less likely right than not.

    make demo && python benchmarks/refusal_study.py demo/model
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from juyi.assets import SAMPLES
from juyi.calibration import read_calibrations
from juyi.data import read_labelled_texts, read_texts
from juyi.encoder import load_encoder
from juyi.evaluation import FusedSimilarity
from juyi.similarity_settings import read_similarity_settings

LISTS = ("out_of_scope", "near_misses")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="a folder with probabilities of hits")
    for record in measured(parser.parse_args().model):
        print(json.dumps(record, ensure_ascii=False))


def measured(model: Path) -> list[dict[str, Any]]:
    """One record a list."""
    calibration = read_calibrations(model)["hit"]
    similarity = FusedSimilarity(load_encoder(model).encode, read_similarity_settings(model).overlap)
    faq = read_labelled_texts(SAMPLES / "faq.tsv", columns=("id", "question")).texts
    records = []
    for name in LISTS:
        queries = read_texts(SAMPLES / f"{name}.txt").texts
        likely = calibration.probability(similarity.nearest(queries, faq, 1).scores[:, 0])
        records.append({"benchmark": "refusal", "case": name, "count": len(queries), "refused": float((likely < 0.5).mean())})
    return records


if __name__ == "__main__":
    main()
