"""How an encoder's vectors lie: near for what means the same, spread out otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from juyi.data import ScoredPairs
from juyi.embeddings import encoded, unit_rows
from juyi.errors import UsageError
from juyi.metrics import Units, anisotropy_statistic, effective_rank, mean_statistic, singular_values, uniformity_statistic
from juyi.tasks.bootstrapped_score import BootstrappedScore
from juyi.tasks.sentence_units import sentence_units
from juyi.tasks.similarity import EncodeOrSimilarity, encode_of
from juyi.tasks.task import Task

PAPER_THRESHOLD = 4.0
SPECTRUM_SHARES = (1, 10, 100)
_MOST_SENTENCES = 5_000


@dataclass(frozen=True, eq=False)
class Geometry(Task):
    """Alignment and uniformity as in the SimCSE paper, the mean cosine, the singular spectrum and the effective rank.

    Figures of unit vectors are as they are, not times 100. Alignment is over the pairs with a gold score above the threshold;
    everything else over the distinct sentences of all pairs, at most 5,000 of them, drawn by the bootstrap's seed.

    Raises:
        UsageError: No pair has a score above the threshold.

    Source:
        Wang & Isola 2020; SimCSE, section 2 and footnote 3: positives are the pairs of STS-B with a score above 4.
    """

    pairs: ScoredPairs = field(repr=False)
    threshold: float = PAPER_THRESHOLD
    most_sentences: int = field(default=_MOST_SENTENCES, kw_only=True, repr=False)

    def __post_init__(self) -> None:
        if not (self.pairs.scores > self.threshold).any():
            highest = f"{self.pairs.scores.max():g}" if len(self.pairs) else "missing"
            raise UsageError(
                f"{self}: no pair has a score above {self.threshold:g} (the highest is {highest}); alignment needs positives. "
                "Choose the threshold that fits the scale of these scores."
            )

    @classmethod
    def of(cls, name: str, split: str, pairs: ScoredPairs, labels: tuple[str, ...] = ()) -> Geometry:
        """With the paper's threshold where scores go to 5, and with four fifths of the highest score on any other scale."""
        highest = float(pairs.scores.max(initial=0))
        threshold = PAPER_THRESHOLD if PAPER_THRESHOLD < highest <= 5 else 0.8 * highest
        return cls(name, split, pairs, threshold, labels=labels)

    def __len__(self) -> int:
        return len(self.pairs)

    def texts(self) -> Sequence[str]:
        """Both sides of the pairs."""
        return [*self.pairs.first, *self.pairs.second]

    def measure(self, encoder: EncodeOrSimilarity) -> Sequence[BootstrappedScore]:
        """`alignment`, `uniformity`, `mean-cosine`, `effective-rank`, and `variance-1`, `-10`, `-100`.

        The last three are the shares of the variance in the 1, 10 and 100 largest directions: the singular spectrum in figures.
        Effective rank and spectrum have no interval: a resample repeats sentences, and repeats have fewer directions.

        Raises:
            UsageError: The encoder gives no usable embeddings, or is a comparison that has none.
        """
        encode = encode_of(encoder)
        positive = np.flatnonzero(self.pairs.scores > self.threshold)
        first, second = (
            unit_rows(encoded(encode, [side[i] for i in positive]), "embeddings")
            for side in (self.pairs.first, self.pairs.second)
        )
        distances = ((first.astype(np.float64) - second) ** 2).sum(axis=1)
        sentences = self._sentences()
        vectors, units = encoded(encode, sentences), self._units_of(sentences)
        pairs = sentence_units((self.pairs.first[i], self.pairs.second[i]) for i in positive)
        count = len(vectors)
        variances = singular_values(vectors) ** 2
        shares = np.cumsum(variances) / variances.sum()
        return [
            self.bootstrapped("alignment", mean_statistic(distances), pairs, scale=1),
            self.bootstrapped("uniformity", uniformity_statistic(vectors), units, scale=1),
            self.bootstrapped("mean-cosine", anisotropy_statistic(vectors), units, scale=1),
            self.plain("effective-rank", effective_rank(vectors), count),
            *(self.plain(f"variance-{top}", float(shares[min(top, len(shares)) - 1]), count) for top in SPECTRUM_SHARES),
        ]

    def _units_of(self, sentences: Sequence[str]) -> Units:
        """Sentences came in pairs, the two of a pair alike: those of connected pairs are one unit."""
        sides = list(zip(self.pairs.first, self.pairs.second, strict=True))
        unit_of: dict[str, int] = {}
        for pair, unit in zip(sides, sentence_units(sides).of.tolist(), strict=True):
            unit_of.update(dict.fromkeys(pair, unit))
        return Units.grouped([unit_of[sentence] for sentence in sentences])

    def _sentences(self) -> list[str]:
        distinct = list(dict.fromkeys(self.texts()))
        if len(distinct) <= self.most_sentences:
            return distinct
        rng = np.random.default_rng(self.bootstrap.seed)
        return [distinct[i] for i in np.sort(rng.choice(len(distinct), self.most_sentences, replace=False))]
