"""Padding and chunks, as properties."""

from __future__ import annotations

from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from juyi.tokenization import chunks_by_rows, chunks_by_tokens, pad

ROWS = st.lists(st.lists(st.integers(1, 99), max_size=12), min_size=1, max_size=9)
LENGTHS = st.lists(st.integers(0, 40), max_size=60)
FEW = settings(max_examples=60, deadline=None)


@FEW
@given(ROWS, st.integers(0, 200))
def test_pad_keeps_every_row_and_marks_the_rest(rows: list[list[int]], pad_id: int) -> None:
    ids, mask = pad(rows, pad_id)
    assert ids.shape == mask.shape == (len(rows), max(map(len, rows)) or 1) and ids.dtype == mask.dtype == np.int64
    for row, padded, kept in zip(rows, ids, mask, strict=True):
        assert padded[: len(row)].tolist() == row and (padded[len(row) :] == pad_id).all()
        assert kept.tolist() == [1] * len(row) + [0] * (len(padded) - len(row))


@FEW
@given(LENGTHS, st.integers(1, 9))
def test_chunks_by_rows(lengths: list[int], chunk_size: int) -> None:
    chunks = [chunk.tolist() for chunk in chunks_by_rows(lengths, chunk_size)]
    joined = list(chain.from_iterable(chunks))
    assert sorted(joined) == list(range(len(lengths)))
    assert [lengths[i] for i in joined] == sorted(lengths, reverse=True)
    assert all(len(chunk) == chunk_size for chunk in chunks[:-1]) and all(chunks)


@FEW
@given(LENGTHS, st.integers(1, 100))
def test_chunks_by_tokens(lengths: list[int], batch_tokens: int) -> None:
    chunks = [chunk.tolist() for chunk in chunks_by_tokens(lengths, batch_tokens)]
    joined = list(chain.from_iterable(chunks))
    assert sorted(joined) == list(range(len(lengths)))
    assert [lengths[i] for i in joined] == sorted(lengths, reverse=True)
    for index, chunk in enumerate(chunks):
        longest = max(lengths[i] for i in chunk)
        assert len(chunk) * longest <= batch_tokens or len(chunk) == 1
        if index < len(chunks) - 1:  # as full as it can be
            assert (len(chunk) + 1) * max(1, longest) > batch_tokens


def test_equal_lengths_keep_their_order() -> None:
    assert [chunk.tolist() for chunk in chunks_by_rows([3, 5, 3, 5], 2)] == [[1, 3], [0, 2]]
    assert [chunk.tolist() for chunk in chunks_by_tokens([3, 5, 3, 5], 10)] == [[1, 3], [0, 2]]


def test_nothing_gives_no_chunks() -> None:
    assert not list(chunks_by_rows([], 4)) and not list(chunks_by_tokens([], 4))
    with pytest.raises(ValueError):
        pad([], 0)
