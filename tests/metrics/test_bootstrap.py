from __future__ import annotations

from itertools import chain, islice, repeat

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from juyi.errors import UsageError
from juyi.metrics import Bootstrap, Units, mean_interval, mean_statistic, resample_counts, spearman, spearman_statistic
from juyi.types import Interval

Vector = NDArray[np.float64]


def example(size: int = 60, levels: int = 6, seed: int = 0) -> tuple[Vector, Vector, Vector]:
    rng = np.random.default_rng(seed)
    gold = rng.integers(0, levels, size).astype(np.float64)
    good = gold + rng.normal(size=size)
    fair = np.round(gold + 4 * rng.normal(size=size))  # with ties
    return good, fair, gold


def slow_figures(x: Vector, y: Vector, resamples: int, seed: int) -> list[float]:
    """The first resamples that are not constant, written out pair by pair and ranked by scipy."""
    figures = []
    for counts in resample_counts(Units.single(len(x)), seed=seed):
        drawn = np.repeat(np.arange(len(x)), counts)
        if len(set(x[drawn])) > 1 and len(set(y[drawn])) > 1:
            figures.append(stats.spearmanr(x[drawn], y[drawn]).statistic)
        if len(figures) == resamples:
            return figures
    raise AssertionError


def correlations(x: Vector, y: Vector, bootstrap: Bootstrap) -> Vector:
    return bootstrap.replicates(spearman_statistic(x, y), Units.single(len(x)))


def interval_of(x: Vector, y: Vector, bootstrap: Bootstrap) -> Interval:
    return bootstrap.interval(correlations(x, y, bootstrap))


