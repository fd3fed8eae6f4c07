"""What an encoder takes: bytes, parameters, seconds."""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from baselines.tables import Cost

RUNS = 5
CORES = 2


def timed(
    row: str,
    engine: str,
    encode: Callable[[list[str]], object],
    texts: list[str],
    reference: tuple[str, Callable[[list[str]], object] | None],
    *,
    clock: Callable[[], float] = time.perf_counter,
) -> Cost:
    """Time one row in turn with the reference, and print what came out; size and parameters stay open.

    Args:
        row: What the table calls it.
        engine: What it runs in.
        encode: What is timed.
        texts: What is encoded.
        reference: The name of what it is compared with, and its encoder where there is one.
        clock: Seconds, from any beginning.
    """
    name, other = reference
    ours, theirs = [], []
    for run in range(RUNS + 1):
        pair = (_seconds(encode, texts, clock), 0.0 if other is None else _seconds(other, texts, clock))
        if run:  # the first one warms up
            ours.append(pair[0])
            theirs.append(pair[1])
    speed = len(texts) / statistics.median(ours)
    ratio = None if other is None else statistics.median(b / a for a, b in zip(ours, theirs, strict=True))
    record = {
        "benchmark": "compare_encoders",
        "case": f"{row}, {len(texts)} sentences of Chinese STS-B test, {CORES} cores, against {name}",
        "ours": speed,
        "theirs": None if other is None else len(texts) / statistics.median(theirs),
        "ratio": ratio,
        "unit": "sentences/s",
        "runs": RUNS,
    }
    print(json.dumps(record, ensure_ascii=False), flush=True)
    return Cost(row, engine, None, None, speed, ratio)


def keep_to(cores: int) -> None:
    """Leave this process that many cores, before an engine counts them."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    try:
        import torch
    except ModuleNotFoundError:
        return
    torch.set_num_threads(cores)


def size_of(folder: Path) -> int:
    """The bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def parameters_of(folder: Path) -> int | None:
    """The numbers in the weight files, buffers of whole numbers left out; None where there is no safetensors file."""
    from safetensors import safe_open

    count = 0
    for path in folder.rglob("*.safetensors"):
        with safe_open(path, framework="numpy") as weights:
            slices = [weights.get_slice(name) for name in weights.keys()]  # noqa: SIM118 (it is no dictionary)
            count += sum(int(np.prod(each.get_shape())) for each in slices if "F" in each.get_dtype())
    return count or None


def _seconds(encode: Callable[[list[str]], object], texts: list[str], clock: Callable[[], float]) -> float:
    began = clock()
    encode(texts)
    return clock() - began
