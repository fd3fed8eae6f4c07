"""What is independent, and how much of it there is."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from juyi.metrics import Units, connected, joint_effective


def painted(rows: list[list[int]]) -> list[int]:
    """The component of each row, by painting neighbours until nothing changes."""
    colours = list(range(len(rows)))
    while True:
        after = [
            min([colours[place], *(colours[other] for other in range(len(rows)) if {*rows[other]} & {*row})])
            for place, row in enumerate(rows)
        ]
        if after == colours:
            return [list(dict.fromkeys(colours)).index(colour) for colour in colours]
        colours = after


@given(st.lists(st.lists(st.integers(0, 12), max_size=3), max_size=14))
def test_components_equal_those_of_the_slow_loop(rows: list[list[int]]) -> None:
    assert connected(rows).tolist() == painted(rows)


def test_members_may_be_of_any_kind() -> None:
    assert connected([("a", 1), ("b", 2), (1, "c"), ("b",), ()]).tolist() == [0, 1, 0, 1, 2]
    assert connected([]).tolist() == []


def test_groups_are_numbered_as_they_come_and_class_by_class() -> None:
    assert Units.grouped(["x", "y", "x", "z"]).of.tolist() == [0, 1, 0, 2]
    mixed = Units.grouped(["x", "y", "x", "x", "z"], ["one", "two", "one", "two", "two"])
    assert (mixed.of.tolist(), mixed.classes) == ([0, 1, 0, 2, 3], (1, 3))
    assert (mixed.count, mixed.items, mixed.among(), mixed.among(np.array([0, 2]))) == (4, 5, 4, 1)


def test_single_items_and_joined_sets() -> None:
    assert Units.single(2, 3) == Units(np.arange(5), (2, 3))
    joined = Units.joined([Units.grouped("aab"), Units.single(2)])
    assert (joined.of.tolist(), joined.classes) == ([0, 0, 1, 2, 3], (2, 2))


def test_units_are_equal_where_they_draw_the_same() -> None:
    assert Units.grouped("aab") == Units.grouped("xxy") != Units.grouped("aba")
    assert Units.single(2, 3) != Units.single(5) != Units.single(4)
    assert hash(Units.grouped("aab")) == hash(Units.grouped("xxy"))
    assert Units.single(2) != "units"


def test_unequal_units_weigh_like_fewer_equal_ones() -> None:
    assert Units.single(40).effective() == pytest.approx(40)
    assert Units.grouped([place // 5 for place in range(40)]).effective() == pytest.approx(8)
    half = Units.grouped([0] * 50 + list(range(1, 51)))
    assert half.effective() == pytest.approx(100**2 / (50**2 + 50))
    assert half.effective(np.arange(50, 100)) == pytest.approx(50)
    assert half.effective(np.arange(50)) == 1


def test_a_sum_of_means_has_welch_s_degrees_of_freedom() -> None:
    # Two samples of equal variance and of the sizes 10 and 40: Welch's formula with s²/n each.
    wanted = (1 / 10 + 1 / 40) ** 2 / ((1 / 10) ** 2 / 9 + (1 / 40) ** 2 / 39)
    assert joint_effective([10, 40], [1, 1]) == pytest.approx(1 + wanted)
    assert joint_effective([10] * 4, [1] * 4) == pytest.approx(1 + 4 * 9)
    assert joint_effective([10, 10], [1, 0]) == pytest.approx(10)
    assert joint_effective([math.inf, math.inf], [1, 2]) == math.inf
    assert joint_effective([math.inf, 10], [1, 1]) == pytest.approx(10)
    assert joint_effective([1, 10], [1, 1]) == 1
