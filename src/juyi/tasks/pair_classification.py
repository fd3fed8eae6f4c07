"""Pair classification: does a threshold on the similarity tell paraphrases from the rest?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

from juyi.data import ScoredPairs
from juyi.errors import UsageError
from juyi.metrics import BinaryRanking, Counts, Statistic, Units
from juyi.tasks.bootstrapped_score import BootstrappedScore
from juyi.tasks.sentence_units import sentence_units
from juyi.tasks.similarity import EncodeOrSimilarity, similarity_of
from juyi.tasks.task import Task

ORACLE_THRESHOLD = "oracle-threshold"
"""The threshold was chosen on the very items that are scored: an upper bound of what a fixed one reaches."""

DEV_THRESHOLD = "dev-threshold"
"""The threshold was chosen on a development set."""


@dataclass(frozen=True, eq=False)
class PairClassification(Task):
    """Pairs with the labels 0 and 1: average precision, F1 and accuracy, times 100, and the thresholds they were taken at.

    With `development` pairs the thresholds are those that are best there, and the figures say what a threshold that was fixed
    beforehand reaches. Without, they are the best on the scored pairs themselves, as is usual in the field, and bear the label
    `oracle-threshold`. A pair counts as a paraphrase where its similarity is at least the threshold. Thresholds are cosines,
    not times 100, and have no interval.

    Raises:
        UsageError: A label is neither 0 nor 1, or one of the two does not occur.
    """

    pairs: ScoredPairs = field(repr=False)
    development: ScoredPairs | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for name, pairs in ((str(self), self.pairs), (f"{self}, development pairs", self.development)):
            if pairs is not None and set(pairs.scores.tolist()) != {0.0, 1.0}:
                got = ", ".join(f"{label:g}" for label in sorted(set(pairs.scores.tolist()))[:6])
                raise UsageError(
                    f"{name}: the labels are {got or 'missing'}; pair classification needs 0 and 1, and both of them."
                )

    def __len__(self) -> int:
        return len(self.pairs)

    @cached_property
    def units(self) -> Units:
        """Pairs that share a sentence, and those that share one with these, are one unit."""
        return sentence_units(zip(self.pairs.first, self.pairs.second, strict=True))

    def texts(self) -> Sequence[str]:
        """Both sides of the pairs, of the development pairs too."""
        sides = [*self.pairs.first, *self.pairs.second]
        return sides if self.development is None else [*sides, *self.development.first, *self.development.second]

    def measure(self, encoder: EncodeOrSimilarity) -> Sequence[BootstrappedScore]:
        """`average-precision`, `f1`, `f1-threshold`, `accuracy`, `accuracy-threshold`.

        Raises:
            UsageError: The encoder gives no usable embeddings.
        """
        ranking = _ranking(self.pairs, encoder)
        chosen = ranking if self.development is None else _ranking(self.development, encoder)
        label = ORACLE_THRESHOLD if self.development is None else DEV_THRESHOLD
        found = [self.bootstrapped("average-precision", ranking.average_precision, self.units)]
        for metric, best, at in (
            ("f1", chosen.best_f1, ranking.f1),
            ("accuracy", chosen.best_accuracy, ranking.accuracy),
        ):
            threshold = best()[1]
            # An oracle's threshold belongs to the figure: it is chosen anew on each resample.
            statistic = _first(best) if self.development is None else partial(at, threshold)
            found.append(self.bootstrapped(metric, statistic, self.units, labels=[label]))
            found.append(self.plain(f"{metric}-threshold", threshold, len(self), labels=[label]))
        return found


def _first(best: Callable[[Counts], tuple[float, float]]) -> Statistic:
    return lambda counts: best(counts)[0]


def _ranking(pairs: ScoredPairs, encoder: EncodeOrSimilarity) -> BinaryRanking:
    return BinaryRanking(similarity_of(encoder).pairs(pairs.first, pairs.second), pairs.scores)
