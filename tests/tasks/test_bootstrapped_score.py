from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from juyi.errors import UsageError
from juyi.metrics import Bootstrap, Units, mean_statistic, resample_counts
from juyi.tasks import BootstrappedScore, EncodeOrSimilarity, Task, mean_of
from juyi.types import Interval, Score

Percentiles = Callable[[Sequence[float], float, float], list[float]]

RESAMPLES = 80


@dataclass(frozen=True, eq=False)
class Mean(Task):
    """A task whose figure is the mean of known values."""

    values: NDArray[np.float64] = field(repr=False)

    def texts(self) -> Sequence[str]:
        return []

    def measure(self, encoder: EncodeOrSimilarity) -> Sequence[BootstrappedScore]:
        size = len(self.values)
        return [
            self.bootstrapped("mean", mean_statistic(self.values), Units.single(size), subset="s", labels=["own"]),
            self.plain("most", self.values.max(), size, labels=["oracle-threshold"]),
        ]


def nothing(texts: Sequence[str]) -> NDArray[np.float32]:
    raise AssertionError


def mean(
    size: int, seed: int, *, name: str = "x", split: str = "test", resamples: int = RESAMPLES, shift: float = 0.0
) -> BootstrappedScore:
    values = np.random.default_rng(seed).normal(size=size) + shift
    task = Mean(name, split, values, labels=("translated",), bootstrap=Bootstrap(0.9, resamples, 3))
    return task.measure(nothing)[0]


def slow_figures(size: int, seed: int, stream: str = "x test") -> list[float]:
    """The mean times 100 of each resample, with the drawn values written out."""
    values = np.random.default_rng(seed).normal(size=size)
    draws = islice(resample_counts(Units.single(size), seed=3, stream=stream), RESAMPLES)
    return [float(100 * np.repeat(values, counts).mean()) for counts in draws]


def ends(interval: Interval | None) -> list[float]:
    assert interval is not None
    assert interval.level == 0.9
    return [interval.low, interval.high]


def t_interval(value: float, figures: Sequence[float] | NDArray[np.float64], units: int) -> list[float]:
    """Student's interval, with the standard error of the figures set right for the one unit that their variance is short of."""
    error = np.std(figures) * np.sqrt(units / (units - 1))
    return [value + sign * float(stats.t.ppf(0.95, units - 1) * error) for sign in (-1, 1)]


def test_a_figure_comes_with_its_resamples_and_their_interval(
    percentiles: Percentiles,
) -> None:
    figure = mean(30, 0)
    assert figure.replicates is not None
    np.testing.assert_allclose(figure.replicates, slow_figures(30, 0))
    assert ends(figure.score.interval) == pytest.approx(percentiles(slow_figures(30, 0), 0.9, 30))
    assert figure.score.value == pytest.approx(100 * np.random.default_rng(0).normal(size=30).mean())
    assert figure.key == ("x", "test", "s", "mean")
    assert (figure.score.count, figure.score.units, figure.score.labels) == (30, 30, ("translated", "own"))


def test_a_plain_figure_has_neither() -> None:
    score, most = Mean("x", "test", np.array([0.25, 0.5]), labels=("translated",)).evaluate(nothing)
    assert score.interval is not None
    assert most == Score("x", "test", "most", 0.5, 2, labels=("translated", "oracle-threshold"))
    plain = Mean("x", "test", np.array([0.25, 0.5])).measure(nothing)[1]
    assert plain.replicates is None
    assert plain.difference(plain) is None


