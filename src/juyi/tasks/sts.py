"""Semantic textual similarity: does the cosine order the pairs as people do?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from juyi.data import ScoredPairs
from juyi.errors import UsageError
from juyi.metrics import Counts, Difference, Units, spearman_statistic
from juyi.tasks.bootstrapped_score import BootstrappedScore, mean_of
from juyi.tasks.sentence_units import sentence_units
from juyi.tasks.similarity import EncodeOrSimilarity, similarity_of
from juyi.tasks.task import Task
from juyi.types import Score

ALL = "all"
MEAN = "mean"
WEIGHTED_MEAN = "wmean"


@dataclass(frozen=True, eq=False)
class STS(Task):
    """Scored pairs, measured by Spearman's correlation of cosine and gold score, times 100.

    No regressor is fitted. Where the pairs belong to sub-tasks there are three ways to make one figure of them, which differ by
    up to 20 points, and all three are given: `all` ranks the pairs of all sub-tasks together, `mean` is the mean of the
    sub-tasks' correlations, `wmean` weighs them by their number of pairs.

    Raises:
        UsageError: There are fewer than two pairs, in all or of one sub-task, or their columns differ in length.

    Source:
        `all`: SimCSE, appendix B; `mean` and `wmean`: SentEval.
    """

    pairs: ScoredPairs = field(repr=False)

    def __post_init__(self) -> None:
        first, second, scores = len(self.pairs.first), len(self.pairs.second), len(self.pairs.scores)
        if not first == second == scores:
            raise UsageError(
                f"{self} has {first} first sentences, {second} second ones and {scores} scores. Give one of each a pair."
            )
        names = self.pairs.subsets
        if names is not None and len(names) != first:
            raise UsageError(f"{self} has {len(names)} names of sub-tasks for {first} pairs. Give one a pair, or none.")
        if taken := sorted({ALL, MEAN, WEIGHTED_MEAN}.intersection(names or ())):
            raise UsageError(f"{self} has a sub-task '{taken[0]}', and figures over all sub-tasks are called so. Rename it.")
        for where, count in {
            str(self): first,
            **{f"{self} {name}": len(places) for name, places in self._subsets().items()},
        }.items():
            if count < 2:
                raise UsageError(f"{where} has {count} pairs; a correlation needs at least 2. Give it more pairs.")

    def __len__(self) -> int:
        return len(self.pairs)

    @cached_property
    def units(self) -> Units:
        """Pairs that share a sentence, and those that share one with these, are one unit; drawn sub-task by sub-task."""
        return sentence_units(zip(self.pairs.first, self.pairs.second, strict=True), self.pairs.subsets)

    def texts(self) -> Sequence[str]:
        """Both sides of the pairs."""
        return [*self.pairs.first, *self.pairs.second]

    def similarities(self, encoder: EncodeOrSimilarity) -> NDArray[np.float64]:
        """The similarity of each pair.

        Shapes:
            returns: (pairs,)

        Raises:
            UsageError: The encoder does not give one row a text, gives NaN or a row of zeros, or has collapsed.
        """
        return similarity_of(encoder).pairs(self.pairs.first, self.pairs.second)

    def measure(self, encoder: EncodeOrSimilarity) -> Sequence[BootstrappedScore]:
        """`spearman` of all pairs; where there are sub-tasks, also the mean over them, the weighted mean, and each of them.

        Raises:
            UsageError: The encoder gives no usable embeddings, or every pair the same similarity.
        """
        return self.measure_similarities(self.similarities(encoder))

    def measure_similarities(self, similarities: NDArray[np.float64]) -> Sequence[BootstrappedScore]:
        """What `measure` gives, from similarities that are known already."""
        if self.pairs.subsets is None:
            return [self._pooled(similarities)]
        parts = [self._part(similarities, places, subset) for subset, places in self._subsets().items()]
        means = (mean_of(parts, subset=MEAN), mean_of(parts, weighted=True, subset=WEIGHTED_MEAN))
        return [self._pooled(similarities, ALL), *means, *parts]

    def score(self, similarities: NDArray[np.float64]) -> Score:
        """The score of all pairs, from similarities that are known already."""
        return self._pooled(similarities).score

    def difference(self, similarities: NDArray[np.float64], others: NDArray[np.float64]) -> Difference:
        """By how many points the first similarities score better than the others, on the same resamples of the pairs.

        Raises:
            UsageError: Nearly all pairs hang together by shared sentences, so that nothing can be said of how sure it is.
        """
        difference = self._pooled(similarities).difference(self._pooled(others))
        if difference is None:
            raise UsageError(
                f"{self}: {len(self)} pairs hang together in {self.units.count} groups by the sentences that they share, which "
                f"weigh like {self.units.effective():.1f} independent ones; an interval needs at least 2. Add pairs of sentences "
                "that do not occur in the others."
            )
        return difference

    def _pooled(self, similarities: NDArray[np.float64], subset: str = "") -> BootstrappedScore:
        return self.bootstrapped("spearman", spearman_statistic(similarities, self.pairs.scores), self.units, subset=subset)

    def _part(self, similarities: NDArray[np.float64], places: NDArray[np.intp], subset: str) -> BootstrappedScore:
        """The figure of one sub-task, on resamples of all of them."""
        of_part = spearman_statistic(similarities[places], self.pairs.scores[places])

        def statistic(counts: Counts) -> float:
            return of_part(counts[places])

        return self.bootstrapped("spearman", statistic, self.units, items=places, subset=subset)

    def _subsets(self) -> dict[str, NDArray[np.intp]]:
        """The places of the pairs of each sub-task."""
        names = np.array(self.pairs.subsets)
        return {name: np.flatnonzero(names == name) for name in dict.fromkeys(self.pairs.subsets or ())}
