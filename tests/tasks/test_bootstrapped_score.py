from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import pytest
from numpy.typing import NDArray

from juyi.errors import UsageError
from juyi.metrics import Bootstrap, mean_statistic, resample_counts
from juyi.tasks import BootstrappedScore, EncodeOrSimilarity, Task, mean_of
from juyi.types import Interval, Score

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
            self.bootstrapped("mean", mean_statistic(self.values), size, subset="s", labels=["own"]),
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


def slow_figures(size: int, seed: int) -> list[float]:
    """The mean times 100 of each resample, with the drawn values written out."""
    values = np.random.default_rng(seed).normal(size=size)
    return [float(100 * np.repeat(values, counts).mean()) for counts in islice(resample_counts(size, seed=3), RESAMPLES)]


def quantiles(figures: Sequence[float] | NDArray[np.float64]) -> list[float]:
    return [float(np.quantile(figures, share)) for share in (0.05, 0.95)]


def ends(interval: Interval | None) -> list[float]:
    assert interval is not None
    assert interval.level == 0.9
    return [interval.low, interval.high]


def test_a_figure_comes_with_its_resamples_and_their_interval() -> None:
    figure = mean(30, 0)
    assert figure.replicates is not None
    np.testing.assert_allclose(figure.replicates, slow_figures(30, 0))
    assert ends(figure.score.interval) == pytest.approx(quantiles(slow_figures(30, 0)))
    assert figure.score.value == pytest.approx(100 * np.random.default_rng(0).normal(size=30).mean())
    assert figure.key == ("x", "test", "s", "mean")
    assert (figure.score.count, figure.score.labels) == (30, ("translated", "own"))


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
    assert ends(difference.interval) == pytest.approx(quantiles(wanted))
    assert difference.value == pytest.approx(mean(30, 0).score.value - mean(30, 1).score.value)
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
        dataclasses.replace(mean(30, 0), score=dataclasses.replace(mean(30, 0).score, subset="t")),
        dataclasses.replace(mean(30, 0), score=dataclasses.replace(mean(30, 0).score, metric="f1")),
    ],
    ids=["task", "split", "count", "bootstrap", "subset", "metric"],
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
def test_resamples_of_a_mean_are_means_of_resamples(sizes: tuple[int, ...], weighted: bool) -> None:
    got = mean_of([mean(size, seed) for seed, size in enumerate(sizes)], weighted=weighted, subset="mean")
    weights = sizes if weighted else (1, 1, 1)
    drawn = [slow_figures(size, seed) for seed, size in enumerate(sizes)]
    # Part i takes the resample that is i places before.
    wanted = [
        sum(weight * figures[place - i] for i, (weight, figures) in enumerate(zip(weights, drawn, strict=True))) / sum(weights)
        for place in range(RESAMPLES)
    ]
    assert got.replicates is not None
    np.testing.assert_allclose(got.replicates, wanted)
    assert ends(got.score.interval) == pytest.approx(quantiles(wanted))
    assert (got.score.count, got.key) == (sum(sizes), ("x", "test", "mean", "mean"))


def test_parts_of_equal_size_are_resampled_independently() -> None:
    one = mean(60, 0, resamples=4000)
    four = mean_of([one] * 4)
    assert one.replicates is not None and four.replicates is not None
    # The mean of four independent figures of one spread has half of it; of the same figure four times, all of it.
    assert four.replicates.std() == pytest.approx(one.replicates.std() / 2, rel=0.05)


def test_a_difference_of_means_is_paired_part_by_part() -> None:
    first = mean_of([mean(30, 0), mean(30, 1)])
    second = mean_of([mean(30, 2), mean(30, 3)])
    difference = first.difference(second)
    assert difference is not None
    one, two = np.subtract(slow_figures(30, 0), slow_figures(30, 2)), np.subtract(slow_figures(30, 1), slow_figures(30, 3))
    assert ends(difference.interval) == pytest.approx(quantiles([(one[r] + two[r - 1]) / 2 for r in range(RESAMPLES)]))
    assert difference.value == pytest.approx(first.score.value - second.score.value)
    with pytest.raises(UsageError, match="not the same figure"):
        first.difference(mean_of([mean(30, 2), mean(31, 3)]))


def test_a_mean_with_a_part_that_has_no_resamples_has_none() -> None:
    part = mean(30, 0)
    both = mean_of([part, dataclasses.replace(part, replicates=None)])
    assert (both.replicates, both.score.interval) == (None, None)
    assert both.score.value == pytest.approx(part.score.value)
