"""Pairs of unlabelled sentences, close ones and others: on them two encoders can be asked whether they find the same alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from juyi.baselines import LexicalOverlap
from juyi.embeddings import cosine_rows
from juyi.errors import DataError
from juyi.metrics import spearman
from juyi.types import Encode


@dataclass(frozen=True, eq=False)
class SentencePairs:
    """Sentences and pairs of them: each with its neighbour by word overlap, and each with one that is drawn.

    Neighbours alone would leave out most of what a search has to tell apart, drawn ones alone would be too easy.

    Attributes:
        texts: Distinct sentences.
        places: The numbers of the two, (2 × sentences, 2).
    """

    texts: Sequence[str]
    places: NDArray[np.intp]

    @classmethod
    def drawn(cls, texts: Sequence[str], rng: np.random.Generator) -> SentencePairs:
        """The pairs of some sentences.

        Raises:
            DataError: Fewer than two.
        """
        if len(texts) < 2:
            raise DataError(f"Pairs are made of two sentences at least; there is {len(texts)}.")
        places = np.arange(len(texts))
        near = LexicalOverlap().nearest(texts, texts, 2).ids
        neighbours = np.where(near[:, 0] == places, near[:, 1], near[:, 0])
        others = (places + rng.integers(1, len(texts), size=len(texts))) % len(texts)
        pairs = [np.stack([places, partners], axis=1) for partners in (neighbours, others)]
        return cls(texts, np.concatenate(pairs))

    def cosines(self, encode: Encode) -> NDArray[np.float64]:
        """The cosine of each pair by an encoder, (pairs,)."""
        vectors = encode(self.texts)
        return cosine_rows(vectors[self.places[:, 0]], vectors[self.places[:, 1]])

    def agreement(self, encode: Encode, others: NDArray[np.float64]) -> float | None:
        """Whether an encoder puts the pairs into the same order as another, as Spearman's rank correlation, from -1 to 1.

        Args:
            encode: The encoder.
            others: The cosines of the pairs by the other one.

        Returns:
            None where one of the two tells no pairs apart.
        """
        cosines = self.cosines(encode)
        if min(np.ptp(cosines), np.ptp(others)) == 0:
            return None
        return spearman(cosines, others)

    def overlaps(self) -> NDArray[np.float64]:
        """The word overlap of each pair, (pairs,)."""
        first, second = ([self.texts[place] for place in side] for side in self.places.T)
        return LexicalOverlap().pairs(first, second)
