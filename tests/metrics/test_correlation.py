from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from juyi.errors import UsageError
from juyi.metrics import pearson, spearman
from juyi.metrics.correlation import centred_ranks, dense_ranks

BOTH = pytest.mark.parametrize("correlation", [spearman, pearson])


def example(size: int, levels: int | None, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=size)
    y = x + rng.normal(size=size)
    return x, y if levels is None else np.clip(np.round(y), 0, levels - 1)


@pytest.mark.parametrize("size", [2, 3, 50, 1000])
@pytest.mark.parametrize("levels", [None, 2, 6])
def test_equals_scipy(size: int, levels: int | None) -> None:
    for seed in range(5):
        x, y = example(size, levels, seed)
        if np.ptp(y) == 0:
            continue
        assert spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)
        assert pearson(x, y) == pytest.approx(stats.pearsonr(x, y).statistic, abs=1e-12)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=2, max_size=30))
def test_ties_take_average_ranks(rows: list[tuple[int, int]]) -> None:
    x, y = (list(column) for column in zip(*rows, strict=True))
    if len(set(x)) < 2 or len(set(y)) < 2:
        with pytest.raises(UsageError, match="constant"):
            spearman(x, y)
    else:
        assert spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)


def test_centred_ranks_are_twice_the_average_ranks_less_their_mean() -> None:
    values = np.array([3.0, 1.0, 3.0, -2.0, 3.0, 1.0])
    ranks, distinct = dense_ranks(values)
    assert distinct == 3
    got = centred_ranks(np.bincount(ranks, minlength=distinct))[ranks]
    np.testing.assert_array_equal(got, 2 * (stats.rankdata(values) - (len(values) + 1) / 2))


@BOTH
def test_stays_within_minus_one_and_one(correlation) -> None:  # type: ignore[no-untyped-def]
    x = np.arange(100) / 7
    assert correlation(x, x) == 1.0
    assert correlation(x, -3 * x) == -1.0


def test_spearman_ignores_a_monotone_change() -> None:
    x, y = example(200, 6, 0)
    assert spearman(np.exp(x), y) == spearman(x, y)


def test_pearson_survives_extreme_magnitudes() -> None:
    x, y = example(50, None, 1)
    wanted = pearson(x, y)
    assert pearson(x * 1e300, y * 1e-300) == pytest.approx(wanted, abs=1e-12)


@BOTH
@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        ([1, 1, 1], [1, 2, 3], "x is constant.*no correlation"),
        ([1, 2, 3], [0, 0, 0], "y is constant"),
        ([1, float("nan"), 3], [1, 2, 3], "x has 1 values that are NaN or infinite out of 3, the first at position 1"),
        ([1, 2, 3], [1, 2, float("inf")], "y has 1 values.*position 2"),
        ([1, 2, 3], [1, 2], "x has 3, y has 2"),
        ([1], [1], "x has 1 values.*at least 2"),
        ([], [], "at least 2"),
        ([[1, 2]], [1, 2], r"x has the shape \(1, 2\)"),
        (["a", "b"], [1, 2], "real numbers"),
        ([1j, 2], [1, 2], "real numbers"),
        ([[1, 2], [3]], [1, 2], "not an array"),
    ],
)
def test_unusable_vectors_are_named(correlation, x: object, y: object, words: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UsageError, match=words):
        correlation(x, y)


@BOTH
def test_inputs_stay_as_they_are(correlation) -> None:  # type: ignore[no-untyped-def]
    x, y = example(20, None, 3)
    before = x.copy(), y.copy()
    correlation(x, y)
    np.testing.assert_array_equal((x, y), before)