def test_a_difference_is_the_paired_bootstrap() -> None:
    difference = mean(30, 0).difference(mean(30, 1))
    assert difference is not None
    wanted = np.subtract(slow_figures(30, 0), slow_figures(30, 1))
    assert difference.value == pytest.approx(mean(30, 0).score.value - mean(30, 1).score.value)
    assert ends(difference.interval) == pytest.approx(t_interval(difference.value, wanted, 30))
    error = np.std(wanted) * np.sqrt(30 / 29)
    assert difference.p_value == pytest.approx(2 * stats.t.sf(abs(difference.value) / error, 29))
    back = mean(30, 1).difference(mean(30, 0))
    assert back is not None
    assert (back.value, *ends(back.interval)) == pytest.approx(
        (-difference.value, *(-end for end in ends(difference.interval)[::-1]))
    )


def test_a_constant_lead_is_certain_though_both_figures_are_not() -> None:
    good, fair = mean(30, 0, shift=0.25), mean(30, 0)
    difference = good.difference(fair)
    assert difference is not None
    assert ends(difference.interval) == pytest.approx([25, 25])
    assert ends(good.score.interval)[0] < ends(fair.score.interval)[1]


@pytest.mark.parametrize(
    "other",
    [
        mean(30, 0, name="y"),
        mean(30, 0, split="dev"),
        mean(31, 0),
        mean(30, 0, resamples=RESAMPLES + 1),
        dataclasses.replace(mean(30, 0), units=Units.grouped([place // 2 for place in range(30)])),
        dataclasses.replace(mean(30, 0), units=None),
        dataclasses.replace(mean(30, 0), score=dataclasses.replace(mean(30, 0).score, subset="t")),
        dataclasses.replace(mean(30, 0), score=dataclasses.replace(mean(30, 0).score, metric="f1")),
    ],
    ids=["task", "split", "count", "bootstrap", "units", "no units", "subset", "metric"],
)
def test_figures_of_different_things_are_not_compared(other: BootstrappedScore) -> None:
    with pytest.raises(UsageError, match=r"x test s mean and .* cannot be compared: they are not the same figure"):
        mean(30, 0).difference(other)


def test_means_by_hand() -> None:
    bootstrap = Bootstrap()
    parts = [
        BootstrappedScore(Score("x", "dev", "f1", 10.0, 2, labels=("a", "b")), None, bootstrap),
        BootstrappedScore(Score("y", "test", "f1", 40.0, 6, labels=("c", "a")), None, bootstrap),
    ]
    # (10 + 40) / 2, and (2 · 10 + 6 · 40) / 8
    assert mean_of(parts, task="avg").score == Score("avg", "dev", "f1", 25.0, 8, labels=("a", "b", "c"))
    assert mean_of(parts, weighted=True, split="w-avg", subset="s", metric="m").score == Score(
        "x", "w-avg", "m", 32.5, 8, "s", labels=("a", "b", "c")
    )


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("sizes", [(30, 50, 40), (30, 30, 30)])
def test_resamples_of_a_mean_are_means_of_resamples(sizes: tuple[int, ...], weighted: bool, percentiles: Percentiles) -> None:
    names = ("x", "y", "z")
    parts = [mean(size, seed, name=name) for seed, (size, name) in enumerate(zip(sizes, names, strict=True))]
    got = mean_of(parts, weighted=weighted, subset="mean")
    weights = sizes if weighted else (1, 1, 1)
    drawn = [slow_figures(size, seed, f"{names[seed]} test") for seed, size in enumerate(sizes)]
    wanted = np.average(drawn, axis=0, weights=weights)
    assert got.replicates is not None
    np.testing.assert_allclose(got.replicates, wanted)
    # Welch and Satterthwaite: the variance of each part is as one over its size.
    variances = [weight**2 / size for weight, size in zip(weights, sizes, strict=True)]
    freedom = sum(variances) ** 2 / sum(each**2 / (size - 1) for each, size in zip(variances, sizes, strict=True))
    assert ends(got.score.interval) == pytest.approx(percentiles(wanted.tolist(), 0.9, 1 + freedom))
    assert (got.score.count, got.score.units, got.key) == (sum(sizes), sum(sizes), ("x", "test", "mean", "mean"))


def test_tasks_and_splits_are_resampled_independently_and_figures_of_one_task_together() -> None:
    one = mean(60, 0, resamples=4000)
    assert one.replicates is not None
    for others in (
        [mean(60, 0, resamples=4000, name=name) for name in "abc"],
        [mean(60, 0, resamples=4000, split=split) for split in "abc"],
    ):
        four = mean_of([one, *others])
        assert four.replicates is not None
        # The mean of four independent figures of one spread has half of it; of the same figure four times, all of it.
        assert four.replicates.std() == pytest.approx(one.replicates.std() / 2, rel=0.05)
    together = mean_of([one] * 4)
    assert together.replicates is not None
    np.testing.assert_allclose(together.replicates, one.replicates)
    assert together.units == one.units


def test_a_difference_of_means_is_paired_part_by_part() -> None:
    first = mean_of([mean(30, 0), mean(40, 1, name="y")])
    second = mean_of([mean(30, 2), mean(40, 3, name="y")])
    difference = first.difference(second)
    assert difference is not None
    one = np.subtract(slow_figures(30, 0), slow_figures(30, 2))
    two = np.subtract(slow_figures(40, 1, "y test"), slow_figures(40, 3, "y test"))
    assert difference.interval.high - difference.value == pytest.approx(stats.norm.ppf(0.95) * np.std((one + two) / 2), rel=0.05)
    assert difference.value == pytest.approx(first.score.value - second.score.value)
    with pytest.raises(UsageError, match="not the same figure"):
        first.difference(mean_of([mean(30, 2), mean(41, 3, name="y")]))


def test_a_mean_with_a_part_that_has_no_resamples_has_none() -> None:
    part = mean(30, 0)
    both = mean_of([part, dataclasses.replace(part, replicates=None)])
    assert (both.replicates, both.score.interval) == (None, None)
    assert both.score.value == pytest.approx(part.score.value)


@dataclass(frozen=True, eq=False)
class GroupedMean(Mean):
    """The same mean over groups of items."""

    groups: tuple[int, ...] = ()

    def measure(self, encoder: EncodeOrSimilarity) -> Sequence[BootstrappedScore]:
        return [self.bootstrapped("mean", mean_statistic(self.values), Units.grouped(self.groups))]


def test_items_of_one_group_are_drawn_together(percentiles: Percentiles) -> None:
    groups = (0, 1, 1, 2, 2, 2, 3, 3, 3, 3, 4, 4)
    values = np.random.default_rng(0).normal(size=12)
    (got,) = GroupedMean("x", "test", values, bootstrap=Bootstrap(0.9, RESAMPLES, 3), groups=groups).measure(nothing)
    rng = np.random.default_rng([3, *b"x test"])
    wanted = []
    for _ in range(RESAMPLES):
        drawn = [value for unit in rng.integers(0, 5, 5) for value, group in zip(values, groups, strict=True) if group == unit]
        wanted.append(100 * float(np.mean(drawn)))
    assert got.replicates is not None
    np.testing.assert_allclose(got.replicates, wanted)
    assert (got.score.count, got.score.units) == (12, 5)
    assert got.effective == pytest.approx(12**2 / (1 + 4 + 9 + 16 + 4))
    assert ends(got.score.interval) == pytest.approx(percentiles(wanted, 0.9, got.effective))


@pytest.mark.parametrize("groups", [(0,) * 8, (0, 0, 0, 0, 0, 0, 0, 1)], ids=["one", "nearly one"])
def test_items_that_nearly_all_hang_together_have_a_figure_and_no_interval(groups: tuple[int, ...]) -> None:
    values = np.random.default_rng(0).normal(size=8)
    (got,) = GroupedMean("x", "test", values, groups=groups).measure(nothing)
    assert got.score == Score("x", "test", "mean", 100 * float(values.mean()), 8, units=len(set(groups)))
    assert got.replicates is None and got.difference(got) is None
