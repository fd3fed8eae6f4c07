"""Counts and positions."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from juyi.augmentation.drawing import check_rate, draw_positions, share_of
from juyi.errors import UsageError


def test_shares_are_rounded_to_the_nearest_halves_up_and_are_one_at_least() -> None:
    for percent in range(1, 101):
        for count in range(1, 200):
            exact = Decimal(percent) * count / 100
            assert share_of(percent / 100, count) == max(1, int(exact.to_integral_value(ROUND_HALF_UP)))
    assert share_of(0.0, 50) == share_of(0.5, 0) == 0


def test_every_set_of_positions_is_equally_likely() -> None:
    rng = np.random.default_rng(5)
    drawn = draw_positions([5] * 20_000, [2] * 20_000, rng)
    sets = list(combinations(range(5), 2))
    counts = [sum(tuple(each) == pair for each in drawn) for pair in sets]
    assert sum(counts) == 20_000
    assert stats.chisquare(counts).pvalue > 0.001


def test_positions_of_mixed_sizes() -> None:
    drawn = draw_positions([0, 3, 1, 4], [0, 3, 1, 0], np.random.default_rng(0))
    assert drawn == [[], [0, 1, 2], [0], []]
    assert draw_positions([], [], np.random.default_rng(0)) == []


@pytest.mark.parametrize("rate", [-0.1, 1.0, 1.5, float("nan")])
def test_rates_outside_are_refused(rate: float) -> None:
    with pytest.raises(UsageError, match="rate of crop"):
        check_rate(rate, of="crop")
    check_rate(1.0, of="repeat-words", top=True)
