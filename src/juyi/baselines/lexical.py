"""Lexical overlap: how much texts look alike, letter for letter. No model and nothing learned."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from juyi.errors import UsageError
from juyi.tokenization.chinese import HAN
from juyi.types import Hits

_KANA = "\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"
_HANGUL = "\u1100-\u11ff\ua960-\ua97f\uac00-\ud7ff"
_UNIT = re.compile(rf"[{HAN}{_KANA}{_HANGUL}]|[^\W{HAN}{_KANA}{_HANGUL}]+")

_K1, _B = 1.2, 0.75  # BM25: how soon repeated grams stop to count, and how much long texts are held back
_SCORES_AT_ONCE = 1 << 22


class LexicalOverlap:
    """Compares texts by the grams that they share; what grams are says `grams`."""

    def pairs(self, first: Sequence[str], second: Sequence[str]) -> NDArray[np.float64]:
        """The cosine of the counts of each pair; 0 where a text has nothing to count.

        There are few different values and many ties. Rounding to twelve places keeps them ties: 3 / √18 and 1 / √2 would differ
        in the last bit.

        Shapes:
            first, second: (n,)
            returns: (n,)

        Raises:
            UsageError: The two columns differ in length.
        """
        if len(first) != len(second):
            raise UsageError(f"There are {len(first)} first texts and {len(second)} second ones. Give one of each a pair.")
        both = gram_counts([*first, *second])
        left, right = both[: len(first)], both[len(first) :]
        squares = _row_sums(left * left) * _row_sums(right * right)
        cosines: NDArray[np.float64] = _row_sums(left * right) / np.sqrt(np.where(squares > 0, squares, 1.0))
        return cosines.round(12)

    def matrix(self, texts: Sequence[str], others: Sequence[str] | None = None) -> NDArray[np.float64]:
        """The cosine of the counts of every text with every other one, or with every one of others, as `pairs` gives it.

        Shapes:
            returns: (n, n), or (n, others)
        """
        counts = gram_counts(texts if others is None else [*texts, *others])
        lengths = np.sqrt(_row_sums(counts * counts))
        lengths[lengths == 0] = 1.0
        rows = counts[: len(texts)]
        columns, widths = (counts, lengths) if others is None else (counts[len(texts) :], lengths[len(texts) :])
        products: NDArray[np.float64] = (rows @ columns.T).toarray()
        cosines: NDArray[np.float64] = (products / np.outer(lengths[: len(texts)], widths)).round(12)
        return cosines

    def nearest(self, queries: Sequence[str], corpus: Sequence[str], k: int) -> Hits:
        """The k texts of the corpus with the highest BM25 scores for each query, best first, the smaller id first where equal.

        An id is a place in the corpus. A text that shares nothing with the query has the score 0 and is a hit like any other;
        where the corpus has fewer than k texts the rest of the row is id -1 with the score -inf. A gram that the query repeats
        counts as often as it stands there.

        Shapes:
            queries: (queries,); corpus: (n,)

        Raises:
            UsageError: k is below 1.

        Source:
            Robertson & Zaragoza 2009, §3.4, with k1 = 1.2 and b = 0.75; idf = log(1 + (N - df + 0.5) / (df + 0.5)), which is
            never negative.
        """
        if k < 1:
            raise UsageError(f"k is {k}; ask for at least 1 hit.")
        counts = gram_counts([*corpus, *queries])
        weights, asked = _bm25_weights(counts[: len(corpus)]).T.tocsr(), counts[len(corpus) :]
        ids = np.full((len(queries), k), -1, dtype=np.int64)
        scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
        step = max(1, _SCORES_AT_ONCE // max(len(corpus), 1))
        for start in range(0, len(queries), step):
            # Single precision before the ranking: what differs by the order of summing alone becomes a tie.
            block = (asked[start : start + step] @ weights).toarray().astype(np.float32)
            for place, row in enumerate(block, start=start):
                best = best_places(row, k)
                ids[place, : len(best)] = best
                scores[place, : len(best)] = row[best]
        return Hits(ids, scores)


def grams(text: str) -> list[str]:
    """What is counted in a text: its units and the pairs of neighbouring units.

    A unit is one Chinese, Japanese or Korean character, or a whole word of other letters and digits: 我的iPhone15坏了 has the
    units 我, 的, iphone15, 坏 and 了. Case and width do not matter (NFKC). Punctuation and white space are not counted; units on
    either side of them are neighbours.
    """
    units = _UNIT.findall(unicodedata.normalize("NFKC", text).lower())
    # The blank keeps a pair of words apart from one long word; no unit holds one.
    return [*units, *(f"{a} {b}" for a, b in pairwise(units))]


def gram_counts(texts: Sequence[str]) -> Any:
    """How often each gram occurs in each text, as a sparse matrix.

    Shapes:
        returns: (n, distinct grams) csr_array of float64.
    """
    numbers: dict[str, int] = {}
    columns: list[int] = []
    ends = [0]
    for text in texts:
        columns.extend(numbers.setdefault(gram, len(numbers)) for gram in grams(text))
        ends.append(len(columns))
    counts = csr_array((np.ones(len(columns)), columns, ends), shape=(len(ends) - 1, max(len(numbers), 1)))
    counts.sum_duplicates()
    return counts


def _bm25_weights(counts: Any) -> Any:
    """What each gram of each text of the corpus adds to the score of a query that holds it once."""
    texts = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    lengths = _row_sums(counts)
    relative = lengths[texts] / (lengths.sum() / max(len(lengths), 1))
    frequency = np.bincount(counts.indices, minlength=counts.shape[1])
    idf = np.log1p((counts.shape[0] - frequency + 0.5) / (frequency + 0.5))
    values = idf[counts.indices] * counts.data * (_K1 + 1) / (counts.data + _K1 * (1 - _B + _B * relative))
    return csr_array((values, counts.indices, counts.indptr), shape=counts.shape)


def best_places(scores: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """The places of the k highest scores, the smaller place first on equal scores.

    Shapes:
        scores: (n,); returns: (k,), or fewer where there are fewer
    """
    places = np.arange(len(scores))
    if k < len(scores):
        places = np.flatnonzero(scores >= np.partition(scores, -k)[-k])
    return places[np.argsort(-scores[places], kind="stable")[:k]]


def _row_sums(matrix: Any) -> NDArray[np.float64]:
    return np.asarray(matrix.sum(axis=1), dtype=np.float64).reshape(-1)
