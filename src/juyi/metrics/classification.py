"""Figures of a score that separates two classes: average precision, AUROC, and the best thresholds.

The scores are sorted once. A resample is a vector of counts, how often each item was drawn; it costs a few passes over the items,
and its figures equal those of the drawn items written out. Equal scores form one step of the ranking: no threshold parts them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from juyi.errors import UsageError
from juyi.metrics.inputs import finite_vector


class BinaryRanking:
    """The scores of items with labels 0 and 1; every figure can be taken on a resample of the items.

    `counts` says how often each item was drawn, (n,), and None stands for every item once. A resample without one of the classes
    has no figure: every method then gives NaN, and the caller draws another.

    Args:
        scores: The larger, the more likely the label is 1. They are compared exactly as they are.
        labels: 0 or 1, of any numeric type, or truth values.

    Shapes:
        scores: (n,)
        labels: (n,)

    Raises:
        UsageError: Different lengths, NaN or infinity, labels other than 0 and 1, or not both of them.
    """

    def __init__(self, scores: ArrayLike, labels: ArrayLike) -> None:
        values, classes = finite_vector(scores, "scores"), finite_vector(labels, "labels")
        if len(values) != len(classes):
            raise UsageError(f"There are {len(values)} scores for {len(classes)} labels. Give one label a score.")
        strange = np.flatnonzero((classes != 0) & (classes != 1))
        if strange.size:
            raise UsageError(
                f"labels has {classes[strange[0]]:g} at position {strange[0]}; 0 and 1 are allowed. "
                "Map your classes to these two first."
            )
        ascending, places = np.unique(values, return_inverse=True)
        self._scores: NDArray[np.float64] = ascending[::-1]
        self._steps = len(ascending) - 1 - places.reshape(-1)
        self._positive, self._negative = np.flatnonzero(classes == 1), np.flatnonzero(classes == 0)
        if not len(self._positive) or not len(self._negative):
            raise UsageError(
                f"labels has {len(self._positive)} ones and {len(self._negative)} zeros; at least one of each is needed, "
                "or there is nothing to tell apart. Add items of the missing class."
            )
        self._whole = self._cut(np.ones(len(values)))

    def average_precision(self, counts: NDArray[np.number] | None = None) -> float:
        """The mean precision over the steps of the ranking, each weighted by the recall that it adds; no interpolation.

        Source:
            `sklearn.metrics.average_precision_score`.
        """
        cut = self._cuts(counts)
        if cut is None:
            return math.nan
        gained = np.diff(cut.true, prepend=0.0)
        return float(gained @ (cut.true / (cut.true + cut.false)) / cut.positives)

    def auroc(self, counts: NDArray[np.number] | None = None) -> float:
        """The share of the pairs of a positive and a negative in which the positive has the higher score; a tie counts half."""
        cut = self._cuts(counts)
        if cut is None:
            return math.nan
        gained, passed = np.diff(cut.true, prepend=0.0), np.diff(cut.false, prepend=0.0)
        return float(passed @ (cut.true - gained / 2) / (cut.positives * cut.negatives))

    def best_f1(self, counts: NDArray[np.number] | None = None) -> tuple[float, float]:
        """The best F1 of the positives and its threshold; positive is what scores at least the threshold.

        The threshold lies midway between the lowest score that it accepts and the next lower one; where there is no lower one,
        it is that score. Of equally good thresholds the highest is taken.
        """
        cut = self._cuts(counts)
        if cut is None:
            return math.nan, math.nan
        figures = 2 * cut.true / (cut.true + cut.false + cut.positives)
        best = int(np.argmax(figures))
        return float(figures[best]), cut.threshold(best)

    def best_accuracy(self, counts: NDArray[np.number] | None = None) -> tuple[float, float]:
        """The best accuracy and its threshold, as for `best_f1`; above all scores where it is strictly best to accept nothing."""
        cut = self._cuts(counts)
        if cut is None:
            return math.nan, math.nan
        right = cut.true + (cut.negatives - cut.false)
        best = int(np.argmax(right))
        total = cut.positives + cut.negatives
        if cut.negatives > right[best]:
            return cut.negatives / total, cut.nothing
        return float(right[best]) / total, cut.threshold(best)

    def f1(self, threshold: float, counts: NDArray[np.number] | None = None) -> float:
        """The F1 of the positives where what scores at least the threshold is taken for positive; 0 where nothing is.

        Raises:
            UsageError: The threshold is NaN.
        """
        cut = self._cuts(counts)
        if cut is None:
            return math.nan
        true, false = cut.accepted(threshold)
        return 2 * true / (true + false + cut.positives)

    def accuracy(self, threshold: float, counts: NDArray[np.number] | None = None) -> float:
        """The share of right answers where what scores at least the threshold is taken for positive.

        Raises:
            UsageError: The threshold is NaN.
        """
        cut = self._cuts(counts)
        if cut is None:
            return math.nan
        true, false = cut.accepted(threshold)
        return (true + cut.negatives - false) / (cut.positives + cut.negatives)

    def false_positive_rate(self, recall: float = 0.95, counts: NDArray[np.number] | None = None) -> float:
        """The share of the negatives that pass the highest threshold at which the recall of the positives reaches `recall`.

        Raises:
            UsageError: `recall` is not above 0 and at most 1.

        Source:
            Liang, Li & Srikant 2018 (ODIN): FPR at 95 % TPR, "FPR@95".
        """
        if not 0 < recall <= 1:
            raise UsageError(f"recall is {recall}; it lies above 0 and is at most 1, 0.95 for example.")
        cut = self._cuts(counts)
        if cut is None:
            return math.nan
        # The quotient, not the product with `recall`: 7 of 100 then reach 0.07 exactly.
        reached = np.searchsorted(cut.true / cut.positives, recall)
        return float(cut.false[reached]) / cut.negatives

    def _cuts(self, counts: NDArray[np.number] | None) -> _Cuts | None:
        if counts is None:
            return self._whole
        if np.shape(counts) != self._steps.shape:
            raise UsageError(f"counts has the shape {np.shape(counts)}; {self._steps.shape} is needed, one count an item.")
        return self._cut(counts)

    def _cut(self, counts: NDArray[np.number]) -> _Cuts | None:
        """The ranking of the drawn items; None where a class was not drawn."""
        true, false = (
            np.bincount(self._steps[items], weights=counts[items], minlength=len(self._scores))
            for items in (self._positive, self._negative)
        )
        drawn = np.flatnonzero(true + false)
        if not true.any() or not false.any():
            return None
        return _Cuts(self._scores[drawn], np.cumsum(true[drawn]), np.cumsum(false[drawn]))


@dataclass(frozen=True, eq=False)
class _Cuts:
    """A ranking cut below each of its distinct scores, from the highest down: how many positives and negatives lie above.

    Shapes:
        scores: (steps,) falling
        true: (steps,)
        false: (steps,)
    """

    scores: NDArray[np.float64]
    true: NDArray[np.float64]
    false: NDArray[np.float64]

    @property
    def positives(self) -> float:
        return float(self.true[-1])

    @property
    def negatives(self) -> float:
        return float(self.false[-1])

    @property
    def nothing(self) -> float:
        """A threshold that accepts no score."""
        return math.nextafter(float(self.scores[0]), math.inf)

    def threshold(self, step: int) -> float:
        """A threshold that accepts this step and not the next."""
        score = float(self.scores[step])
        if step + 1 == len(self.scores):
            return score
        lower = float(self.scores[step + 1])
        middle = score / 2 + lower / 2
        # Between neighbouring floats the middle is rounded, perhaps down to the lower one.
        return middle if middle > lower else score

    def accepted(self, threshold: float) -> tuple[float, float]:
        """How many positives and how many negatives score at least the threshold."""
        if math.isnan(threshold):
            raise UsageError("The threshold is NaN, and nothing compares with it. Give a number, or infinity to accept nothing.")
        steps = int(np.searchsorted(-self.scores, -threshold, side="right"))
        return (float(self.true[steps - 1]), float(self.false[steps - 1])) if steps else (0.0, 0.0)
