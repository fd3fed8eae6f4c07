"""How embeddings lie in their space: signals that need no gold scores."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from juyi.embeddings import finite_matrix, row_pairs, unit_rows
from juyi.errors import UsageError
from juyi.metrics.bootstrap import Statistic

_BLOCK_ROWS = 1024


def alignment(first: ArrayLike, second: ArrayLike, *, power: float = 2.0) -> float:
    """How far apart the two sides of a positive pair lie on the unit sphere, on average; smaller is better, 0 at the least.

    Args:
        first: Embeddings of the anchors, of any length; they are L2-normalised here.
        second: Embeddings of their positives.
        power: The exponent of the distance.

    Shapes:
        first: (n, dim)
        second: (n, dim)

    Raises:
        UsageError: Different shapes, no pairs, NaN or infinity, a row of zeros.

    Source:
        Wang & Isola 2020; SimCSE eq. 2 (there over the STS-B pairs with a gold score above 4).
    """
    left, right = row_pairs(first, second)
    if not len(left):
        raise UsageError("first and second have no rows; alignment needs at least one positive pair.")
    difference = unit_rows(left.astype(np.float64), "first") - unit_rows(right.astype(np.float64), "second")
    return float(np.mean(np.sqrt((difference * difference).sum(axis=1)) ** power))


def uniformity(embeddings: ArrayLike, *, t: float = 2.0) -> float:
    """How evenly the embeddings cover the unit sphere: log mean exp(-t ||x - y||²) over all distinct pairs of rows.

    Exact, and computed a block of rows at a time: memory grows with n, not with n². 0 when all rows are one point; smaller is
    better. Rows are L2-normalised here. Equal rows at different places are pairs like any other: pass distinct sentences.

    Args:
        embeddings: One row a text.
        t: The width of the kernel.

    Shapes:
        embeddings: (n, dim), n at least 2

    Raises:
        UsageError: Fewer than two rows, NaN or infinity, a row of zeros.

    Source:
        Wang & Isola 2020; SimCSE eq. 3 (over all STS-B sentences). The pair of a row with itself is left out.
    """
    rows = unit_rows(embeddings, "embeddings")
    _need_two(rows)
    logs: list[float] = []
    for start in range(0, len(rows), _BLOCK_ROWS):
        stop = min(start + _BLOCK_ROWS, len(rows))
        cosines = rows[start:stop] @ rows[start:].T
        # Every pair once: the triangle of the diagonal block and all that lies right of it.
        cosines[:, : stop - start][np.tril_indices(stop - start)] = -np.inf
        peak = cosines.max()
        if np.isneginf(peak):  # a last block of one row holds no pair
            continue
        # On the unit sphere ||x - y||² = 2 - 2 cos. The peak comes out of the sum, so that a large t does not underflow.
        cosines -= peak
        cosines *= 2 * t
        logs.append(-2 * t * (1 - float(peak)) + float(np.log(np.exp(cosines, out=cosines).sum(dtype=np.float64))))
    return float(np.logaddexp.reduce(logs) - np.log(len(rows) * (len(rows) - 1) / 2))


def anisotropy(embeddings: ArrayLike) -> float:
    """The mean cosine over all distinct pairs of rows: near 0 in a well spread space, near 1 in a narrow cone.

    The sum over all pairs is the squared length of the summed unit rows, so the cost grows with n, not with n².

    Shapes:
        embeddings: (n, dim), n at least 2

    Raises:
        UsageError: Fewer than two rows, NaN or infinity, a row of zeros.

    Source:
        Ethayarajh 2019 (mean cosine of random pairs); here of all pairs.
    """
    rows = unit_rows(np.asarray(finite_matrix(embeddings, "embeddings"), dtype=np.float64), "embeddings")
    _need_two(rows)
    total = rows.sum(axis=0)
    return float((total @ total - np.einsum("ij,ij->", rows, rows)) / (len(rows) * (len(rows) - 1)))


def uniformity_statistic(embeddings: ArrayLike, *, t: float = 2.0) -> Statistic:
    """Uniformity on resamples of the rows; on all of them once it is `uniformity`.

    A mean over pairs of rows follows, to first order, from the mean of each row over its pairs: a resample costs one pass over
    n figures instead of n². What is left out is of the order 1/n.

    Shapes:
        embeddings: (n, dim), n at least 2

    Raises:
        UsageError: As `uniformity`.

    Source:
        Hoeffding 1948: the projection of a U-statistic.
    """
    rows = unit_rows(embeddings, "embeddings")
    _need_two(rows)
    means = np.empty(len(rows))
    for start in range(0, len(rows), _BLOCK_ROWS):
        cosines = rows[start : start + _BLOCK_ROWS] @ rows.T
        kernel = np.exp(2 * t * (cosines.astype(np.float64) - 1))
        kernel[np.arange(len(kernel)), start + np.arange(len(kernel))] = 0  # a row with itself is no pair
        means[start : start + _BLOCK_ROWS] = kernel.sum(axis=1) / (len(rows) - 1)
    whole, projected = float(means.mean()), _projected(means)
    # The logarithm to first order too: the projection of a small sample may fall below 0.
    return lambda counts: float(np.log(whole)) + projected(counts) / whole - 1


def anisotropy_statistic(embeddings: ArrayLike) -> Statistic:
    """Anisotropy on resamples of the rows, to first order as in `uniformity_statistic`; on all of them once it is `anisotropy`.

    Shapes:
        embeddings: (n, dim), n at least 2

    Raises:
        UsageError: As `anisotropy`.
    """
    rows = unit_rows(np.asarray(finite_matrix(embeddings, "embeddings"), dtype=np.float64), "embeddings")
    _need_two(rows)
    return _projected((rows @ rows.sum(axis=0) - np.einsum("ij,ij->i", rows, rows)) / (len(rows) - 1))


def _projected(means: NDArray[np.float64]) -> Statistic:
    """A mean over pairs on a resample, to first order, from the mean of each row over its pairs."""
    whole = float(means.mean())
    return lambda counts: float(2 * (counts @ means) / counts.sum() - whole)


def singular_values(embeddings: ArrayLike) -> NDArray[np.float64]:
    """The singular values of the centred embeddings, largest first, divided by the largest: a fast fall means few directions.

    Shapes:
        embeddings: (n, dim), n at least 2
        returns: (min(n, dim),)

    Raises:
        UsageError: Fewer than two rows, NaN or infinity, or all rows equal: then nothing is left to decompose.
    """
    matrix = finite_matrix(embeddings, "embeddings").astype(np.float64)
    _need_two(matrix)
    magnitude = np.abs(matrix).max(initial=0.0)
    scaled = matrix / magnitude if magnitude > 0 else matrix
    values: NDArray[np.float64] = np.linalg.svd(scaled - scaled.mean(axis=0), compute_uv=False)
    # Taking the mean off equal rows leaves rounding, not exact zeros.
    if not values.size or values[0] <= np.finfo(np.float64).eps * sum(matrix.shape):
        raise UsageError(
            f"All {len(matrix)} rows of embeddings are equal: without the mean nothing is left, and the singular values have no "
            "largest to be divided by. Encode different texts; if they were different, the encoder has collapsed to one point."
        )
    shares: NDArray[np.float64] = values / values[0]
    return shares


def effective_rank(embeddings: ArrayLike) -> float:
    """How many directions the centred embeddings use: exp of the entropy of their singular values, from 1 to min(n, dim).

    Shapes:
        embeddings: (n, dim), n at least 2

    Raises:
        UsageError: As `singular_values`.

    Source:
        Roy & Vetterli 2007, definition 1 (there of the matrix as it is; here the mean is taken off first).
    """
    values = singular_values(embeddings)
    shares = values[values > 0] / values.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def participation_ratio(embeddings: ArrayLike) -> float:
    """How many directions carry the variance of the embeddings: (Σ λ)² / Σ λ² of the eigenvalues of their covariance.

    The long tail of small directions, which makes `effective_rank` large, hardly counts here.

    Shapes:
        embeddings: (n, dim), n at least 2; result from 1 to min(n - 1, dim)

    Raises:
        UsageError: As `singular_values`.

    Source:
        Gao et al. 2017 (doi:10.1101/214262), who call it so.
    """
    variances = singular_values(embeddings) ** 2
    return float(variances.sum() ** 2 / (variances**2).sum())


def _need_two(rows: NDArray[np.floating]) -> None:
    if len(rows) < 2:
        raise UsageError(f"embeddings has {len(rows)} rows; at least 2 are needed. Encode more texts.")


def principal_plane(embeddings: ArrayLike) -> NDArray[np.float64]:
    """The vectors on the plane of largest variance: a map of them.

    Each axis is turned so that the vector that lies furthest out on it is on the positive side; where there is no second
    direction, its coordinate is 0.

    Shapes:
        embeddings: (n, dim), n at least 2
        returns: (n, 2)

    Raises:
        UsageError: Fewer than two rows, NaN or infinity.
    """
    rows = finite_matrix(embeddings, "embeddings").astype(np.float64)
    _need_two(rows)
    left, lengths, _ = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)
    plane = np.zeros((len(rows), 2))
    directions = min(2, len(lengths))
    plane[:, :directions] = left[:, :directions] * lengths[:directions]
    furthest = plane[np.abs(plane).argmax(axis=0), [0, 1]]
    return plane * np.where(furthest < 0, -1.0, 1.0)
