"""Confidence intervals by resampling the items.

A resample is not sorted: it is a vector of counts, how often each pair was drawn. The distinct values of a variable are numbered
once; the average rank of a value in a resample follows from the counts of the smaller values, so one resample costs a few passes
over the pairs, and the figures equal those of `scipy.stats.spearmanr` on the drawn pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from juyi.errors import UsageError
from juyi.metrics.correlation import centred_ranks, dense_ranks, paired_vectors
from juyi.metrics.inputs import finite_vector
from juyi.types import Interval

Counts = NDArray[np.float64]
"""A resample: how often each item was drawn, (n,)."""

Statistic = Callable[[Counts], float]
"""A figure as a function of the resample it is taken on; NaN where it is undefined there."""


@dataclass(frozen=True)
class Difference:
    """How much one figure exceeds another that was measured on the same items, with its interval."""

    value: float
    interval: Interval


@dataclass(frozen=True)
class Bootstrap:
    """How a figure is taken on resamples of its items, and how an interval is read off.

    Attributes:
        level: The share of the figures that lies inside the interval.
        resamples: How many figures.
        seed: The same seed draws the same resamples.

    Source:
        Efron & Tibshirani 1993, chapter 13: the percentile interval.
    """

    level: float = 0.95
    resamples: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.level < 1:
            raise UsageError(f"level is {self.level}; it lies between 0 and 1, 0.95 for example.")
        if self.resamples < 1:
            raise UsageError(f"resamples is {self.resamples}; at least 1 is needed, and 1000 is the usual choice.")

    def replicates(self, statistic: Statistic, *sizes: int) -> NDArray[np.float64]:
        """The statistic on each resample of the items; with several sizes the items of each class are drawn among themselves.

        Two statistics of the same items are taken on the same resamples, place by place: their difference, place by place, is
        the paired bootstrap. Where one is undefined on a resample, a further resample takes that place, and no other place moves.

        Shapes:
            returns: (resamples,)

        Raises:
            UsageError: More than 1 % of the resamples leave the statistic undefined.
        """
        stream = resample_counts(*sizes, seed=self.seed)
        figures = np.array([statistic(next(stream).astype(np.float64)) for _ in range(self.resamples)])
        redrawn = 0
        for place in np.flatnonzero(np.isnan(figures)):
            while np.isnan(figures[place]):
                redrawn += 1
                if redrawn * 100 > self.resamples:
                    raise UsageError(
                        f"More than 1 % of {self.resamples} resamples of these {sum(sizes)} items are constant and have no "
                        "figure. There are too few items, or too few that differ, for an interval: add some."
                    )
                figures[place] = statistic(next(stream).astype(np.float64))
        return figures

    def interval(self, figures: NDArray[np.float64]) -> Interval:
        """The percentile interval of figures, or of differences of figures."""
        low, high = np.quantile(figures, [(1 - self.level) / 2, (1 + self.level) / 2])
        return Interval(float(low), float(high), self.level)


def spearman_statistic(x: ArrayLike, y: ArrayLike) -> Statistic:
    """Spearman's correlation of the pairs of a resample; NaN where one of the variables is constant in it.

    Args:
        x: Predicted scores.
        y: Gold scores of the same pairs.

    Shapes:
        x, y: (n,)

    Raises:
        UsageError: What `spearman` raises.
    """
    left, right = (_Ranked(values) for values in paired_vectors(predicted=x, gold=y))
    return lambda counts: _correlation(left.resampled(counts), right.resampled(counts), counts)


def mean_statistic(values: ArrayLike) -> Statistic:
    """The mean of one value an item.

    Shapes:
        values: (n,)

    Raises:
        UsageError: No values, NaN or infinity.
    """
    vector = finite_vector(values, "values")
    if not len(vector):
        raise UsageError("values is empty: a mean needs at least one item.")
    return lambda counts: float(counts @ vector / counts.sum())


def mean_interval(values: ArrayLike, level: float = 0.95) -> Interval:
    """Where the mean over all seeds lies, as far as the figures of some seeds tell: Student's t interval.

    Args:
        values: One figure a seed.
        level: How often such an interval holds the mean.

    Shapes:
        values: (seeds,), at least 2

    Raises:
        UsageError: Fewer than two figures, NaN or infinity.
    """
    vector = finite_vector(values, "values")
    if len(vector) < 2:
        raise UsageError(f"values has {len(vector)} figures; a spread needs at least 2.")
    half = stdtrit(len(vector) - 1, (1 + level) / 2) * vector.std(ddof=1) / np.sqrt(len(vector))
    return Interval(float(vector.mean() - half), float(vector.mean() + half), level)


def resample_counts(*sizes: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """An endless stream of resamples with replacement: how often each item was drawn, as many draws as there are items.

    Args:
        sizes: How many items there are; of several classes, one behind the other, how many of each: none gives another its place.
        seed: The same seed draws the same resamples.

    Shapes:
        yields: (sum of sizes,)
    """
    rng = np.random.default_rng(seed)
    while True:
        yield np.concatenate([np.bincount(rng.integers(0, size, size), minlength=size) for size in sizes])


class _Ranked:
    """One variable, with its distinct values numbered once and for all resamples."""

    def __init__(self, values: NDArray[np.float64]) -> None:
        self.ranks, self.distinct = dense_ranks(values)

    def resampled(self, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        """The centred rank of every pair in the resample; that of a pair that was not drawn has no meaning and weighs nothing."""
        occurrences = np.bincount(self.ranks, weights=counts, minlength=self.distinct)
        return centred_ranks(occurrences)[self.ranks]


def _correlation(x: NDArray[np.float64], y: NDArray[np.float64], counts: NDArray[np.float64]) -> float:
    """The correlation over the drawn pairs, NaN where a variable is constant in them."""
    weighted_x = counts * x
    variances = (weighted_x @ x) * ((counts * y) @ y)
    # Centred ranks are whole numbers: a constant variable gives exactly zero.
    return float(np.clip(weighted_x @ y / np.sqrt(variances), -1.0, 1.0)) if variances > 0 else float("nan")
