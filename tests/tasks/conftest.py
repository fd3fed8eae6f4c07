"""What the tests of several tasks need."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from scipy import stats


@pytest.fixture
def percentiles() -> Callable[[Sequence[float], float, float], list[float]]:
    """The ends of an interval from figures on resamples: percentiles, widened for the number of units as Student's t is."""

    def ends(figures: Sequence[float], level: float, effective: float) -> list[float]:
        deviations = stats.t.ppf((1 + level) / 2, effective - 1) * np.sqrt(effective / (effective - 1))
        tail = stats.norm.sf(deviations)
        return [float(end) for end in np.quantile(figures, [tail, 1 - tail])]

    return ends
