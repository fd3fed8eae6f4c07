"""Numbers as people write them in tables, and the ones that fall out of the range of the others."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
_RANGES = (1.0, 5.0, 10.0, 100.0)
_MOST_OUTSIDE = 0.02
_LEAST_ROWS = 4


def is_number(cell: str) -> bool:
    """Whether a cell holds a number: 4.5, 4,5, 85 % or 5分; nan and inf are numbers here and refused as scores later."""
    return number_in(cell) is not None


def number_in(cell: str) -> float | None:
    """The number that a cell holds; a decimal comma, a sign of per cent and marks (5分) are understood. None for none."""
    plain = cell.strip().rstrip("%％分星").rstrip()
    if _DECIMAL_COMMA.fullmatch(plain):
        plain = plain.replace(",", ".")
    if "_" in plain:  # Python's own way to group digits
        return None
    try:
        return float(plain)
    except ValueError:
        return None


def finite_number_in(cell: str) -> float | None:
    """As `number_in`, without nan and infinities."""
    number = number_in(cell)
    return number if number is not None and math.isfinite(number) else None


def outside_range(scores: NDArray[np.float64]) -> tuple[NDArray[np.intp], tuple[float, float]]:
    """The rows whose scores fall far out of the scale that all others keep to: a 50 among scores from 0 to 5.

    Scales are 0 to 1, 5, 10 or 100. A score is outside when it is negative or at least twice the upper end, and such scores are
    one, or at most 2 % of all. Nothing is outside among fewer than four scores.

    Shapes:
        scores: (n,); returns: the places, and the scale.
    """
    nothing = np.empty(0, dtype=np.intp)
    most = max(1, int(_MOST_OUTSIDE * len(scores)))
    if len(scores) < _LEAST_ROWS:
        return nothing, (0.0, 1.0)
    for top in _RANGES:
        beyond = (scores > top) | (scores < 0)
        far = (scores >= 2 * top) | (scores < 0)
        if beyond.sum() <= most:
            # A scale that another 0-to-1 score would explain as well is no evidence: the rest must really use it.
            return (np.flatnonzero(far), (0.0, top)) if _uses(scores[~beyond], top) else (nothing, (0.0, top))
    return nothing, (0.0, _RANGES[-1])


def _uses(scores: Sequence[float] | NDArray[np.float64], top: float) -> bool:
    """Whether scores are marks on a scale: many fall on the same value, as those of people do."""
    values = np.asarray(scores)
    return len(values) >= _LEAST_ROWS - 1 and (len(np.unique(values)) <= 21 or len(np.unique(values)) <= len(values) / 4)
