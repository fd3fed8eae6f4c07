"""Texts that a teacher holds alike, so that a batch can be made of neighbours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_SAMPLE = 50_000
_ROUNDS = 12
_BLOCK = 16_384


def cluster(vectors: NDArray[np.float16], count: int, seed: int) -> NDArray[np.int64]:
    """The number of each row's cluster: spherical k-means, whose centres are found on at most 50,000 rows.

    A centre that loses all its rows is put on a row drawn anew.

    Args:
        vectors: Of unit length.
        count: How many clusters.
        seed: Draws the sample and the first centres.

    Shapes:
        vectors: (n, dim); result: (n,).

    Source:
        Dhillon & Modha (2001), Concept Decompositions for Large Sparse Text Data using Clustering.
    """
    rng = np.random.default_rng(seed)
    sample = vectors[np.sort(rng.permutation(len(vectors))[:_SAMPLE])].astype(np.float32)
    centres = sample[rng.permutation(len(sample))[:count]]
    for _ in range(_ROUNDS):
        nearest = _nearest(sample, centres)
        sums = np.zeros_like(centres)
        np.add.at(sums, nearest, sample)
        lost = np.flatnonzero(np.bincount(nearest, minlength=len(centres)) == 0)
        sums[lost] = sample[rng.integers(len(sample), size=len(lost))]
        centres = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
    return np.concatenate([_nearest(vectors[i : i + _BLOCK], centres) for i in range(0, len(vectors), _BLOCK)])


def _nearest(vectors: NDArray[np.floating], centres: NDArray[np.float32]) -> NDArray[np.int64]:
    """Shapes: vectors: (n, dim); centres: (count, dim); result: (n,)."""
    nearest: NDArray[np.int64] = (vectors.astype(np.float32) @ centres.T).argmax(axis=1)
    return nearest
