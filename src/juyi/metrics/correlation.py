"""Spearman's and Pearson's correlation, from -1 to 1."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from juyi.errors import UsageError
from juyi.metrics.inputs import finite_vector


def spearman(x: ArrayLike, y: ArrayLike) -> float:
    """Spearman's rank correlation; tied values share the average of their ranks, as in `scipy.stats.spearmanr`.

    Args:
        x: Predicted scores, similarities for example.
        y: Gold scores of the same pairs.

    Returns:
        A figure from -1 to 1 (published tables print it times 100).

    Shapes:
        x: (n,)
        y: (n,)

    Raises:
        UsageError: Different lengths, fewer than two pairs, NaN or infinity, or a constant vector, which has no correlation.
    """
    left, right = paired_vectors(x=x, y=y)
    return ranked_correlation(*(_centred_ranks_of(values) for values in (left, right)))


def pearson(x: ArrayLike, y: ArrayLike) -> float:
    """Pearson's linear correlation.

    Args:
        x: Predicted scores.
        y: Gold scores of the same pairs.

    Returns:
        A figure from -1 to 1.

    Shapes:
        x: (n,)
        y: (n,)

    Raises:
        UsageError: Different lengths, fewer than two pairs, NaN or infinity, or a constant vector, which has no correlation.
    """
    left, right = (_deviations(values) for values in paired_vectors(x=x, y=y))
    return float(np.clip(left @ right / np.sqrt((left @ left) * (right @ right)), -1.0, 1.0))


def paired_vectors(**arguments: ArrayLike) -> list[NDArray[np.float64]]:
    """The arguments as float64 vectors that can be correlated with each other.

    Args:
        arguments: The vectors by the names that the caller gave them; errors use these names.

    Raises:
        UsageError: Different lengths, fewer than two values, NaN or infinity, or a constant vector.
    """
    vectors = {name: finite_vector(values, name) for name, values in arguments.items()}
    lengths = {name: len(values) for name, values in vectors.items()}
    if len(set(lengths.values())) > 1:
        got = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise UsageError(f"The lengths differ: {got} values. A correlation needs one value a pair in each of them.")
    for name, values in vectors.items():
        if len(values) < 2:
            raise UsageError(f"{name} has {len(values)} values; a correlation needs at least 2 pairs. Give it more pairs.")
        if values.min() == values.max():
            raise UsageError(
                f"{name} is constant: all {len(values)} values are {values[0]:g}. A constant vector has no correlation "
                "(it is undefined, not 0). Look for an encoder that maps every text to one point, or for equal gold scores."
            )
    return list(vectors.values())


def dense_ranks(values: NDArray[np.float64]) -> tuple[NDArray[np.intp], int]:
    """The number of each value in the sorted list of distinct values, from 0, and how many distinct values there are."""
    distinct, ranks = np.unique(values, return_inverse=True)
    return ranks.reshape(-1), len(distinct)


def centred_ranks(counts: NDArray[np.number]) -> NDArray[np.float64]:
    """Twice the average rank of each distinct value minus twice the mean rank: whole numbers that sum to zero over the sample.

    A value that occurs c times after b smaller ones has the ranks b + 1 … b + c, on average b + (c + 1) / 2; the mean rank of n
    values is (n + 1) / 2. The factor two does not change a correlation and keeps every figure a whole number, so that the sums
    are exact.

    Args:
        counts: How often each distinct value occurs, in ascending order of the values; zero where it does not.

    Shapes:
        counts: (distinct,)
        returns: (distinct,)
    """
    upto = np.cumsum(counts, dtype=np.float64)
    centred: NDArray[np.float64] = 2.0 * upto - counts - upto[-1]
    return centred


def ranked_correlation(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """The correlation of two vectors of centred ranks."""
    return float(np.clip((x @ y) / np.sqrt((x @ x) * (y @ y)), -1.0, 1.0))


def _centred_ranks_of(values: NDArray[np.float64]) -> NDArray[np.float64]:
    ranks, distinct = dense_ranks(values)
    return centred_ranks(np.bincount(ranks, minlength=distinct))[ranks]


def _deviations(values: NDArray[np.float64]) -> NDArray[np.float64]:
    # Dividing by the largest magnitude first keeps the squares away from overflow and underflow.
    scaled = values / np.abs(values).max()
    deviations: NDArray[np.float64] = np.subtract(scaled, scaled.mean())
    return deviations
