"""Figures of ranked hits, one a query, so that a caller can average and resample them: reciprocal rank, recall, nDCG."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from juyi.errors import UsageError


def relevance(ids: NDArray[np.int64], relevant: Sequence[Collection[int]]) -> NDArray[np.bool_]:
    """Which hits are relevant to their query; an id of -1 stands for no hit and is never relevant.

    Args:
        ids: The hits of each query, best first, as in `juyi.types.Hits`.
        relevant: The ids that are relevant to each query.

    Shapes:
        ids: (queries, k)
        relevant: (queries,)
        returns: (queries, k)

    Raises:
        UsageError: ids is no matrix, or its rows are not as many as the queries of relevant.
    """
    if ids.ndim != 2 or len(ids) != len(relevant):
        raise UsageError(
            f"ids has the shape {ids.shape} for {len(relevant)} queries; ({len(relevant)}, k) is needed, one row of hits a query."
        )
    found = np.zeros(ids.shape, dtype=np.bool_)
    for place, (row, wanted) in enumerate(zip(ids.tolist(), map(frozenset, relevant), strict=True)):
        found[place] = [hit in wanted for hit in row]
    return found & (ids >= 0)


def first_place(found: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The place of the first relevant hit of each query, from 0; -1 where none is relevant.

    Shapes:
        found: (queries, k)
        returns: (queries,)

    Raises:
        UsageError: found is no matrix of truth values with at least one column.
    """
    _top(found, 1)
    return np.where(found.any(axis=1), found.argmax(axis=1), -1)


def reciprocal_rank(found: NDArray[np.bool_], k: int = 10) -> NDArray[np.float64]:
    """1 over the rank of the first relevant hit, counted from 1; 0 where none of the first k is relevant. Its mean is MRR@k.

    Shapes:
        found: (queries, at least k)
        returns: (queries,)

    Raises:
        UsageError: k is below 1, or found has fewer than k columns.
    """
    place = first_place(_top(found, k))
    return np.where(place >= 0, 1 / (np.maximum(place, 0) + 1), 0.0)


def recall(found: NDArray[np.bool_], totals: ArrayLike, k: int) -> NDArray[np.float64]:
    """The share of the documents relevant to a query that are among its first k hits.

    Args:
        found: Which hits are relevant, best first.
        totals: How many relevant documents each query has, found or not.
        k: How many hits count.

    Shapes:
        found: (queries, at least k)
        totals: (queries,)
        returns: (queries,)

    Raises:
        UsageError: k is below 1, found has fewer than k columns, or a query has no relevant document or fewer than were found.
    """
    shares: NDArray[np.float64] = _top(found, k).sum(axis=1) / _totals(totals, found)
    return shares


def ndcg(found: NDArray[np.bool_], totals: ArrayLike, k: int) -> NDArray[np.float64]:
    """The normalised discounted cumulative gain of the first k hits, with the gains 0 and 1.

    A relevant hit at rank r gains 1 / log2(r + 1); the sum is divided by that of the ideal order, all relevant documents first.

    Args:
        found: Which hits are relevant, best first.
        totals: How many relevant documents each query has, found or not.
        k: How many hits count.

    Shapes:
        found: (queries, at least k)
        totals: (queries,)
        returns: (queries,)

    Raises:
        UsageError: As `recall`.

    Source:
        Järvelin & Kekäläinen 2002, with the discount of trec_eval's `ndcg_cut`.
    """
    top, known = _top(found, k), _totals(totals, found)
    discounts = 1 / np.log2(np.arange(2, k + 2))
    # Both sums are taken from the top, so that an ideal order gives exactly 1.
    gains, ideals = np.cumsum(top * discounts, axis=1)[:, -1], np.cumsum(discounts)
    figures: NDArray[np.float64] = gains / ideals[np.minimum(known, k) - 1]
    return figures


def _top(found: NDArray[np.bool_], k: int) -> NDArray[np.bool_]:
    """The first k columns."""
    if found.ndim != 2 or found.dtype != np.bool_:
        raise UsageError(
            f"found is of the type {found.dtype} with the shape {found.shape}; truth values (queries, k) are needed, "
            "the result of `relevance`."
        )
    if not 1 <= k <= found.shape[1]:
        raise UsageError(
            f"k is {k}, and found has {found.shape[1]} columns: k is at least 1, and as many hits must be asked for as the "
            "metric counts. Search with a larger k, or measure with a smaller one."
        )
    return found[:, :k]


def _totals(totals: ArrayLike, found: NDArray[np.bool_]) -> NDArray[np.int64]:
    known = np.asarray(totals)
    if known.shape != (len(found),) or (known.size and known.dtype.kind not in "iu"):
        raise UsageError(
            f"totals is of the type {known.dtype} with the shape {known.shape}; {len(found)} whole numbers are needed, "
            "how many relevant documents each query has."
        )
    hits = found.sum(axis=1)
    low = np.flatnonzero(known < np.maximum(hits, 1))
    if low.size:
        query = int(low[0])
        raise UsageError(
            f"Query {query} has {known[query]} relevant documents by totals, and {hits[query]} relevant hits; {low.size} of "
            f"{len(known)} queries are such. A query needs at least 1, and as many as were found: leave out queries that "
            "nothing answers, and count each document once."
        )
    return known.astype(np.int64)
