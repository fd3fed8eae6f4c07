"""What every index asks of the ids and vectors that it is given, whatever searches underneath."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from juyi.embeddings import unit_rows
from juyi.errors import UsageError
from juyi.types import Embeddings


def checked_ids(ids: ArrayLike) -> NDArray[np.int64]:
    """The ids as a flat array of whole numbers from 0 on.

    Raises:
        UsageError: They are something else.
    """
    array = np.asarray(ids)
    if array.ndim != 1:
        raise UsageError(f"ids have the shape {array.shape}; a flat list of whole numbers is needed.")
    if not array.size:
        return np.empty(0, dtype=np.int64)
    if array.dtype.kind not in "iu" or array.max() > np.iinfo(np.int64).max or array.min() < 0:
        raise UsageError(
            f"ids are of the type {array.dtype}: {array[:3].tolist()}…; whole numbers from 0 to 2^63 - 1 are allowed. "
            "Number the rows and keep your own names beside them."
        )
    return array.astype(np.int64)


def checked_rows(vectors: ArrayLike, name: str, dim: int) -> Embeddings:
    """The vectors at unit length, each of the index's width.

    Raises:
        UsageError: They have another width, or one of them is zero or not finite.
    """
    rows = unit_rows(vectors, name)
    if rows.shape[1] != dim:
        raise UsageError(
            f"{name} have {rows.shape[1]} components, the vectors of this index have {dim}. "
            "Encode them with the encoder that the index was built with."
        )
    return rows.astype(np.float32)


def check_fresh(ids: NDArray[np.int64], count: int, known: set[int]) -> None:
    """Refuse ids that cannot be added with so many vectors.

    Raises:
        UsageError: There is not one id a vector, or an id is repeated or known already.
    """
    if len(ids) != count:
        raise UsageError(f"There are {len(ids)} ids for {count} vectors. Give one id a vector.")
    numbers = ids.tolist()
    if len(set(numbers)) < len(numbers):
        values, counts = np.unique(ids, return_counts=True)
        raise UsageError(
            f"The id {values[counts > 1][0]} occurs more than once among the ids to add. Give each vector an id of its own."
        )
    if taken := known.intersection(numbers):
        raise UsageError(
            f"{len(taken)} of the ids to add are in the index already, {min(taken)} for example. "
            "Delete them first, or give new ids."
        )


def check_known(ids: NDArray[np.int64], known: set[int]) -> None:
    """Refuse ids that cannot be deleted.

    Raises:
        UsageError: One of them is not in the index.
    """
    if missing := sorted(set(ids.tolist()) - known):
        raise UsageError(
            f"{len(missing)} of the ids to delete are not in the index, {missing[0]} for example. Nothing was deleted."
        )


def check_k(k: int) -> None:
    """Refuse to search for no hits.

    Raises:
        UsageError: k is below 1.
    """
    if k < 1:
        raise UsageError(f"k is {k}; ask for at least 1 hit.")
