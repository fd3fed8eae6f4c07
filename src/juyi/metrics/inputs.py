"""Checks of what comes in: a figure computed from unusable numbers is worse than an error."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from juyi.embeddings import finite_numbers
from juyi.errors import UsageError


def finite_vector(values: ArrayLike, name: str) -> NDArray[np.float64]:
    """The values as a float64 vector without NaN or infinity.

    Args:
        values: Numbers, one a pair.
        name: What the caller calls them; errors use it.

    Raises:
        UsageError: They are not numbers, not one-dimensional or not finite.
    """
    vector = finite_numbers(values, name)
    if vector.ndim != 1:
        raise UsageError(f"{name} has the shape {vector.shape}; one number a pair is needed, a vector. Pass a flat array.")
    return vector.astype(np.float64)
