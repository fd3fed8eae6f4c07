"""Which precision is fast on this machine."""

from __future__ import annotations

import math
import time
from functools import cache
from typing import Literal

import torch

_ROWS, _WIDTH, _INNER, _ROUNDS = 512, 384, 1536, 8
_WORTH_IT = 0.8
"""bfloat16 must take no more than this share of float32's time: it rounds, so a tie goes to float32."""


@cache
def fast_precision() -> Literal["float32", "bfloat16"]:
    """`bfloat16` where it is faster than float32 here, else `float32`.

    A GPU says so itself. On a CPU a product as in an encoder's feed-forward layer is timed once, in a tenth of a second: some
    have the instructions and are slower with them.
    """
    if torch.cuda.is_available():
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    single, half = _seconds(torch.float32, torch.bfloat16)
    return "bfloat16" if half <= _WORTH_IT * single else "float32"


@torch.inference_mode()
def _seconds(*types: torch.dtype) -> list[float]:
    """What the product takes in each type on one core, where other work disturbs least: they take turns, the fastest counts."""
    factors = [(torch.ones(_ROWS, _WIDTH, dtype=each), torch.ones(_INNER, _WIDTH, dtype=each)) for each in types]
    fastest, threads = [math.inf] * len(types), torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for _ in range(_ROUNDS):
            for number, (rows, weight) in enumerate(factors):
                start = time.perf_counter()
                torch.nn.functional.linear(rows, weight)
                fastest[number] = min(fastest[number], time.perf_counter() - start)
    finally:
        torch.set_num_threads(threads)
    return fastest
