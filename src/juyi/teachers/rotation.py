"""Targets turned towards what a student gives already."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import orthogonal_procrustes

_BLOCK = 16384


def rotated(targets: NDArray[np.float16], places: NDArray[np.int64], towards: NDArray[np.floating]) -> NDArray[np.float16]:
    """The targets, turned and mirrored so that some of them lie as near as possible to given vectors.

    That changes no cosine of two targets. The axes of joined targets depend on all texts that were read, so a student that
    goes on with other texts would first have to turn its whole space.

    Args:
        targets: Of unit length.
        places: Rows of the targets.
        towards: The student's vectors of these rows, of any length.

    Shapes:
        targets, result: (n, dim); places: (m,); towards: (m, dim).

    Source:
        Schönemann (1966), A generalized solution of the orthogonal Procrustes problem.
    """
    turn, _ = orthogonal_procrustes(targets[places].astype(np.float64), _units(towards.astype(np.float64)))  # (dim, dim)
    blocks = [targets[i : i + _BLOCK].astype(np.float64) @ turn for i in range(0, len(targets), _BLOCK)]
    return np.concatenate([_units(block).astype(np.float16) for block in blocks])


def _units(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    units: NDArray[np.float64] = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return units
