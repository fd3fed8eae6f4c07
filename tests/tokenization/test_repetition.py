"""Repeated tokens: where, how many, and what never happens."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from juyi.tokenization import repeat_tokens, repeat_tokens_as_released

CLS, SEP = 2, 3
LIMIT = 64

bodies = st.lists(st.integers(5, 10**6), max_size=40, unique=True)
rates = st.floats(0.0, 0.99)


def row_of(body: list[int]) -> list[int]:
    return [CLS, *body, SEP]


def repeats_of(row: list[int], changed: list[int]) -> list[int]:
    """Which tokens stand twice; fails where the change is more than tokens said twice in a row, or cuts more than the end."""
    assert (changed[0], changed[-1]) == (row[0], row[-1])
    body, place, twice = changed[1:-1], 0, []
    for token in row[1:-1]:
        if place == len(body):
            break  # cut off
        assert body[place] == token
        place += 1
        if place < len(body) and body[place] == token:
            twice.append(token)
            place += 1
    assert place == len(body)
    return twice


@given(given_bodies=st.lists(bodies, max_size=4), rate=rates, longest=st.integers(3, LIMIT), seed=st.integers(0, 99))
def test_some_tokens_stand_twice_and_nothing_else_changes(
    given_bodies: list[list[int]], rate: float, longest: int, seed: int
) -> None:
    rows = [row_of(body[: longest - 2]) for body in given_bodies]
    before = [list(row) for row in rows]
    changed = repeat_tokens(rows, np.random.default_rng(seed), rate=rate, longest=longest)
    assert rows == before and len(changed) == len(rows)
    for row, new in zip(rows, changed, strict=True):
        count = len(row) - 2
        twice = repeats_of(row, new)
        assert len(twice) <= min(count, max(2, int(rate * count)))
        assert CLS not in new[1:] and SEP not in new[:-1]
        assert len(row) <= len(new) <= longest or len(new) == longest
        assert all(type(token) is int for token in new)


@given(given_bodies=st.lists(bodies, max_size=4), rate=rates)
def test_as_released_draws_from_the_row_alone(given_bodies: list[list[int]], rate: float) -> None:
    rows = [row_of(body) for body in given_bodies]
    changed = repeat_tokens_as_released(rows, rate=rate, longest=512)
    assert changed == [repeat_tokens_as_released([row], rate=rate, longest=512)[0] for row in rows]
    for row, new in zip(rows, changed, strict=True):
        twice = repeats_of(row, new)
        assert len(new) == len(row) + len(twice)
        assert len(twice) < max(1, min(10, int(rate * len(row))))
        assert CLS not in new[1:] and SEP not in new[:-1]


def assert_even(counts: list[int], possible: int) -> None:
    """Chi-square below a bound that an even draw exceeds once in thousands of times."""
    found = np.bincount(counts, minlength=possible)
    assert len(found) == possible
    wanted = len(counts) / possible
    assert float(((found - wanted) ** 2 / wanted).sum()) < 2 * possible + 12


@pytest.mark.parametrize(
    ("count", "rate", "most"), [(1, 0.32, 1), (2, 0.32, 2), (6, 0.32, 2), (10, 0.3, 3), (30, 0.32, 9), (9, 0.0, 2)]
)
def test_the_number_is_drawn_evenly_from_none_to_the_most(count: int, rate: float, most: int) -> None:
    row = row_of(list(range(5, 5 + count)))
    changed = repeat_tokens([row] * 4000, np.random.default_rng(1), rate=rate, longest=LIMIT)
    assert_even([len(new) - len(row) for new in changed], most + 1)


def test_every_place_is_as_likely_as_another() -> None:
    row = row_of(list(range(5, 15)))
    changed = repeat_tokens([row] * 4000, np.random.default_rng(2), rate=0.3, longest=LIMIT)
    assert_even([token - 5 for new in changed for token in repeats_of(row, new)], 10)
    pairs = {tuple(twice) for new in changed if len(twice := repeats_of(row, new)) == 2}
    assert len(pairs) == 45  # of ten tokens any two


def test_as_released_numbers_and_places_are_drawn_evenly_over_the_rows() -> None:
    rows = [row_of(list(range(start, start + 38))) for start in range(5, 2005)]
    twice = [repeats_of(row, new) for row, new in zip(rows, repeat_tokens_as_released(rows, rate=0.2, longest=512), strict=True)]
    assert_even([len(each) for each in twice], 8)  # int(0.2 · 40) is 8, itself never drawn
    assert_even([row.index(token) - 1 for row, each in zip(rows, twice, strict=True) for token in each], 38)
    long = [row_of(list(range(start, start + 100))) for start in range(5, 800)]
    drawn = {len(new) - 102 for new in repeat_tokens_as_released(long, rate=0.9, longest=512)}
    assert drawn == set(range(10))


def test_as_released_a_row_may_become_longer_than_it_was_cut_to_but_never_than_the_backbone_takes() -> None:
    rows = [row_of(list(range(start, start + 30))) for start in range(5, 60)]  # all of max_length 32
    lengths = {len(new) for new in repeat_tokens_as_released(rows, rate=0.32, longest=512)}
    assert max(lengths) > 36 and min(lengths) == 32
    assert {len(new) for new in repeat_tokens_as_released(rows, rate=0.32, longest=34)} == {32, 33, 34}
    assert {len(new) for new in repeat_tokens(rows, np.random.default_rng(0), rate=0.32, longest=32)} == {32}


def test_the_draw_is_that_of_the_generator_or_of_none() -> None:
    rows = [row_of(list(range(5, 35)))] * 5
    first, again, other = (repeat_tokens(rows, np.random.default_rng(seed), rate=0.32, longest=LIMIT) for seed in (4, 4, 5))
    assert first == again != other
    assert len({tuple(row) for row in first}) > 1  # equal rows get draws of their own
    state = np.random.get_state()[1].tolist()  # type: ignore[index, union-attr]
    assert len({tuple(row) for row in repeat_tokens_as_released(rows, rate=0.32, longest=LIMIT)}) == 1
    assert np.random.get_state()[1].tolist() == state  # type: ignore[index, union-attr]


@pytest.mark.parametrize("rate", [0.0, 0.32, 0.9])
def test_rows_with_nothing_or_little_to_repeat(rate: float) -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        empty, one = repeat_tokens([[CLS, SEP], [CLS, 9, SEP]], rng, rate=rate, longest=8)
        assert empty == [CLS, SEP] and one in ([CLS, 9, SEP], [CLS, 9, 9, SEP])
    found = [repeat_tokens_as_released([[CLS, SEP], [CLS, n, SEP]], rate=rate, longest=8) for n in range(5, 50)]
    assert all(each[0] == [CLS, SEP] for each in found)
    assert {len(each[1]) for each in found} == ({3, 4} if rate == 0.9 else {3})  # int(0.32 · 3) is 0
    assert repeat_tokens([], np.random.default_rng(0), rate=rate, longest=8) == []


@pytest.mark.parametrize("head", [1, 3])
@pytest.mark.parametrize("longest", [6, 12])
def test_the_head_of_a_row_is_left_as_it_is(head: int, longest: int) -> None:
    """What the pooling or the reader takes for a prompt stays one: only what stands behind it is repeated."""
    rows = [[2, 8, 9, 10, 11, 12, 3], [2, 8, 9, 3], [2, 8, 3]]
    for repeated in (
        repeat_tokens(rows, np.random.default_rng(0), rate=1.0, longest=longest, head=head),
        repeat_tokens_as_released(rows, rate=1.0, longest=longest, head=head),
    ):
        for row, after in zip(rows, repeated, strict=True):
            assert after[: min(head, len(row) - 1)] == row[:-1][:head] and after[-1] == 3 and len(after) <= longest
            kept = list(dict.fromkeys(after[:-1]))
            assert kept == row[: len(kept)]  # in their order, cut at the end


@pytest.mark.parametrize("row", [[], [7]])
def test_a_row_without_two_ends_stays(row: list[int]) -> None:
    assert repeat_tokens([row], np.random.default_rng(0), rate=0.5, longest=9) == [row]
    assert repeat_tokens_as_released([row], rate=0.5, longest=9) == [row]
