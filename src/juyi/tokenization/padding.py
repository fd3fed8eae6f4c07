"""Rows of unequal length, cut into chunks that waste little padding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from juyi.tokenization.tokenizer import TokenIds


def pad(rows: Sequence[TokenIds], pad_id: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Ids and mask, padded to the longest of these rows, and to one token at least: a row may be empty.

    Shapes:
        result: two (n, longest) arrays.
    """
    longest = max(map(len, rows)) or 1
    ids = np.full((len(rows), longest), pad_id, dtype=np.int64)
    mask = np.zeros((len(rows), longest), dtype=np.int64)
    for index, row in enumerate(rows):
        ids[index, : len(row)] = row
        mask[index, : len(row)] = 1
    return ids, mask


def chunks_by_rows(lengths: Sequence[int], chunk_size: int) -> Iterator[NDArray[np.intp]]:
    """Row numbers in chunks of `chunk_size`, rows of like length together, longest first."""
    order = np.argsort(-np.asarray(lengths, dtype=np.int64), kind="stable")
    for start in range(0, len(order), chunk_size):
        yield order[start : start + chunk_size]


def chunks_by_tokens(lengths: Sequence[int], batch_tokens: int) -> Iterator[NDArray[np.intp]]:
    """Row numbers in chunks whose padded size stays within `batch_tokens`, longest first; a longer row goes alone."""
    order = np.argsort(-np.asarray(lengths, dtype=np.int64), kind="stable")
    start = 0
    while start < len(order):
        count = max(1, batch_tokens // max(1, int(lengths[order[start]])))
        yield order[start : start + count]
        start += count
