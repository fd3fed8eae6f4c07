"""A difference that may owe itself to the items that were measured or to the seeds that were drawn."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import ndtri

from juyi.metrics import mean_interval

LEVEL = 0.95
"""Of all intervals."""
_LEAST = 1e-12
"""Of a p-value."""


def seeds_half_width(values: ArrayLike, level: float = LEVEL) -> float:
    """How far the interval of the mean over seeds reaches to each side; of one seed nothing is known, and it is 0.

    Shapes:
        values: (seeds,)
    """
    if np.size(values) < 2:
        return 0.0
    spread = mean_interval(values, level)
    return (spread.high - spread.low) / 2


@dataclass(frozen=True, eq=False)
class SeededDifference:
    """By how much one figure is above another.

    Attributes:
        values: Of each seed, in points.
        replicates: On each resample of the items, the mean over the seeds, (resamples,).
    """

    values: NDArray[np.float64]
    replicates: NDArray[np.float64]

    @property
    def value(self) -> float:
        """The mean over the seeds."""
        return float(self.values.mean())

    @property
    def interval(self) -> tuple[float, float]:
        """Where other items and other seeds would have left it, at 95 %: the two sources are independent and add up."""
        below, above = self._items
        spread = seeds_half_width(self.values)
        return self.value - math.hypot(below, spread), self.value + math.hypot(above, spread)

    def p_value(self, than: float = 0.0) -> float:
        """How likely a value at least as far from `than` is where that is the truth.

        It is one less the level at which the interval would end just there: the part of the items grows with the level as the
        normal distribution has it, that of n seeds as Student's t with n - 1 degrees of freedom.
        """
        distance = abs(self.value - than)
        items = self._items[0] if self.value > than else self._items[1]
        if distance == 0 or self._half(items, _LEAST) <= distance:
            return 1.0 if distance == 0 else _LEAST
        return math.exp(brentq(lambda log_p: self._half(items, math.exp(log_p)) - distance, math.log(_LEAST), 0.0))

    @property
    def _items(self) -> tuple[float, float]:
        """How far the interval of the items alone reaches down and up, at 95 %."""
        low, high = np.quantile(self.replicates, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        return max(self.value - float(low), 0.0), max(float(high) - self.value, 0.0)

    def _half(self, items: float, p_value: float) -> float:
        return math.hypot(
            items * float(ndtri(1 - p_value / 2) / ndtri((1 + LEVEL) / 2)), seeds_half_width(self.values, 1 - p_value)
        )
