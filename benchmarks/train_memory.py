"""Memory of a training step with a large batch: the plain step and the one that needs the memory of one chunk.

    python benchmarks/train_memory.py [--texts SENTENCES] [--write docs/training.md]

Unsupervised SimCSE from an embedded encoder. A figure is the largest resident size of a process of its own that trains for some
steps, all of Python, torch and the optimiser included. Prints one JSON object a line.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from juyi.assets import SAMPLES
from juyi.data import read_texts
from juyi.encoder import EncoderSettings, load_encoder
from juyi.objectives import SimCSEUnsupervised
from juyi.training import TrainingSettings, fit
from markdown import put, table

SIZES = ((64, 64, False), (512, 512, False), (512, 16, False), (512, 64, True), (512, 16, True), (2048, 16, True))
STEPS = 3


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", default=str(SAMPLES / "questions.tsv"), help="a file of sentences, repeated as needed")
    parser.add_argument("--model", default="mini", help="folder, hub id or embedded encoder")
    parser.add_argument("--write", type=Path, help="put the table at the place `memory` of this page")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(one(arguments.model, arguments.texts, *json.loads(arguments.one))))
        return
    records = []
    for size in SIZES:
        command = [sys.executable, __file__, "--model", arguments.model, "--texts", arguments.texts, "--one", json.dumps(size)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        records.append(json.loads(done.stdout.splitlines()[-1]))
        print(json.dumps(records[-1]), flush=True)
    if arguments.write:
        page = arguments.write.read_text(encoding="utf-8")
        arguments.write.write_text(put(page, "memory", _table(records)), encoding="utf-8")


def one(model: str, file: str, batch_size: int, chunk_size: int, cached: bool) -> dict[str, object]:
    """Train for some steps in this process, and say what it took."""
    encoder = load_encoder(EncoderSettings(model, hidden_dropout=0.1, attention_dropout=0.1))
    texts = read_texts(file).texts
    texts = (texts * (batch_size // len(texts) + 1))[:batch_size]
    rows = encoder.tokenizer.tokenize(texts, encoder.max_length)
    settings = TrainingSettings(batch_size=batch_size, chunk_size=chunk_size, cached=cached, steps=STEPS, log_every=1000)
    before = _resident()
    times: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        fit(
            encoder,
            SimCSEUnsupervised(),
            {"text": rows},
            settings,
            folder=Path(folder),
            progress=lambda *_: times.append(time.perf_counter()),
        )
    return {
        "benchmark": "train_memory",
        "case": f"batch {batch_size}, chunk {chunk_size}, {'cached' if cached else 'plain'} step",
        "batch": batch_size,
        "chunk": chunk_size,
        "cached": cached,
        "loaded_mib": round(before),
        "largest_mib": round(_resident()),
        "rows_per_second": round(batch_size * (len(times) - 1) / (times[-1] - times[0])),
    }


def _resident() -> float:
    """The largest resident size of this process so far, in MiB."""
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size / (2**20 if sys.platform == "darwin" else 2**10)


def _table(records: list[dict[str, object]]) -> str:
    titles = ["batch", "chunk", "step", "memory, MiB", "rows/s"]
    return table(
        titles,
        [
            [
                str(one["batch"]),
                str(one["chunk"]),
                "cached" if one["cached"] else "plain",
                f"{one['largest_mib']:,}",
                f"{one['rows_per_second']:,}",
            ]
            for one in records
        ],
    )


if __name__ == "__main__":
    main()
