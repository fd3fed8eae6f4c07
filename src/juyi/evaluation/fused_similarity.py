"""Meaning and wording together: a convex sum of the cosine of embeddings and of the overlap of words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from juyi.baselines import LexicalOverlap, best_places
from juyi.errors import UsageError
from juyi.tasks import Cosine
from juyi.types import Encode, Hits

_SCORES_AT_ONCE = 1 << 23


class FusedSimilarity:
    """Compares texts by (1 - w) times the cosine of their embeddings plus w times the cosine of their counts of grams.

    Names, numbers and rare words that an encoder blurs are the same letters on both sides; synonyms are not. Short questions
    need both. Of equal texts the similarity is 1 as of either part alone.

    Args:
        encode: What encodes.
        overlap: The weight w of word overlap, at least 0 and below 1.

    Raises:
        UsageError: The weight is another one.

    Source:
        Bruch et al. 2023 (arXiv:2210.11934): a convex sum beats reciprocal ranks, and few labels fix its weight. There the
        lexical part is BM25; here it is a cosine, so that pairs have a similarity too and the sum needs no scaling by query.
    """

    def __init__(self, encode: Encode, overlap: float) -> None:
        if not 0 <= overlap < 1:
            raise UsageError(f"The weight of word overlap is {overlap}; it must be at least 0 and below 1, 0.2 for example.")
        self._cosine = Cosine(encode)
        self._lexical = LexicalOverlap()
        self.overlap = overlap

    def pairs(self, first: Sequence[str], second: Sequence[str]) -> NDArray[np.float64]:
        """See `Similarity.pairs`.

        Raises:
            UsageError: As `Cosine.pairs`.
        """
        cosines = self._cosine.pairs(first, second)
        return (1 - self.overlap) * cosines + self.overlap * self._lexical.pairs(first, second)

    def nearest(self, queries: Sequence[str], corpus: Sequence[str], k: int) -> Hits:
        """See `Similarity.nearest`. Of equally near texts the one that stands first in the corpus comes first.

        Raises:
            UsageError: As `Cosine.nearest`.
        """
        searched, asked = self._cosine.unit_sides(queries, corpus)
        kept = min(k, len(corpus))
        ids = np.full((len(queries), k), -1, dtype=np.int64)
        scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
        step = max(1, _SCORES_AT_ONCE // len(corpus))
        for start in range(0, len(queries), step):
            block = slice(start, start + step)
            fused = (1 - self.overlap) * (asked[block] @ searched.T)  # (block, corpus)
            fused += self.overlap * self._lexical.matrix(queries[block], corpus)
            for place, row in enumerate(fused.astype(np.float32), start=start):
                ids[place, :kept] = best_places(row, kept)
                scores[place, :kept] = row[ids[place, :kept]]
        return Hits(ids, scores)
