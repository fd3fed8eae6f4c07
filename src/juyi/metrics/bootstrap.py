"""Confidence intervals of Spearman's correlation by resampling the pairs.

A resample is not sorted: it is a vector of counts, how often each pair was drawn. The distinct values of a variable are numbered
once; the average rank of a value in a resample follows from the counts of the smaller values, so one resample costs a few passes
over the pairs, and the figures equal those of `scipy.stats.spearmanr` on the drawn pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from juyi.errors import UsageError
from juyi.metrics.correlation import centred_ranks, dense_ranks, paired_vectors, spearman
from juyi.types import Interval


@dataclass(frozen=True)
class Difference:
    """How much one figure exceeds another that was measured on the same pairs, with its interval."""

    value: float
    interval: Interval

    def times(self, factor: float) -> Difference:
        """The same difference in another unit: 100 for the unit of published tables. The factor is positive."""
        return Difference(self.value * factor, scaled_interval(self.interval, factor))


def spearman_interval(x: ArrayLike, y: ArrayLike, *, level: float = 0.95, resamples: int = 1000, seed: int = 0) -> Interval:
    """The percentile bootstrap interval of Spearman's correlation, over resamples of the pairs.

    A resample in which a variable is constant has no correlation; another is drawn in its place, so that the interval always
    rests on `resamples` figures.

    Args:
        x: Predicted scores.
        y: Gold scores of the same pairs.
        level: The share of the figures that lies inside.
        resamples: How many figures.
        seed: The same seed draws the same resamples.

    Shapes:
        x: (n,)
        y: (n,)

    Raises:
        UsageError: What `spearman` raises, a level outside (0, 1), no resamples, or more than 1 % of them constant.

    Source:
        Efron & Tibshirani 1993, chapter 13.
    """
    left, right = (_Ranked(values) for values in paired_vectors(x=x, y=y))

    def statistic(counts: NDArray[np.float64]) -> float:
        return _correlation(left.resampled(counts), right.resampled(counts), counts)

    return _percentiles(_figures(statistic, len(left.ranks), resamples, seed), level)


def paired_difference(
    x_a: ArrayLike, x_b: ArrayLike, y: ArrayLike, *, level: float = 0.95, resamples: int = 1000, seed: int = 0
) -> Difference:
    """By how much a's Spearman correlation with the gold scores exceeds b's, both taken on the same resamples of the pairs.

    Two encoders are measured on the same pairs and err on the same pairs; resampling them together gives a far narrower, and the
    right, interval than comparing two separate ones. A difference whose interval excludes 0 is a difference at that level.

    Args:
        x_a: Predicted scores of a.
        x_b: Predicted scores of b, for the same pairs.
        y: Gold scores of these pairs.
        level: The share of the figures that lies inside.
        resamples: How many figures; a resample in which a variable is constant is drawn again.
        seed: The same seed draws the same resamples.

    Shapes:
        x_a: (n,)
        x_b: (n,)
        y: (n,)

    Raises:
        UsageError: What `spearman` raises, a level outside (0, 1), no resamples, or more than 1 % of them constant.
    """
    first, second, gold = (_Ranked(values) for values in paired_vectors(x_a=x_a, x_b=x_b, y=y))

    def statistic(counts: NDArray[np.float64]) -> float:
        target = gold.resampled(counts)
        return _correlation(first.resampled(counts), target, counts) - _correlation(second.resampled(counts), target, counts)

    interval = _percentiles(_figures(statistic, len(gold.ranks), resamples, seed), level)
    return Difference(spearman(x_a, y) - spearman(x_b, y), interval)


def resample_counts(size: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """An endless stream of resamples with replacement: how often each of `size` items was drawn, `size` draws in all.

    Shapes:
        yields: (size,)
    """
    rng = np.random.default_rng(seed)
    while True:
        yield np.bincount(rng.integers(0, size, size), minlength=size)


def scaled_interval(interval: Interval, factor: float) -> Interval:
    """The same interval in another unit. The factor is positive."""
    return Interval(interval.low * factor, interval.high * factor, interval.level)


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
    return float(weighted_x @ y / np.sqrt(variances)) if variances > 0 else float("nan")


def _figures(statistic: Callable[[NDArray[np.float64]], float], size: int, resamples: int, seed: int) -> NDArray[np.float64]:
    if resamples < 1:
        raise UsageError(f"resamples is {resamples}; at least 1 is needed, and 1000 is the usual choice.")
    figures = np.empty(resamples)
    done = dropped = 0
    for counts in resample_counts(size, seed):
        figure = statistic(counts.astype(np.float64))
        if np.isnan(figure):
            dropped += 1
            if dropped * 100 > resamples:
                raise UsageError(
                    f"{dropped} of the first {done + dropped} resamples of these {size} pairs are constant in one variable "
                    f"and have no correlation; at most 1 % of {resamples} may be. There are too few pairs, or too few "
                    "that differ, for an interval: add pairs."
                )
            continue
        figures[done] = figure
        done += 1
        if done == resamples:
            break
    return figures


def _percentiles(figures: NDArray[np.float64], level: float) -> Interval:
    if not 0 < level < 1:
        raise UsageError(f"level is {level}; it lies between 0 and 1, 0.95 for example.")
    low, high = np.quantile(figures, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high), level)
