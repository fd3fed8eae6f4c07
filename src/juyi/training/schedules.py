"""The learning rate over the run, as a factor of its highest value."""

from __future__ import annotations

import math
from typing import Literal

Schedule = Literal["constant", "linear", "cosine", "trapezoid"]
_FALL = 0.2


def rate_factor(step: int, steps: int, *, schedule: Schedule, warmup: float) -> float:
    """The factor at a step.

    Args:
        step: Counted from 0.
        steps: In all.
        schedule: What happens after the warm-up.
        warmup: Share of the steps in which the factor rises to 1.
    """
    rising = round(warmup * steps)
    if step < rising:
        return (step + 1) / rising
    left = (steps - step) / max(1, steps - rising)
    match schedule:
        case "constant":
            return 1.0
        case "linear":
            return left
        case "cosine":
            return 0.5 * (1 - math.cos(math.pi * left))
        case "trapezoid":
            return min(1.0, left / _FALL)
