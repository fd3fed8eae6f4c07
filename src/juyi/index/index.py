"""What every index does, whatever searches underneath."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, runtime_checkable

from numpy.typing import ArrayLike

from juyi.types import Hits


@runtime_checkable
class Index(Protocol):
    """A set of vectors with ids that is searched by cosine.

    Ids are whole numbers from 0 on, each given once; -1 is the padding of `Hits` and never an id. Vectors are L2-normalised by
    the index, so any length but zero may be added. `open_index` loads what any of them saved.

    Not promised, for not every backend can keep it: that all of the nearest are found, the order of hits with equal scores, and
    the last digits of a score. `ExactIndex` has all three; what relies on them names it.
    """

    @property
    def dim(self) -> int:
        """How many components a vector has."""
        ...

    def __len__(self) -> int: ...

    def add(self, ids: ArrayLike, vectors: ArrayLike) -> None:
        """Put vectors in, all of them or, on an error, none.

        Shapes:
            ids: (n,) integers
            vectors: (n, dim)

        Raises:
            UsageError: An id is negative, repeated or already in the index; a vector has another dim, is zero or not finite.
        """
        ...

    def search(self, queries: ArrayLike, k: int) -> Hits:
        """The k nearest vectors of each query by cosine, best first.

        Where fewer than k vectors exist the rest of the row is id -1 with the score -inf: look at the id before using it as a
        place in a list, or -1 finds the last entry.

        Shapes:
            queries: (queries, dim)

        Raises:
            UsageError: k is below 1; a query has another dim, is zero or not finite.
        """
        ...

    def delete(self, ids: ArrayLike) -> None:
        """Take vectors out, all of them or, on an error, none.

        Raises:
            UsageError: An id is not in the index.
        """
        ...

    def save(self, folder: str | Path) -> None:
        """Write the index as a folder, whole or not at all.

        Raises:
            UsageError: The folder exists and holds something else than a saved index.
        """
        ...
