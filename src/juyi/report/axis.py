"""An axis of a picture: from values to places, and where its marks are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

_MARKS = 6


@dataclass(frozen=True)
class Axis:
    """From values to pixels.

    Attributes:
        low: The least value that must be seen.
        high: The greatest.
        start: The pixel of the end with the least value.
        end: The pixel of the other end.
        logarithmic: Equal factors, not equal differences, are equally long.
    """

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    @classmethod
    def over(cls, values: Sequence[float], start: float, end: float, *, logarithmic: bool = False) -> Axis:
        """The axis that shows all of these values; one on which there is nothing goes from 0 to 1."""
        known = [value for value in values if math.isfinite(value) and (value > 0 or not logarithmic)]
        low, high = (min(known), max(known)) if known else (0.0, 1.0)
        if high - low <= 1e-9 * max(abs(low), abs(high)):
            low, high = (low / 2, high * 2) if logarithmic else (low - 0.5, high + 0.5)
        return cls(low, high, start, end, logarithmic)

    @cached_property
    def marks(self) -> tuple[float, ...]:
        """Round values along it, at most about six."""
        if self.logarithmic:
            return self._powers()
        step = _step(self.high - self.low)
        first, last = math.floor(self.low / step + 1e-9), math.ceil(self.high / step - 1e-9)
        return tuple(step * number for number in range(first, last + 1))

    def place(self, value: float) -> float:
        """The pixel of a value."""
        low, high = self._ends
        if self.logarithmic:
            value, low, high = math.log(value), math.log(low), math.log(high)
        return self.start + (self.end - self.start) * (value - low) / (high - low)

    @cached_property
    def _ends(self) -> tuple[float, float]:
        return (self.low, self.high) if self.logarithmic else (self.marks[0], self.marks[-1])

    def _powers(self) -> tuple[float, ...]:
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        for factors in ((1, 2, 5), (1, 3), (1,)):
            every = (factor * 10.0**power for power in powers for factor in factors)
            found = tuple(value for value in every if self.low <= value <= self.high)
            if len(found) <= _MARKS:
                break
        return found or (self.low, self.high)


def _step(length: float) -> float:
    """The least of 1, 2, 5, 10, … that cuts a length into no more than six parts."""
    exponent = math.floor(math.log10(length / _MARKS))
    steps = (factor * 10.0**power for power in (exponent, exponent + 1) for factor in (1, 2, 5))
    return next(step for step in (*steps, 10.0 ** (exponent + 2)) if length <= _MARKS * step)
