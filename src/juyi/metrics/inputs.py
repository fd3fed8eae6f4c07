"""Checks of what comes in: a figure computed from unusable numbers is worse than an error."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from juyi.errors import UsageError


def finite_vector(values: ArrayLike, name: str) -> NDArray[np.float64]:
    """The values as a float64 vector without NaN or infinity.

    Args:
        values: Numbers, one a pair.
        name: What the caller calls them; errors use it.

    Raises:
        UsageError: They are not numbers, not one-dimensional or not finite.
    """
    vector = _finite_numbers(values, name)
    if vector.ndim != 1:
        raise UsageError(f"{name} has the shape {vector.shape}; one number a pair is needed, a vector. Pass a flat array.")
    return vector.astype(np.float64)


def finite_matrix(values: ArrayLike, name: str) -> NDArray[np.floating]:
    """The values as a matrix without NaN or infinity: float64 stays, everything else becomes float32.

    Args:
        values: (n, dim) embeddings, one row a text.
        name: What the caller calls them; errors use it.

    Raises:
        UsageError: They are not numbers, not two-dimensional or not finite.
    """
    matrix: NDArray[Any] = _finite_numbers(values, name)
    if matrix.ndim != 2:
        raise UsageError(f"{name} has the shape {matrix.shape}; embeddings have the shape (texts, dim). Pass one row a text.")
    return matrix if matrix.dtype in (np.float32, np.float64) else matrix.astype(np.float32)


def unit_rows(values: ArrayLike, name: str) -> NDArray[np.floating]:
    """The rows divided by their length, in the precision of `finite_matrix`.

    Raises:
        UsageError: As `finite_matrix`, and where a row is zero: it has no direction.
    """
    matrix = finite_matrix(values, name)
    scaled: NDArray[np.floating] = matrix / row_peaks(matrix, name)
    # sum() adds up every row in the same order: equal rows stay equal, in whatever batch they come.
    scaled /= np.sqrt((scaled * scaled).sum(axis=1, keepdims=True))
    return scaled


def row_peaks(matrix: NDArray[np.floating], name: str) -> NDArray[np.floating]:
    """The largest magnitude of each row; divided by it, no square of a row over- or underflows.

    Shapes:
        matrix: (n, dim)
        returns: (n, 1)

    Raises:
        UsageError: A row is zero: it has no direction.
    """
    peaks: NDArray[np.floating] = np.max(np.abs(matrix), axis=1, keepdims=True, initial=0)
    zero = np.flatnonzero(peaks[:, 0] == 0)
    if zero.size:
        raise UsageError(
            f"{name} has {zero.size} rows of zeros out of {len(matrix)}, the first is row {zero[0]}. "
            "A zero vector has no direction and no cosine. Look at the text of that row and drop it, or encode it again."
        )
    return peaks


def _finite_numbers(values: ArrayLike, name: str) -> NDArray[np.number]:
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise UsageError(f"{name} is not an array: {error}. Pass rows of equal length.") from error
    if array.dtype.kind not in "biuf":
        raise UsageError(f"{name} holds values of the type {array.dtype}; real numbers are needed. Convert them first.")
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        place = ", ".join(str(i) for i in bad[0])
        raise UsageError(
            f"{name} has {len(bad)} values that are NaN or infinite out of {array.size}, the first at position {place}. "
            "Every value must be finite; nothing is dropped or taken for zero. Find out where it comes from and remove it."
        )
    return array
