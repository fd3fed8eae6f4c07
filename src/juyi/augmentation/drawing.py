"""How many words of a text are touched, and which."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from juyi.errors import UsageError


def share_of(rate: float, count: int) -> int:
    """`rate` of `count` things, rounded to the nearest whole number, halves up; at least 1 where the rate is above 0.

    Without the 1, a rate of 0.1 would leave every text of fewer than five words as it is, a fifth of the sample questions.
    """
    if rate == 0 or count == 0:
        return 0
    return max(1, math.floor(round(rate * count, 9) + 0.5))  # 0.29 * 50 is 14.499999999999998 in binary


def draw_positions(sizes: Sequence[int], counts: Sequence[int], rng: np.random.Generator) -> list[list[int]]:
    """For each text, `count` different positions out of `size`, every such set equally likely; ascending.

    One draw from the generator for all texts: the positions of the smallest of iid keys are a uniform subset.
    """
    keys = rng.random(sum(sizes)).tolist()
    drawn, start = [], 0
    for size, count in zip(sizes, counts, strict=True):
        own = keys[start : start + size]
        drawn.append(sorted(sorted(range(size), key=own.__getitem__)[:count]) if count else [])
        start += size
    return drawn


def check_rate(rate: float, *, of: str, top: bool = False) -> None:
    """Refuse a rate outside [0, 1), or outside [0, 1] where `top`.

    Raises:
        UsageError: It lies outside.
    """
    if not (0.0 <= rate < 1.0 or (top and rate == 1.0)):
        allowed = "from 0 to 1" if top else "from 0 to below 1"
        raise UsageError(f"The rate of {of} is {rate}; it is a share of the words {allowed}, 0.1 for 10 % of them.")
