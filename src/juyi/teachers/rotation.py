"""Targets turned towards what a student gives already."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import orthogonal_procrustes

from juyi.embeddings import unit_rows_or_zero
from juyi.errors import DataError
from juyi.types import Embeddings

_BLOCK = 16384


def turned_towards(targets: NDArray[np.float16], places: NDArray[np.int64], student: Embeddings) -> NDArray[np.float16]:
    """The targets, turned and mirrored as a whole so that some of them lie as near as possible to a student's vectors.

    That changes no cosine of two targets. The axes of joined targets depend on all texts that were read, so a student that
    goes on with other texts would first have to turn its whole space.

    Args:
        targets: Of unit length.
        places: Rows of the targets.
        student: Its vectors of these rows, of any length.

    Raises:
        DataError: One of the student's vectors is not finite.

    Shapes:
        targets, result: (n, dim); places: (m,); student: (m, dim).

    Source:
        Schönemann (1966), A generalized solution of the orthogonal Procrustes problem.
    """
    if not np.isfinite(student).all():
        raise DataError("The student's vectors hold values that are no numbers, so no targets can be turned to them.")
    units = unit_rows_or_zero(student.astype(np.float64))
    turn, _ = orthogonal_procrustes(targets[places].astype(np.float64), units)  # (dim, dim)
    turned = np.empty_like(targets)
    for start in range(0, len(targets), _BLOCK):
        turned[start : start + _BLOCK] = unit_rows_or_zero(targets[start : start + _BLOCK].astype(np.float64) @ turn)
    return turned
