"""Masking: shares, what is never chosen, whole words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from juyi.errors import UsageError
from juyi.tokenization import SpecialTokens, mask_tokens

SPECIAL = SpecialTokens(cls=2, sep=3, pad=0, unknown=1, mask=4)
SIZE = 1000


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_the_shares_are_80_10_10() -> None:
    rows = [[2, *rng(seed).integers(5, SIZE, 40).tolist(), 3] for seed in range(2000)]
    masked = mask_tokens(rows, rng(1), rate=0.15, special=SPECIAL, size=SIZE)
    now = np.concatenate([np.asarray(row)[chosen] for row, chosen in zip(masked.rows, masked.positions, strict=True)])
    count = len(masked.labels)
    assert count == 2000 * 6  # 15 % of 40
    assert (now == 4).mean() == pytest.approx(0.8, abs=0.012)
    assert (now == masked.labels).mean() == pytest.approx(0.1, abs=0.01)
    other = (now != 4) & (now != masked.labels)
    assert other.mean() == pytest.approx(0.1, abs=0.01)
    assert now[other].min() < 50 and now[other].max() > 950  # from the whole vocabulary


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 30), max_size=20), max_size=6),
    st.floats(0.01, 0.99),
    st.integers(0, 100),
)
def test_properties(rows: list[list[int]], rate: float, seed: int) -> None:
    before = [list(row) for row in rows]
    masked = mask_tokens(rows, rng(seed), rate=rate, special=SPECIAL, size=31)
    assert rows == before  # the input is left alone
    assert masked.labels.dtype == np.int64 and len(masked.labels) == sum(map(len, masked.positions))
    taken = iter(masked.labels.tolist())
    for row, hidden, chosen in zip(rows, masked.rows, masked.positions, strict=True):
        ordinary = [i for i, token in enumerate(row) if token > 4]
        assert set(chosen.tolist()) <= set(ordinary)  # special tokens are never chosen
        assert sorted(set(chosen.tolist())) == chosen.tolist()
        assert len(chosen) == (max(1, round(rate * len(ordinary))) if ordinary else 0)
        assert [next(taken) for _ in chosen] == [row[i] for i in chosen]
        assert all(hidden[i] == row[i] for i in range(len(row)) if i not in set(chosen.tolist()))


def test_nothing_to_mask() -> None:
    masked = mask_tokens([[2, 3], [2, 1, 3]], rng(), rate=0.5, special=SPECIAL, size=SIZE)
    assert masked.rows == [[2, 3], [2, 1, 3]] and len(masked.labels) == 0 and [len(p) for p in masked.positions] == [0, 0]
    assert mask_tokens([], rng(), rate=0.5, special=SPECIAL, size=SIZE).labels.dtype == np.int64


def test_the_same_seed_gives_the_same_masks() -> None:
    rows = [[2, *range(10, 40), 3]] * 3
    first, second = (mask_tokens(rows, rng(7), rate=0.3, special=SPECIAL, size=SIZE) for _ in range(2))
    other = mask_tokens(rows, rng(8), rate=0.3, special=SPECIAL, size=SIZE)
    assert first.rows == second.rows != other.rows
    assert first.rows[0] != first.rows[1]  # every row draws its own


@pytest.mark.parametrize("seed", range(8))
def test_whole_words_are_hidden_whole(seed: int) -> None:
    row = [2, *range(10, 34), 3]
    words = [0, *[1 + i // 3 for i in range(24)], 9]  # eight words of three pieces
    masked = mask_tokens([row] * 20, rng(seed), rate=0.25, special=SPECIAL, size=SIZE, words=[words] * 20)
    seen = set()
    for chosen in masked.positions:
        hidden = {words[i] for i in chosen}
        assert {i for i, word in enumerate(words) if word in hidden} == set(chosen.tolist())
        assert len(chosen) == 6  # a quarter of 24
        seen |= hidden
    assert seen == set(range(1, 9))


@pytest.mark.parametrize("rate", [0.0, 1.0, -0.1, 2.0, float("nan")])
def test_an_impossible_rate(rate: float) -> None:
    with pytest.raises(UsageError, match="must lie between 0 and 1"):
        mask_tokens([[2, 9, 3]], rng(), rate=rate, special=SPECIAL, size=SIZE)


def test_a_tokenizer_without_mask() -> None:
    with pytest.raises(UsageError, match=r"no \[MASK\] token"):
        mask_tokens([[2, 9, 3]], rng(), rate=0.15, special=replace(SPECIAL, mask=None), size=SIZE)
