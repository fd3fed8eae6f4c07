from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from juyi.errors import UsageError
from juyi.metrics import Difference, paired_difference, resample_counts, scaled_interval, spearman, spearman_interval
from juyi.types import Interval


def example(
    size: int = 60, levels: int = 6, seed: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    gold = rng.integers(0, levels, size).astype(np.float64)
    good = gold + rng.normal(size=size)
    fair = np.round(gold + 4 * rng.normal(size=size))  # with ties
    return good, fair, gold


def slow_figures(x: NDArray[np.float64], y: NDArray[np.float64], resamples: int, seed: int) -> list[float]:
    """The same resamples, written out pair by pair and ranked by scipy."""
    figures = []
    for counts in resample_counts(len(x), seed):
        drawn = np.repeat(np.arange(len(x)), counts)
        if len(set(x[drawn])) > 1 and len(set(y[drawn])) > 1:
            figures.append(stats.spearmanr(x[drawn], y[drawn]).statistic)
        if len(figures) == resamples:
            return figures
    raise AssertionError


@pytest.mark.parametrize("levels", [2, 6])
@pytest.mark.parametrize("level", [0.5, 0.95])
def test_interval_equals_the_slow_loop(levels: int, level: float) -> None:
    for x in example(levels=levels)[:2]:
        gold = example(levels=levels)[2]
        wanted = np.quantile(slow_figures(x, gold, 200, 7), [(1 - level) / 2, (1 + level) / 2])
        got = spearman_interval(x, gold, level=level, resamples=200, seed=7)
        np.testing.assert_allclose((got.low, got.high), wanted, rtol=0, atol=1e-12)
        assert got.level == level


def test_difference_equals_the_slow_loop() -> None:
    good, fair, gold = example()
    figures = np.subtract(slow_figures(good, gold, 200, 3), slow_figures(fair, gold, 200, 3))
    got = paired_difference(good, fair, gold, resamples=200, seed=3)
    assert got.value == spearman(good, gold) - spearman(fair, gold)
    np.testing.assert_allclose((got.interval.low, got.interval.high), np.quantile(figures, [0.025, 0.975]), rtol=0, atol=1e-12)


def test_resamples_draw_with_replacement_as_many_as_there_are() -> None:
    draws = list(islice(resample_counts(40, 1), 300))
    assert all(counts.shape == (40,) and counts.sum() == 40 for counts in draws)
    # Binomial(40, 1/40): mean 1, variance 39/40.
    assert np.mean(draws) == 1
    assert np.var(draws) == pytest.approx(39 / 40, abs=0.05)
    np.testing.assert_array_equal(np.stack(draws), np.stack(list(islice(resample_counts(40, 1), 300))))


def test_seed_decides_the_interval() -> None:
    good, _, gold = example()
    assert spearman_interval(good, gold, seed=1) == spearman_interval(good, gold, seed=1)
    assert spearman_interval(good, gold, seed=1) != spearman_interval(good, gold, seed=2)


def test_interval_surrounds_the_figure_and_narrows_with_pairs() -> None:
    few, many = (spearman_interval(*example(size)[::2]) for size in (50, 5000))
    for size, interval in ((50, few), (5000, many)):
        assert not interval.excludes(spearman(*example(size)[::2]))
    assert (few.high - few.low) / (many.high - many.low) == pytest.approx(10, rel=0.3)


def test_interval_covers_the_truth_as_often_as_it_says() -> None:
    # Bivariate normal: Spearman's rho is 6/pi arcsin(r/2).
    truth = 6 / np.pi * np.arcsin(0.6 / 2)
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(200):
        x = rng.normal(size=200)
        y = 0.6 * x + 0.8 * rng.normal(size=200)
        covered += not spearman_interval(x, y, level=0.9, resamples=200).excludes(truth)
    assert 0.82 <= covered / 200 <= 0.97


def test_paired_interval_is_narrower_than_separate_ones_when_the_errors_are_shared() -> None:
    good, _, gold = example(500)
    nearly = good + 0.05 * np.random.default_rng(9).normal(size=500)
    joint = paired_difference(good, nearly, gold).interval
    alone = spearman_interval(good, gold)
    assert joint.high - joint.low < 0.2 * (alone.high - alone.low)
    same = paired_difference(good, good, gold)
    assert same == Difference(0.0, Interval(0.0, 0.0))


def test_constant_resamples_are_drawn_again() -> None:
    # All ten draws fall into one half with probability 2 / 2^10: about four times in 2000.
    x = np.arange(10.0)
    gold = np.repeat([0.0, 1.0], 5)
    wanted = np.quantile(slow_figures(x, gold, 2000, 5), [0.001, 0.999])
    draws = islice(resample_counts(10, 5), 2000)
    assert any(not counts[:5].any() or not counts[5:].any() for counts in draws), "the example holds no constant resample"
    # Four zeros among 2000 figures of about 0.87 would be the lower end.
    got = spearman_interval(x, gold, level=0.998, resamples=2000, seed=5)
    np.testing.assert_allclose((got.low, got.high), wanted, rtol=0, atol=1e-12)


def test_too_many_constant_resamples_are_an_error() -> None:
    gold = np.zeros(30)
    gold[3] = 1
    with pytest.raises(UsageError, match=r"constant in one variable.*at most 1 % of 1000"):
        spearman_interval(np.arange(30), gold)
    with pytest.raises(UsageError, match="constant in one variable"):
        paired_difference(gold, np.arange(30), np.arange(30))


@pytest.mark.parametrize(
    ("options", "words"), [({"level": 1.0}, "level is 1.0"), ({"level": 0}, "level is 0"), ({"resamples": 0}, "resamples is 0")]
)
def test_impossible_options_are_refused(options: dict[str, float], words: str) -> None:
    good, fair, gold = example()
    with pytest.raises(UsageError, match=words):
        spearman_interval(good, gold, **options)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=words):
        paired_difference(good, fair, gold, **options)  # type: ignore[arg-type]


def test_unusable_vectors_are_named_as_the_caller_named_them() -> None:
    good, fair, gold = example()
    with pytest.raises(UsageError, match="x_b is constant"):
        paired_difference(good, np.ones(60), gold)
    with pytest.raises(UsageError, match="x_a has 60, x_b has 59, y has 60"):
        paired_difference(good, fair[:-1], gold)
    with pytest.raises(UsageError, match="y has 1 values that are NaN"):
        spearman_interval(good, np.where(np.arange(60) == 4, np.nan, gold))


def test_other_units() -> None:
    assert scaled_interval(Interval(-0.25, 0.5, 0.9), 100) == Interval(-25, 50, 0.9)
    assert Difference(0.25, Interval(0.125, 0.5)).times(100) == Difference(25, Interval(12.5, 50))
