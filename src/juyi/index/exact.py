"""The index that compares every query with every vector: exact, in memory, numpy only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from juyi.atomic import replaced_folder
from juyi.errors import DataError, UsageError
from juyi.index.checks import check_fresh, check_k, check_known, checked_ids, checked_rows
from juyi.index.folder import INDEX_MANIFEST, read_manifest, write_manifest
from juyi.types import Embeddings, Hits

FORMAT = "juyi-exact-index"
VERSION = 1


class ExactIndex:
    """Cosine search through all vectors.

    A query finds the same hits with the same scores whether it comes alone or among others: a matrix product in single precision
    only picks the candidates, generously; their scores are then computed one by one in double precision. So equal vectors have
    equal scores, and the smaller id comes first: more than the protocol `Index` promises.

    Args:
        dim: How many components a vector has.
        query_block: Queries in one matrix product.
        row_block: Vectors in one matrix product; memory grows with the product of both.

    Raises:
        UsageError: dim is below 1.
    """

    def __init__(self, dim: int, *, query_block: int = 256, row_block: int = 65_536) -> None:
        if dim < 1:
            raise UsageError(f"dim is {dim}; a vector has at least 1 component. Pass the width of the embeddings.")
        self._dim = dim
        self._query_block, self._row_block = query_block, row_block
        self._size = 0
        # Room for more rows than there are: doubling it keeps many small additions cheap.
        self._ids: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self._vectors: Embeddings = np.empty((0, dim), dtype=np.float32)
        self._known: set[int] = set()

    @property
    def dim(self) -> int:
        """How many components a vector has."""
        return self._dim

    def __len__(self) -> int:
        return self._size

    def add(self, ids: ArrayLike, vectors: ArrayLike) -> None:
        """Put vectors in, all of them or, on an error, none. They are L2-normalised here.

        Shapes:
            ids: (n,) integers
            vectors: (n, dim)

        Raises:
            UsageError: An id is negative, repeated or already in the index; a vector has another dim, is zero or not finite.
        """
        fresh, rows = checked_ids(ids), checked_rows(vectors, "vectors", self._dim)
        check_fresh(fresh, len(rows), self._known)
        self._make_room(self._size + len(fresh))
        end = self._size + len(fresh)
        self._ids[self._size : end] = fresh
        self._vectors[self._size : end] = rows
        self._size = end
        self._known.update(fresh.tolist())

    def search(self, queries: ArrayLike, k: int) -> Hits:
        """The k nearest vectors of each query by cosine, best first, the smaller id first where scores are equal.

        Where fewer than k vectors exist the rest of the row is id -1 with the score -inf.

        Shapes:
            queries: (queries, dim)

        Raises:
            UsageError: k is below 1; a query has another dim, is zero or not finite.
        """
        check_k(k)
        asked = checked_rows(queries, "queries", self._dim)
        ids = np.full((len(asked), k), -1, dtype=np.int64)
        scores = np.full((len(asked), k), -np.inf, dtype=np.float32)
        for start in range(0, len(asked), self._query_block):
            for place, (found, best) in enumerate(self._nearest(asked[start : start + self._query_block], k), start=start):
                ids[place, : len(found)] = found
                scores[place, : len(best)] = best
        return Hits(ids, scores)

    def delete(self, ids: ArrayLike) -> None:
        """Take vectors out, all of them or, on an error, none.

        Raises:
            UsageError: An id is not in the index.
        """
        gone = checked_ids(ids)
        check_known(gone, self._known)
        keep = ~np.isin(self._ids[: self._size], gone)
        self._ids, self._vectors = self._ids[: self._size][keep], self._vectors[: self._size][keep]
        self._size = len(self._ids)
        self._known.difference_update(gone.tolist())

    def save(self, folder: str | Path) -> None:
        """Write the index as a folder, whole or not at all; an index that was saved there before is replaced.

        Raises:
            UsageError: The folder exists and holds something else than a saved index.
        """
        with replaced_folder(folder, INDEX_MANIFEST) as fresh:
            np.save(fresh / "ids.npy", self._ids[: self._size])
            np.save(fresh / "vectors.npy", self._vectors[: self._size])
            write_manifest(fresh / INDEX_MANIFEST, {"format": FORMAT, "version": VERSION, "dim": self._dim, "count": self._size})

    @classmethod
    def load(cls, folder: str | Path) -> ExactIndex:
        """The index that was saved in a folder.

        Raises:
            DataError: The folder holds no such index, or its files do not fit together.
        """
        path = Path(folder)
        manifest = read_manifest(path / INDEX_MANIFEST, FORMAT, VERSION, {"dim": int, "count": int})
        ids = _array(path / "ids.npy", np.int64, (manifest["count"],))
        vectors = _array(path / "vectors.npy", np.float32, (manifest["count"], manifest["dim"]))
        index = cls(int(manifest["dim"]))
        index._ids, index._vectors, index._size = ids, vectors, len(ids)
        index._known = set(ids.tolist())
        if len(index._known) < len(ids) or (len(ids) and ids.min() < 0):
            raise DataError("ids are repeated or negative. Build the index again.", path=path / "ids.npy")
        if not np.allclose(np.einsum("ij,ij->i", vectors, vectors), 1.0, rtol=0, atol=1e-3):
            raise DataError("not every vector has the length 1. Build the index again.", path=path / "vectors.npy")
        return index

    def _make_room(self, size: int) -> None:
        if size > len(self._ids):
            room = max(size, 2 * self._size)
            ids, vectors = np.empty(room, dtype=np.int64), np.empty((room, self._dim), dtype=np.float32)
            ids[: self._size], vectors[: self._size] = self._ids[: self._size], self._vectors[: self._size]
            self._ids, self._vectors = ids, vectors

    def _nearest(self, queries: Embeddings, k: int) -> list[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """The ids and scores of the best k of all rows, for each query."""
        none = (np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32))
        best = [none] * len(queries)
        for start in range(0, self._size, self._row_block):
            stop = min(start + self._row_block, self._size)
            ids, vectors = self._ids[start:stop], self._vectors[start:stop]
            rough = queries @ vectors.T
            at_least = _kth_largest(rough, k) - self._slack()
            for place, query in enumerate(queries):
                known_ids, known_scores = best[place]
                # What cannot beat the k found in earlier blocks need not be looked at.
                limit = at_least[place] if len(known_ids) < k else max(at_least[place], known_scores[-1] - self._slack())
                candidates = np.flatnonzero(rough[place] >= limit)
                scores = _exact_cosines(vectors[candidates], query)
                best[place] = _best(np.append(known_ids, ids[candidates]), np.append(known_scores, scores), k)
        return best

    def _slack(self) -> float:
        # The rounding error of a dot product of unit vectors is at most dim units, in any order of summing; two meet here.
        return (2 * self._dim + 4) * float(np.finfo(np.float32).epsneg)


def _kth_largest(scores: NDArray[np.float32], k: int) -> NDArray[np.float32]:
    """The k-th largest score of each row; -inf where there are not more than k."""
    count = scores.shape[1]
    if count <= k:
        return np.full(len(scores), -np.inf, dtype=np.float32)
    kth: NDArray[np.float32] = np.partition(scores, count - k, axis=1)[:, count - k]
    return kth


def _exact_cosines(vectors: Embeddings, query: Embeddings) -> NDArray[np.float32]:
    """Cosines of unit vectors, each summed in the same order, so that they depend on nothing but the two vectors."""
    cosines: NDArray[np.float64] = (vectors.astype(np.float64) * query.astype(np.float64)).sum(axis=1)
    return np.clip(cosines, -1.0, 1.0).astype(np.float32)


def _best(ids: NDArray[np.int64], scores: NDArray[np.float32], k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    order = np.lexsort((ids, -scores))[:k]
    return ids[order], scores[order]


def _array(path: Path, dtype: type[np.generic], shape: tuple[Any, ...]) -> NDArray[Any]:
    try:
        array: NDArray[Any] = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"this file cannot be read as an array ({error}). Build the index again.", path=path) from error
    if array.dtype != dtype or array.shape != shape:
        raise DataError(
            f"this array is {array.dtype} {array.shape}; the manifest beside it says {np.dtype(dtype)} {shape}. "
            "Build the index again.",
            path=path,
        )
    return array
