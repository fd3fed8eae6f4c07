"""Encoding speed side by side: juyi's engines and sentence-transformers on one folder, the same sentences, in turn.

Prints one JSON object a line. Run it on an idle machine: python benchmarks/encode_speed.py
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable

import numpy as np
from sentence_transformers import SentenceTransformer

from juyi.assets import DEFAULT_ENCODER, EMBEDDED, SAMPLES
from juyi.data import read_texts
from juyi.engines import open_engine

RUNS = 7


def seconds(encode: Callable[[list[str]], np.ndarray], texts: list[str]) -> float:
    """Wall-clock seconds of one call."""
    began = time.perf_counter()
    encode(texts)
    return time.perf_counter() - began


def main() -> None:
    """Measure both engines against the other library, run by run in turn."""
    folder = EMBEDDED[DEFAULT_ENCODER]
    texts = read_texts(SAMPLES / "questions.tsv", columns=["text"]).texts
    other = SentenceTransformer(str(folder), device="cpu")

    def theirs(batch: list[str]) -> np.ndarray:
        return other.encode(batch, show_progress_bar=False)

    for kind in ("onnx", "torch"):
        ours = open_engine(folder, kind).encode
        first, second = ours(texts), theirs(texts)
        cosine = (first * second).sum(1) / np.linalg.norm(first, axis=1) / np.linalg.norm(second, axis=1)
        pairs = [(seconds(ours, texts), seconds(theirs, texts)) for _ in range(RUNS)]
        print(
            json.dumps(
                {
                    "benchmark": "encode_speed",
                    "case": f"{len(texts)} sample questions, {kind} engine against sentence-transformers' default",
                    "ours": len(texts) / statistics.median(a for a, _ in pairs),
                    "theirs": len(texts) / statistics.median(b for _, b in pairs),
                    "ratio": statistics.median(b / a for a, b in pairs),
                    "unit": "sentences/s",
                    "runs": RUNS,
                    "lowest_cosine": float(cosine.min()),
                }
            )
        )


if __name__ == "__main__":
    main()
