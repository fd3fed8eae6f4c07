"""Semantic textual similarity: does the cosine order the pairs as people do?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from juyi.data import ScoredPairs
from juyi.errors import UsageError
from juyi.metrics import Difference, cosine_rows, paired_difference, scaled_interval, spearman, spearman_interval
from juyi.tasks.memo import encoded
from juyi.types import Encode, Score


@dataclass(frozen=True, eq=False)
class STS:
    """Scored pairs, measured by Spearman's correlation of cosine and gold score, times 100.

    All pairs of the split go into one ranking ("all" in the English tables; the mean over sub-tasks can differ by 20 points).
    No regressor is fitted. `labels` are passed on to the scores: `translated`, `transductive`, `dev-selected`.

    Raises:
        UsageError: There are fewer than two pairs, or their columns differ in length.
    """

    name: str
    split: str
    pairs: ScoredPairs = field(repr=False)
    labels: tuple[str, ...] = ()
    level: float = 0.95
    resamples: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        first, second, scores = len(self.pairs.first), len(self.pairs.second), len(self.pairs.scores)
        if not first == second == scores:
            raise UsageError(
                f"{self} has {first} first sentences, {second} second ones and {scores} scores. Give one of each a pair."
            )
        if first < 2:
            raise UsageError(f"{self} has {first} pairs; a correlation needs at least 2. Give it more pairs.")

    def __str__(self) -> str:
        return f"{self.name} {self.split}"

    def __len__(self) -> int:
        return len(self.pairs)

    def similarities(self, encode: Encode) -> NDArray[np.float64]:
        """The cosine of each pair; each distinct sentence is encoded once.

        Shapes:
            returns: (pairs,)

        Raises:
            UsageError: The encoder does not give one row a text, or gives NaN or a row of zeros.
        """
        places = {text: place for place, text in enumerate(dict.fromkeys([*self.pairs.first, *self.pairs.second]))}
        embeddings = encoded(encode, list(places))
        first, second = ([places[text] for text in side] for side in (self.pairs.first, self.pairs.second))
        return cosine_rows(embeddings[first], embeddings[second])

    def evaluate(self, encode: Encode) -> Sequence[Score]:
        """One score, `spearman`, with its bootstrap interval over the pairs.

        Raises:
            UsageError: The encoder gives no usable embeddings, or every pair the same similarity.
        """
        return [self.score(self.similarities(encode))]

    def score(self, similarities: NDArray[np.float64]) -> Score:
        """The score of similarities that are known already."""
        gold = self.pairs.scores
        interval = spearman_interval(similarities, gold, level=self.level, resamples=self.resamples, seed=self.seed)
        return Score(
            task=self.name,
            split=self.split,
            metric="spearman",
            value=100 * spearman(similarities, gold),
            count=len(gold),
            interval=scaled_interval(interval, 100),
            labels=self.labels,
        )

    def difference(self, similarities: NDArray[np.float64], others: NDArray[np.float64]) -> Difference:
        """By how many points the first similarities score better than the others, on the same resamples of the pairs."""
        gold = self.pairs.scores
        difference = paired_difference(similarities, others, gold, level=self.level, resamples=self.resamples, seed=self.seed)
        return difference.times(100)
