"""Scored pairs as evidence: does the similarity order them as people do?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from juyi.adaptation.evidence import Evidence, Lesson, OfFold, Outcomes
from juyi.data import ScoredPairs
from juyi.metrics import BinaryRanking, Statistic, Units, spearman_statistic
from juyi.objectives import CoSENT
from juyi.tasks import sentence_units


@dataclass(frozen=True, eq=False)
class PairEvidence(Evidence):
    """Pairs with scores: Spearman's correlation; with the labels 0 and 1: average precision, and Spearman beside it.

    What is kept of a pair is its similarity in standard deviations around the mean of all pairs, so that encoders with other
    scales can be put together fold by fold. No label enters there, and the order within one encoder stays.

    Attributes:
        pairs: The labels.
        weights: How many pairs each stands for where they were drawn with unequal chances, (pairs,); None for all alike.
    """

    pairs: ScoredPairs = field(repr=False)
    weights: NDArray[np.float64] | None = field(default=None, repr=False)

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
        return Lesson(CoSENT(), {**sides, "score": scores.tolist()})

    def outcomes(self, similarity: OfFold) -> Outcomes:
        """The standardised similarity of each pair, (pairs, 1)."""
        found = np.empty((len(self.pairs), 1))
        known: dict[int, NDArray[np.float64]] = {}
        for fold in np.unique(self.folds).tolist():
            compare = similarity(fold)
            if id(compare) not in known:
                known[id(compare)] = self._standardised(compare.pairs(self.pairs.first, self.pairs.second))
            found[self.folds == fold, 0] = known[id(compare)][self.folds == fold]
        return found

    def statistics(self, outcomes: Outcomes) -> dict[str, Statistic]:
        """`average-precision` and `spearman`, or `spearman` alone."""
        found: dict[str, Statistic] = {"spearman": spearman_statistic(outcomes[:, 0], self.pairs.scores)}
        if self.binary:
            found = {"average-precision": BinaryRanking(outcomes[:, 0], self.pairs.scores).average_precision, **found}
        return found if self.weights is None else {metric: self._weighted(each) for metric, each in found.items()}

    def _weighted(self, statistic: Statistic) -> Statistic:
        """The figure of what the pairs stand for: one of weight 2 is as two."""
        return lambda counts: statistic(counts * self.weights)

    def _standardised(self, similarities: NDArray[np.float64]) -> NDArray[np.float64]:
        spread = float(similarities.std())
        centred: NDArray[np.float64] = similarities - similarities.mean()
        return centred / spread if spread else centred
