"""How far an objective is from its oracle, two processes from one, and the step in little memory from the plain one."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import distributed, multiprocessing

from juyi.training import ProcessWorld, cached_step, encode_views, plain_step
from proofs.cases import CASES, ROWS, state_of, tiny_encoder, views_of
from proofs.oracles import oracle

Gradients = dict[str, torch.Tensor]
CHUNK_SIZES = (1, 3, 1000)
DROPOUT = 0.2
ALONE = ProcessWorld()


def oracle_error(case: str) -> float:
    """Difference of the loss to the slow loops, as a share of the loss where that is above 1; dropout is on."""
    encoder = tiny_encoder(dropout=DROPOUT)
    state, views = state_of(case, encoder), views_of(case, encoder)
    torch.manual_seed(0)
    with torch.no_grad():
        encoded = encode_views(encoder, views, state, chunk_size=3)
        found = float(CASES[case].loss(encoded, views, ProcessWorld(), state))
    wanted = oracle(CASES[case], [rows.double().numpy() for rows in encoded], views, state)
    return abs(found - wanted) / max(1.0, abs(wanted))


def cached_error(case: str, *, bfloat16: bool = False) -> float:
    """Largest difference of a gradient to the plain step's over the chunk sizes, dropout on, as a share of the whole gradient."""
    return max(
        _distance(
            _gradients(case, chunk_size=size, cached=True, bfloat16=bfloat16),
            _gradients(case, chunk_size=size, cached=False, bfloat16=bfloat16),
        )
        for size in CHUNK_SIZES
    )


def process_errors() -> dict[str, float]:
    """Of every case the largest difference of a gradient of two processes over gloo to that of one, measured as above.

    The processes take the plain step and the one in little memory.
    """
    with tempfile.TemporaryDirectory() as folder:
        tiny_encoder(dropout=0.0)  # here, so that the processes share one vocabulary
        multiprocessing.start_processes(_work, (folder,), nprocs=2, start_method="fork")  # type: ignore[attr-defined, no-untyped-call]
        both = [torch.load(Path(folder) / f"{rank}.pt", weights_only=True) for rank in (0, 1)]
    alone = {case: _gradients(case, dropout=0.0) for case in CASES}
    return {case: max(_distance(found, alone[case]) for rank in both for found in rank[case]) for case in CASES}


def _work(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    part, world = slice(rank * ROWS // 2, (rank + 1) * ROWS // 2), ProcessWorld.current()
    found = {case: [_gradients(case, part, world, dropout=0.0, cached=cached) for cached in (False, True)] for case in CASES}
    torch.save(found, f"{folder}/{rank}.pt")
    distributed.destroy_process_group()


def _gradients(
    case: str,
    part: slice = slice(0, ROWS),
    world: ProcessWorld = ALONE,
    *,
    dropout: float = DROPOUT,
    chunk_size: int = 3,
    cached: bool = False,
    bfloat16: bool = False,
) -> Gradients:
    encoder = tiny_encoder(dropout=dropout)
    state, views = state_of(case, encoder), views_of(case, encoder, part)
    torch.manual_seed(0)
    step = cached_step if cached else plain_step
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bfloat16):
        step(encoder, CASES[case], views, world, state, chunk_size=chunk_size)
    named = [*encoder.named_parameters(), *((f"state.{name}", p) for name, p in state.named_parameters())]
    world.average_gradients([p for _, p in named])
    return {name: p.grad for name, p in named if p.grad is not None}


def _distance(found: Gradients, wanted: Gradients) -> float:
    assert found.keys() == wanted.keys()
    length = float(np.sqrt(sum(float(gradient.double().square().sum()) for gradient in wanted.values())))
    assert length > 0
    return max(float((found[name] - gradient).abs().max()) for name, gradient in wanted.items()) / length