@pytest.mark.parametrize("levels", [2, 6])
def test_figures_equal_the_slow_loop_place_by_place(levels: int) -> None:
    good, fair, gold = example(levels=levels)
    for x in (good, fair):
        wanted = slow_figures(x, gold, 200, 7)
        np.testing.assert_allclose(correlations(x, gold, Bootstrap(resamples=200, seed=7)), wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_the_interval_leaves_equal_shares_out_on_both_sides(level: float) -> None:
    figures = np.random.default_rng(0).permutation(101).astype(np.float64)
    outside = 100 * (1 - level) / 2
    interval = Bootstrap(level).interval(figures)
    assert (interval.low, interval.high) == pytest.approx((outside, 100 - outside))
    assert interval.level == level


def test_statistics_of_every_item_once_are_the_figures() -> None:
    good, fair, gold = example()
    for x in (good, fair):
        assert spearman_statistic(x, gold)(np.ones(60)) == pytest.approx(spearman(x, gold), abs=1e-15)
        assert mean_statistic(x)(np.ones(60)) == pytest.approx(x.mean(), abs=1e-15)


def test_the_mean_of_a_resample_is_that_of_the_drawn_values() -> None:
    values = example()[0]
    drawn = islice(resample_counts(Units.single(60), seed=4), 50)
    wanted = [np.mean(np.repeat(values, counts)) for counts in drawn]
    np.testing.assert_allclose(Bootstrap(resamples=50, seed=4).replicates(mean_statistic(values), Units.single(60)), wanted)


def test_figures_of_two_systems_are_taken_on_the_same_resamples() -> None:
    good, fair, gold = example()
    bootstrap = Bootstrap(resamples=200, seed=3)
    wanted = np.subtract(slow_figures(good, gold, 200, 3), slow_figures(fair, gold, 200, 3))
    got = bootstrap.interval(correlations(good, gold, bootstrap) - correlations(fair, gold, bootstrap))
    np.testing.assert_allclose((got.low, got.high), np.quantile(wanted, [0.025, 0.975]), rtol=0, atol=1e-12)


def test_resamples_draw_with_replacement_as_many_as_there_are() -> None:
    draws = list(islice(resample_counts(Units.single(40), seed=1), 300))
    assert all(counts.shape == (40,) and counts.sum() == 40 for counts in draws)
    # Binomial(40, 1/40): mean 1, variance 39/40.
    assert np.mean(draws) == 1
    assert np.var(draws) == pytest.approx(39 / 40, abs=0.05)
    np.testing.assert_array_equal(np.stack(draws), np.stack(list(islice(resample_counts(Units.single(40), seed=1), 300))))


def test_seed_decides_the_interval() -> None:
    good, _, gold = example()
    assert interval_of(good, gold, Bootstrap(seed=1)) == interval_of(good, gold, Bootstrap(seed=1))
    assert interval_of(good, gold, Bootstrap(seed=1)) != interval_of(good, gold, Bootstrap(seed=2))


def test_interval_surrounds_the_figure_and_narrows_with_pairs() -> None:
    few, many = (interval_of(*example(size)[::2], Bootstrap()) for size in (50, 5000))
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
        covered += not interval_of(x, y, Bootstrap(level=0.9, resamples=200)).excludes(truth)
    assert 0.82 <= covered / 200 <= 0.97


def test_paired_interval_is_narrower_than_separate_ones_when_the_errors_are_shared() -> None:
    good, _, gold = example(500)
    nearly = good + 0.05 * np.random.default_rng(9).normal(size=500)
    joint = Bootstrap().interval(correlations(good, gold, Bootstrap()) - correlations(nearly, gold, Bootstrap()))
    alone = interval_of(good, gold, Bootstrap())
    assert joint.high - joint.low < 0.2 * (alone.high - alone.low)


def test_a_constant_resample_gives_its_place_to_a_further_one() -> None:
    # All ten draws fall into one half with probability 2 / 2^10: about four times in 2000.
    x, gold = np.arange(10.0), np.repeat([0.0, 1.0], 5)
    draws = list(islice(resample_counts(Units.single(10), seed=5), 2000))
    constant = np.array([not counts[:5].any() or not counts[5:].any() for counts in draws])
    assert 0 < constant.sum() < 20, "the example holds no constant resample"
    got = correlations(x, gold, Bootstrap(resamples=2000, seed=5))
    wanted = slow_figures(x, gold, 2000, 5)
    np.testing.assert_allclose(np.sort(got), np.sort(wanted), rtol=0, atol=1e-12)
    # Those that were drawn at once stand first in the stream, in their places.
    np.testing.assert_allclose(got[~constant], wanted[: (~constant).sum()], rtol=0, atol=1e-12)


def test_more_constant_resamples_than_one_in_a_hundred_are_an_error() -> None:
    gold = np.zeros(30)
    gold[3] = 1
    with pytest.raises(UsageError, match=r"More than 1 % of 1000 resamples of these 30 items are constant.*too few that are"):
        correlations(np.arange(30.0), gold, Bootstrap())
    with pytest.raises(UsageError, match="are constant"):
        correlations(gold, np.arange(30.0), Bootstrap())

    def figures(undefined: int) -> Vector:
        values = chain(repeat(float("nan"), undefined), repeat(1.0))
        return Bootstrap(resamples=500).replicates(lambda counts: next(values), Units.single(3))

    assert figures(5).tolist() == [1.0] * 500
    with pytest.raises(UsageError, match="More than 1 %"):
        figures(6)


@pytest.mark.parametrize(
    ("options", "words"), [({"level": 1.0}, "level is 1.0"), ({"level": 0}, "level is 0"), ({"resamples": 0}, "resamples is 0")]
)
def test_impossible_options_are_refused(options: dict[str, float], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Bootstrap(**options)  # type: ignore[arg-type]


def test_unusable_vectors_are_named() -> None:
    good, _, gold = example()
    with pytest.raises(UsageError, match="predicted is constant"):
        spearman_statistic(np.ones(60), gold)
    with pytest.raises(UsageError, match="gold is constant"):
        spearman_statistic(good, np.ones(60))
    with pytest.raises(UsageError, match="predicted has 59, gold has 60"):
        spearman_statistic(good[:-1], gold)
    with pytest.raises(UsageError, match="gold has 1 values that are NaN"):
        spearman_statistic(good, np.where(np.arange(60) == 4, np.nan, gold))
    with pytest.raises(UsageError, match="values has 1 values that are NaN"):
        mean_statistic([1.0, np.nan])
    with pytest.raises(UsageError, match="values is empty"):
        mean_statistic([])


def test_the_mean_over_seeds_has_student_s_interval() -> None:
    values = [76.1, 75.2, 77.0, 76.4]
    got = mean_interval(values, level=0.9)
    wanted = stats.t.interval(0.9, df=3, loc=np.mean(values), scale=stats.sem(values))
    assert (got.low, got.high) == pytest.approx(wanted)
    assert got.level == 0.9
    with pytest.raises(UsageError, match="1 figures; a spread needs at least 2"):
        mean_interval([76.1])


def test_items_of_several_classes_are_drawn_among_themselves() -> None:
    for counts in islice(resample_counts(Units.single(30, 10), seed=2), 50):
        assert (counts.shape, counts[:30].sum(), counts[30:].sum()) == ((40,), 30, 10)
    values = np.random.default_rng(0).normal(size=40)
    figures = Bootstrap(resamples=20, seed=2).replicates(mean_statistic(values), Units.single(30, 10))
    slow = [np.repeat(values, counts).mean() for counts in islice(resample_counts(Units.single(30, 10), seed=2), 20)]
    np.testing.assert_allclose(figures, slow)
