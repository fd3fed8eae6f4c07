"""Four-bit weights as llama.cpp writes them (Q4_0): 18 bytes for 32 numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BLOCK = 32
"""Numbers that share a scale."""
BLOCK_BYTES = 18
"""A scale in float16, then 16 bytes of two numbers each."""


def dequantise(blocks: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The numbers of Q4_0 blocks, one after the other.

    Of each byte the lower four bits are one of the block's first 16 numbers, the upper four one of its last 16; a number is its
    four bits less 8, times the block's scale.

    Shapes:
        blocks: (n · 18,); result: (n · 32,).

    Source:
        ggml, `dequantize_row_q4_0`.
    """
    rows = blocks.reshape(-1, BLOCK_BYTES)
    scales = rows[:, :2].copy().view("<f2").astype(np.float32)
    pairs = rows[:, 2:]
    numbers = np.empty((len(rows), BLOCK), dtype=np.float32)
    numbers[:, :16] = pairs & 15
    numbers[:, 16:] = pairs >> 4
    numbers -= 8
    numbers *= scales
    return numbers.reshape(-1)
