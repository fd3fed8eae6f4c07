"""Two processes that train together over gloo; each writes what it found. Called with a folder.

The processes are forked, so that torch is imported once.
"""

from __future__ import annotations

import hashlib
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import tiny_encoders
import torch
from torch import distributed, multiprocessing

from juyi.encoder import Encoder
from juyi.objectives import (
    SBERT,
    ContrastiveTension,
    CoSENT,
    Distillation,
    ESimCSE,
    MaskedLM,
    Objective,
    PairContrastive,
    SimCSESupervised,
    SimCSEUnsupervised,
    Triplet,
    View,
)
from juyi.tokenization import mask_tokens
from juyi.training import ProcessWorld, TrainingSettings, fit, plain_step

ROWS = 8
CASES: dict[str, Objective] = {"masked-lm": MaskedLM(), "masked-lm-one-sided": MaskedLM()}
"""What each process has to say weighs as much as it hides; `benchmarks/objective_proofs.py` looks at every objective."""
LOGGED: dict[str, Objective] = {
    "simcse-all-views": SimCSEUnsupervised(negatives="all-views"),
    "simcse-supervised": SimCSESupervised(),
    "simcse-both": SimCSESupervised(anchors="both", hard_negative_weight=2.0),
    "esimcse": ESimCSE(rate=0.0, queue_size=20),
    "contrastive-tension": ContrastiveTension(),
    "cosent": CoSENT(),
    "sbert": SBERT(),
    "triplet": Triplet(),
    "pair-contrastive": PairContrastive(),
    "distillation": Distillation(neighbours_weight=0.5),
}
"""Those that draw nothing in a process of its own where there is no dropout, so that two processes do what one does."""
SETTINGS = TrainingSettings(
    batch_size=8, chunk_size=3, learning_rate=1e-3, steps=8, log_every=1, checkpoint_every=3, drop_last=False
)


def views_of(case: str, encoder: Encoder, part: slice) -> list[View]:
    """The views of some rows; the masks are those of the whole batch, of which the first half has few, or none."""
    rows = tiny_encoders.rows()[20 : 20 + ROWS]
    tokenizer = encoder.tokenizer
    masked = mask_tokens(rows, np.random.default_rng(1), rate=0.4, special=tokenizer.special, size=tokenizer.size)
    few = 0 if case.endswith("one-sided") else 1
    positions = [places[:few] if i < ROWS // 2 else places for i, places in enumerate(masked.positions)]
    labels = [np.array([row[p] for p in places], dtype=np.int64) for row, places in zip(rows, positions, strict=True)]
    return [View(masked.rows[part], positions=positions[part], labels=np.concatenate(labels[part]))]


def one_step(case: str, part: slice, world: ProcessWorld) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Loss and gradients of a step on some of the rows."""
    encoder = tiny_encoders.build(dropout=0.0)
    torch.manual_seed(0)
    state = CASES[case].start(encoder)
    loss, _ = plain_step(encoder, CASES[case], views_of(case, encoder, part), world, state, chunk_size=3)
    named = [*encoder.named_parameters(), *((f"state.{name}", p) for name, p in state.named_parameters())]
    world.average_gradients([p for _, p in named])
    return loss, {name: p.grad for name, p in named if p.grad is not None}


def train(folder: Path, objective: Objective, *, seed: int, stop: int = 0, **changes: Any) -> dict[str, torch.Tensor]:
    """The weights after a run; at step `stop` this process is asked to end."""
    encoder = tiny_encoders.build(dropout=changes.pop("dropout", 0.0), seed=seed)

    def progress(step: int, steps: int, report: Any) -> None:
        if step == stop:
            os.kill(os.getpid(), signal.SIGTERM)

    fit(encoder, objective, {"text": tiny_encoders.rows()}, SETTINGS, folder=folder, progress=progress)
    return encoder.state_dict()


def columns(objective: Objective) -> dict[str, Any]:
    """Twenty rows of whatever an objective reads."""
    rows = tiny_encoders.rows()
    numbers = np.random.default_rng(4)
    known = {"text": rows[:20], "anchor": rows[:20], "positive": rows[20:40], "negative": rows[40:60]}
    known |= {"first": rows[:20], "second": rows[20:40], "score": [i % 6 for i in range(20)], "label": [i % 3 for i in range(20)]}
    known |= {"group": [i % 7 for i in range(20)], "target": numbers.normal(size=(20, 32)).astype(np.float32)}
    return {name: known[name] for name in objective.columns}


def logged(folder: Path) -> None:
    """A run of two steps of each objective; what counts is its log."""
    for case, objective in LOGGED.items():
        settings = replace(SETTINGS, steps=2, checkpoint_every=0)
        fit(tiny_encoders.build(dropout=0.0), objective, columns(objective), settings, folder=folder / case)


def digest(weights: dict[str, torch.Tensor]) -> str:
    """A fingerprint of the weights."""
    return hashlib.sha256(b"".join(tensor.numpy().tobytes() for tensor in weights.values())).hexdigest()


def work(rank: int, folder: Path) -> None:
    """What one of the two processes does."""
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    world, half = ProcessWorld.current(), ROWS // 2
    steps = {case: one_step(case, slice(rank * half, (rank + 1) * half), world) for case in CASES}
    found: dict[str, Any] = {"world": (world.rank, world.size), "steps": steps}
    found["any"] = [world.any(rank == 1, torch.device("cpu")), world.any(False, torch.device("cpu"))]
    # the second process begins with other weights: the first one's are shared
    found["fitted"] = {"simcse": train(folder / "simcse", SimCSEUnsupervised(), seed=1 + rank)}
    dropout, lm = {"dropout": 0.1}, MaskedLM(rate=0.3)
    found["straight"] = digest(train(folder / "straight", lm, seed=1, **dropout))
    try:
        train(folder / "stopped", lm, seed=1, stop=4 if rank == 1 else 0, **dropout)
    except KeyboardInterrupt:
        found["saved"] = [path.name for path in (folder / "stopped" / "checkpoint").iterdir()]
    found["resumed"] = digest(train(folder / "stopped", lm, seed=7, **dropout))
    logged(folder / "together")
    torch.save(found, folder / f"found-{rank}.pt")
    distributed.destroy_process_group()


def main(folder: Path) -> None:
    """The two processes, and the single one that they are compared with."""
    tiny_encoders.build()  # here, so that the processes share one vocabulary
    multiprocessing.start_processes(work, (folder,), nprocs=2, start_method="fork")
    torch.set_num_threads(1)
    alone = {
        "steps": {case: one_step(case, slice(0, ROWS), ProcessWorld()) for case in CASES},
        "fitted": {"simcse": train(folder / "alone", SimCSEUnsupervised(), seed=1)},
    }
    logged(folder / "one")
    torch.save(alone, folder / "alone.pt")
    try:
        train(folder / "stopped", MaskedLM(rate=0.3), seed=1)
    except Exception as error:
        (folder / "error.txt").write_text(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
