"""Scored pairs as evidence: does the similarity order them as people do?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from juyi.adaptation.decisions import Decisions
from juyi.adaptation.evidence import Evidence, Lesson, OfFold, Outcomes
from juyi.data import ScoredPairs
from juyi.metrics import BinaryRanking, Statistic, Units, spearman_statistic, weighted_statistic
from juyi.objectives import CoSENT
from juyi.tasks import sentence_units

_SAME = 0.8
"""Of the highest score: 4 of 5, "the same but for details that do not matter"."""


@dataclass(frozen=True, eq=False)
class PairEvidence(Evidence):
    """Pairs with scores: Spearman's correlation; with the labels 0 and 1: average precision, and Spearman beside it.

    What is judged of a pair is its similarity in standard deviations around the mean of all pairs, so that encoders with other
    scales can be put together fold by fold. No label enters there, and the order within one encoder stays. The similarity itself
    is kept beside it.

    Attributes:
        pairs: The labels.
        weights: How many pairs each stands for where they were drawn with unequal chances, (pairs,); None for all alike.
        top: The highest score that there may be, what means the same; the highest that there is where it is not given.
    """

    pairs: ScoredPairs = field(repr=False)
    weights: NDArray[np.float64] | None = field(default=None, repr=False)
    top: float | None = None

    @property
    def binary(self) -> bool:
        """Whether the scores are 0 and 1."""
        return set(self.pairs.scores.tolist()) == {0.0, 1.0}

    @cached_property
    def units(self) -> Units:
        """Pairs that share a sentence, and those that share one with these, are one unit."""
        return replace(sentence_units(self.rows()), weights=self.weights)

    def rows(self) -> Sequence[Sequence[str]]:
        """Both sentences of each pair."""
        return list(zip(self.pairs.first, self.pairs.second, strict=True))

    def labels(self) -> list[float]:
        """The scores."""
        scores: list[float] = self.pairs.scores.tolist()
        return scores

    def subset(self, places: Sequence[int]) -> PairEvidence:
        """See `Evidence.subset`."""
        first, second = ([side[i] for i in places] for side in (self.pairs.first, self.pairs.second))
        weights = None if self.weights is None else self.weights[list(places)]
        return replace(self, pairs=ScoredPairs(first, second, self.pairs.scores[list(places)]), weights=weights)

    def texts(self) -> Sequence[str]:
        """Both sides."""
        return [*self.pairs.first, *self.pairs.second]

    def lesson(self, left_out: int | None = None) -> Lesson | None:
        """The pairs for CoSENT, which learns the order of the scores alone."""
        kept = np.flatnonzero(self.folds != left_out) if left_out is not None else np.arange(len(self.pairs))
        scores = self.pairs.scores[kept]
        if len(kept) < 2 or np.ptp(scores) == 0:
            return None
        sides = {name: [side[i] for i in kept] for name, side in (("first", self.pairs.first), ("second", self.pairs.second))}
        # As shares of the highest, so that pairs of several scales make one order.
        return Lesson(CoSENT(), {**sides, "score": (scores / self._top).tolist()})

    def outcomes(self, similarity: OfFold) -> Outcomes:
        """The standardised similarity of each pair and the similarity, (pairs, 2)."""
        found = np.empty((len(self.pairs), 2))
        known: dict[int, NDArray[np.float64]] = {}
        for fold in np.unique(self.folds).tolist():
            compare = similarity(fold)
            if id(compare) not in known:
                plain = compare.pairs(self.pairs.first, self.pairs.second)
                known[id(compare)] = np.stack([self._standardised(plain), plain], axis=1)
            found[self.folds == fold] = known[id(compare)][self.folds == fold]
        return found

    def statistics(self, outcomes: Outcomes) -> dict[str, Statistic]:
        """`average-precision` and `spearman`, or `spearman` alone."""
        found: dict[str, Statistic] = {"spearman": spearman_statistic(outcomes[:, 0], self.pairs.scores)}
        if self.binary:
            found = {"average-precision": BinaryRanking(outcomes[:, 0], self.pairs.scores).average_precision, **found}
        if self.weights is None:
            return found
        return {metric: weighted_statistic(statistic, self.weights) for metric, statistic in found.items()}

    def decisions(self, outcomes: Outcomes) -> Decisions:
        """That two sentences mean the same: the label 1, or four fifths of the highest score."""
        same = self.pairs.scores >= _SAME * self._top
        return Decisions("pair", outcomes[:, 1], same, self.folds, self.units, self.weights)

    @property
    def _top(self) -> float:
        return float(self.pairs.scores.max() if self.top is None else self.top) or 1.0

    def _standardised(self, similarities: NDArray[np.float64]) -> NDArray[np.float64]:
        spread = float(similarities.std())
        centred: NDArray[np.float64] = similarities - similarities.mean()
        return centred / spread if spread else centred
