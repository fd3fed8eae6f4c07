"""BERT-whitening: a linear map after which the vectors have mean zero and identity covariance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from juyi.embeddings import unit_rows_or_zero
from juyi.errors import UsageError
from juyi.types import Embeddings

RELATIVE_FLOOR = 1e-6
"""A direction whose variance is below this share of the largest is noise: dividing by its standard deviation would blow it up."""


@dataclass(frozen=True)
class Whitening:
    """A fitted whitening.

    Attributes:
        mean: Of the vectors it was fitted on.
        matrix: Directions scaled by the inverse standard deviation along them.
        count: How many vectors it was fitted on.
        notes: What the guard did, in words.

    Shapes:
        mean: (dim,) float64; matrix: (dim, k) float64.
    """

    mean: NDArray[np.float64]
    matrix: NDArray[np.float64]
    count: int
    notes: tuple[str, ...] = ()

    @property
    def bias(self) -> NDArray[np.float64]:
        """What a Dense layer adds after the matrix: `-mean @ matrix`, (k,)."""
        bias: NDArray[np.float64] = -self.mean @ self.matrix
        return bias

    def __call__(self, embeddings: Embeddings) -> Embeddings:
        """Whiten and L2-normalise.

        Shapes:
            embeddings: (n, dim); result: (n, k).
        """
        mapped = (embeddings.astype(np.float64) - self.mean) @ self.matrix
        return unit_rows_or_zero(mapped).astype(np.float32)


def fit_whitening(embeddings: Embeddings, k: int | None = None, *, strength: float = 1.0) -> Whitening:
    """Fit a whitening on vectors that are not normalised.

    With fewer vectors than dimensions the covariance is singular; the directions without variance are dropped, and the notes say
    so. With a strength below 1 the covariance is shrunk towards equal variances first: every direction then has some, and an
    encoder that orders them well keeps most of its order.

    Args:
        embeddings: What to fit on.
        k: Keep the k directions of largest variance; None keeps all that carry variance.
        strength: 1 whitens; 0 centres the vectors and leaves their directions as they are.

    Raises:
        UsageError: Fewer than two distinct vectors, a value that is not finite, or a k or a strength that is not possible.

    Source:
        Su et al. (arXiv:2103.15316); bojone/BERT-whitening. Covariance with n-1 and the SVD in float64; the truncation comes
        before the normalisation. The relative floor is ours. The shrinkage towards a multiple of the identity is that of Ledoit &
        Wolf 2004, with the strength given instead of estimated.
    """
    vectors = np.asarray(embeddings, dtype=np.float64)
    if vectors.ndim != 2 or len(vectors) < 2:
        raise UsageError(f"Whitening was given vectors of shape {vectors.shape}; it needs at least two, better some thousands.")
    if not np.isfinite(vectors).all():
        raise UsageError("Whitening was given vectors with NaN or infinite values; nothing was fitted.")
    count, dim = vectors.shape
    if k is not None and not 1 <= k <= dim:
        raise UsageError(f"Whitening to {k} dimensions is not possible; the vectors have {dim}, so choose 1 to {dim}.")
    if not 0 <= strength <= 1:
        raise UsageError(f"The strength of the whitening is {strength}; it lies from 0, centred alone, to 1, whitened fully.")
    mean = vectors.mean(axis=0)
    directions, variances, _ = np.linalg.svd(np.cov(vectors.T).reshape(dim, dim))
    if variances[0] <= 0:
        raise UsageError("Whitening was given vectors that are all equal; it needs sentences that differ.")
    variances = strength * variances + (1 - strength) * variances.mean()
    rank = int((variances > RELATIVE_FLOOR * variances[0]).sum())
    kept = min(rank, k or dim)
    notes = _notes(count, dim, rank, k) if strength == 1 else ()
    return Whitening(mean, directions[:, :kept] / np.sqrt(variances[:kept]), count, notes)


def _notes(count: int, dim: int, rank: int, k: int | None) -> tuple[str, ...]:
    notes = []
    if rank < (k or dim):
        notes.append(f"Only {rank} of {dim} directions carry variance ({count} vectors); the result has {rank} dimensions.")
    if count < 2 * dim and (k is None or k > count // 4):
        notes.append(
            f"{count} vectors are few for {dim} dimensions: the small variances are guesses. Fewer dimensions are safer."
        )
    return tuple(notes)
