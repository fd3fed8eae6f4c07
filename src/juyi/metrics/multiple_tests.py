"""Several tests at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from juyi.metrics.inputs import finite_vector


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """The p-values, raised so far that among all of them the chance of one false finding is not above the level.

    The smallest of k counts k times, the next k - 1 times, and so on, and none comes out below one that was smaller. Nothing is
    assumed of how the tests depend on each other.

    Shapes:
        p_values: (k,)
        returns: (k,), at most 1

    Raises:
        UsageError: NaN or infinity.

    Source:
        Holm 1979, A simple sequentially rejective multiple test procedure.
    """
    given = finite_vector(p_values, "p_values")
    order = np.argsort(given, kind="stable")
    raised = np.maximum.accumulate(given[order] * np.arange(len(given), 0, -1))
    adjusted = np.empty_like(given)
    adjusted[order] = np.minimum(raised, 1.0)
    return adjusted
