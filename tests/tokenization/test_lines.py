"""Rows on lines: nothing is lost, nothing shares a place, and little is padding."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from juyi.tokenization import lines_by_tokens, spread

PAD = 0
ROWS = st.lists(st.lists(st.integers(1, 99), max_size=90), max_size=40)


@given(ROWS, st.integers(1, 300), st.booleans())
def test_every_token_lies_where_it_is_said(rows: list[list[int]], batch_tokens: int, side_by_side: bool) -> None:
    seen: list[int] = []
    for lines in lines_by_tokens(rows, batch_tokens, PAD, side_by_side=side_by_side):
        count, width = lines.ids.shape
        assert count == 1 or count * width <= batch_tokens
        tokens = 0
        for number, (row, start, length) in enumerate(zip(lines.rows, lines.starts, lines.lengths, strict=True)):
            there = slice(start, start + length)
            assert lines.ids.ravel()[there].tolist() == rows[row]
            assert lines.positions.ravel()[there].tolist() == list(range(length))
            assert (lines.owner.ravel()[there] == number).all()
            assert start // width == max(start, start + length - 1) // width  # on one line
            tokens += length
        assert (lines.owner >= 0).sum() == tokens  # the rest is padding, which nobody owns
        assert (lines.ids[lines.owner < 0] == PAD).all()
        assert side_by_side or len(lines.rows) == count
        seen += lines.rows.tolist()
    assert sorted(seen) == list(range(len(rows)))


@pytest.mark.parametrize(("shortest", "longest"), [(3, 40), (8, 20), (5, 64)])
def test_of_short_rows_less_than_three_in_a_hundred_tokens_are_padding(shortest: int, longest: int) -> None:
    lengths = np.random.default_rng(0).integers(shortest, longest, 4000)
    rows = [[1] * length for length in lengths.tolist()]
    batches = list(lines_by_tokens(rows, 2048, PAD))
    assert sum(lines.ids.size for lines in batches) < 1.03 * lengths.sum()
    assert len({lines.ids.shape for lines in batches[:-1]}) == 1  # a runtime prepares itself for one shape


def test_spread() -> None:
    assert spread(np.array([3, 0, 2])).tolist() == [0, 1, 2, 0, 1]
