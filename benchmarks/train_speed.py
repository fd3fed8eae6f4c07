"""Training speed side by side: juyi's step and sentence-transformers' trainer, all-MiniLM-L6-v2, the same sentences, in turn.

    OMP_NUM_THREADS=2 taskset -c 0,1 python benchmarks/train_speed.py [--texts FILE] [--write docs/training.md]

Unsupervised SimCSE, which is MultipleNegativesRankingLoss on (sentence, sentence): the same batches of 64 distinct sentences,
AdamW, dropout 0.1, at most 128 tokens. A figure is sentences a second, the median over the steps after the first ones; ours
includes cutting sentences into tokens. Before it, the losses of both on one batch without dropout. Prints one JSON object a
line; run it on an idle machine.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from torch.utils.data import BatchSampler, SequentialSampler
from transformers import TrainerCallback

sys.path.insert(0, str(Path(__file__).parent))

from baselines.rows import REFERENCE, model_folders
from juyi.assets import SAMPLES
from juyi.data import read_texts
from juyi.encoder import EncoderSettings, load_encoder
from juyi.objectives import SimCSEUnsupervised
from juyi.training import BatchPlan, TrainingSettings, fit
from markdown import put, table

BATCH, LENGTH, RATE, CHUNK = 64, 128, 5e-5, 128
SKIPPED = 3
FOLDER = str(model_folders([])[REFERENCE])
PRECISIONS = ("bfloat16", "float32")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", default=str(SAMPLES / "questions.tsv"), help="a file of sentences, a thousand or so")
    parser.add_argument("--column", action="append", help="of a table: the columns of sentences")
    parser.add_argument("--write", type=Path, help="put the table at the place `speed` of this page")
    parser.add_argument("--steps", type=int, default=20, help="steps of one run")
    parser.add_argument("--runs", type=int, default=5, help="runs of each, in turn")
    arguments = parser.parse_args()
    distinct = list(dict.fromkeys(read_texts(arguments.texts, columns=arguments.column).texts))
    texts = [distinct[i] for i in np.random.default_rng(0).permutation(len(distinct))[: BATCH * arguments.steps]]
    first = texts[:BATCH]
    print(json.dumps({"benchmark": "train_speed", "case": "loss of step 1, no dropout, float32", **_losses(first)}), flush=True)
    records: list[dict[str, Any]] = []
    speeds: dict[tuple[str, str], list[float]] = {}
    losses: dict[tuple[str, str], float] = {}
    for _ in range(arguments.runs):
        for precision in PRECISIONS:
            for name, run in (("ours", ours), ("theirs", theirs)):
                seconds, losses[name, precision] = run(texts, precision, 0.1)
                speeds.setdefault((name, precision), []).append(BATCH / seconds)
    for mine, yours in (("bfloat16", "bfloat16"), ("float32", "float32"), ("bfloat16", "float32")):
        pairs = list(zip(speeds["ours", mine], speeds["theirs", yours], strict=True))
        record = {
            "benchmark": "train_speed",
            "case": mine if mine == yours else f"{mine} against their default, {yours}",
            "ours": statistics.median(a for a, _ in pairs),
            "theirs": statistics.median(b for _, b in pairs),
            "ratio": statistics.median(a / b for a, b in pairs),
            "unit": "sentences/s",
            "runs": arguments.runs,
            "losses": [round(losses["ours", mine], 4), round(losses["theirs", yours], 4)],
        }
        if mine == yours:
            record["share_of_peak"] = record["ours"] * _work(texts) / _peak(mine)
        print(json.dumps(record), flush=True)
        records.append(record)
    if arguments.write:
        page = arguments.write.read_text(encoding="utf-8")
        arguments.write.write_text(put(page, "speed", _table(records)), encoding="utf-8")


def ours(texts: list[str], precision: Any, dropout: float) -> tuple[float, float]:
    """Seconds of a step, and the mean loss of all steps."""
    times: list[float] = []
    losses: list[float] = []

    class Recorded(SimCSEUnsupervised):
        def loss(self, *given: Any) -> torch.Tensor:
            found = super().loss(*given)
            losses.append(float(found.detach()))
            return found

    encoder = load_encoder(EncoderSettings(FOLDER, max_length=LENGTH, hidden_dropout=dropout, attention_dropout=dropout))
    began = time.perf_counter()
    rows = encoder.tokenizer.tokenize(texts, LENGTH)
    cutting = (time.perf_counter() - began) * BATCH / len(texts)
    settings = TrainingSettings(
        batch_size=BATCH, chunk_size=CHUNK, learning_rate=RATE, epochs=1, precision=precision, log_every=1000
    )
    with tempfile.TemporaryDirectory() as folder:
        fit(
            encoder,
            Recorded(),
            {"text": rows},
            settings,
            folder=Path(folder),
            progress=lambda *_: times.append(time.perf_counter()),
        )
    return _seconds(times) + cutting, float(np.mean(losses))


def theirs(texts: list[str], precision: str, dropout: float) -> tuple[float, float]:
    """Seconds of a step, and the mean loss of all steps."""
    times: list[float] = []
    losses: list[float] = []

    class Clock(TrainerCallback):
        def on_step_end(self, *_: Any, **__: Any) -> None:
            times.append(time.perf_counter())

    class Loss(MultipleNegativesRankingLoss):
        def forward(self, *given: Any, **named: Any) -> torch.Tensor:
            found = super().forward(*given, **named)
            losses.append(float(found.detach()))
            return found

    class InOrder(SentenceTransformerTrainer):
        def get_batch_sampler(self, dataset: Any, batch_size: int, drop_last: bool, *_: Any, **__: Any) -> BatchSampler:
            return BatchSampler(SequentialSampler(dataset), batch_size, drop_last)

    rates = {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
    model = SentenceTransformer(FOLDER, device="cpu", config_kwargs=rates)
    model.max_seq_length = LENGTH
    with tempfile.TemporaryDirectory() as folder:
        settings = SentenceTransformerTrainingArguments(
            folder,
            num_train_epochs=1,
            per_device_train_batch_size=BATCH,
            learning_rate=RATE,
            bf16=precision == "bfloat16",
            use_cpu=True,
            report_to="none",
            save_strategy="no",
            logging_strategy="no",
            disable_tqdm=True,
        )
        batches = BatchPlan(len(texts), BATCH, drop_last=True, seed=TrainingSettings().seed).batches(0, len(texts) // BATCH)
        ordered = [texts[i] for batch in batches for i in batch]  # the same sentences come together as in ours
        pairs = Dataset.from_dict({"anchor": ordered, "positive": ordered})
        InOrder(model, settings, train_dataset=pairs, loss=Loss(model), callbacks=[Clock()]).train()
    return _seconds(times), float(np.mean(losses))


def _losses(texts: list[str]) -> dict[str, float]:
    found = [run(texts, "float32", 0.0)[1] for run in (ours, theirs)]
    return {"ours": found[0], "theirs": found[1], "difference": abs(found[0] - found[1])}


def _seconds(times: list[float]) -> float:
    steps = np.diff(times)[SKIPPED:]
    return float(np.median(steps)) if len(steps) else float("nan")


def _work(texts: list[str]) -> float:
    """Floating-point operations for one sentence in one step: two views, six for each weight of a linear layer and each token."""
    encoder = load_encoder(FOLDER)
    weights = sum(module.weight.numel() for module in encoder.backbone.modules() if isinstance(module, torch.nn.Linear))
    tokens = np.mean([len(row) for row in encoder.tokenizer.tokenize(texts, LENGTH)])
    return float(2 * 6 * weights * tokens)


def _peak(precision: str) -> float:
    """Operations a second of the fastest of some matrix products: what the machine can do."""
    kind = getattr(torch, precision)

    def speed(rows: int, inner: int, columns: int) -> float:
        a, b = torch.randn(rows, inner).to(kind), torch.randn(inner, columns).to(kind)
        return 2 * rows * inner * columns / min(_timed(lambda: a @ b) for _ in range(20))

    return max(speed(*shape) for shape in ((2048, 384, 1536), (2048, 1536, 384), (2048, 2048, 2048)))


def _table(records: list[dict[str, Any]]) -> str:
    titles = ["precision", "juyi, sentences/s", "sentence-transformers", "ratio", "share of the machine's fastest matrix product"]
    rows = [
        [
            str(one["case"]),
            f"{one['ours']:.0f}",
            f"{one['theirs']:.0f}",
            f"{one['ratio']:.1f}",
            f"{100 * one['share_of_peak']:.0f} %" if "share_of_peak" in one else "",
        ]
        for one in records
    ]
    return table(titles, rows)


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
