"""Word vectors, and which word is nearest to which."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from juyi.augmentation.file_stamp import file_stamp
from juyi.data.vectors import read_word_vectors

_AT_ONCE = 64  # words that are compared with all others in one product


class WordVectors:
    """Words with a vector each; nearest words are computed when they are asked for, and kept.

    Args:
        words: All different.
        vectors: One row a word; scaled to length 1 in place.

    Shapes:
        vectors: (words, dim) float32.
    """

    def __init__(self, words: Sequence[str], vectors: NDArray[np.float32]) -> None:
        self.words = words
        self._vectors = vectors
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        np.divide(vectors, lengths, out=vectors, where=lengths > 0)
        self._rows = {word: row for row, word in enumerate(words)}
        self._same: dict[str, list[int]] = {}
        for row, word in enumerate(words):
            self._same.setdefault(word.casefold(), []).append(row)
        can_stand = [any(map(str.isalnum, word)) for word in words]
        self._never = np.flatnonzero(~(np.asarray(can_stand) & (lengths[:, 0] > 0)))
        self._nearest: dict[str, tuple[str, ...]] = {}

    def nearest(self, words: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """For each word that has a vector the one nearest by cosine; of equally near ones the first of the file.

        Never the word itself, however it is written, and never punctuation.
        """
        wanted = sorted(word for word in {*words} if word in self._rows)
        new = [word for word in wanted if word not in self._nearest and self._vectors[self._rows[word]].any()]
        for start in range(0, len(new), _AT_ONCE):
            self._search(new[start : start + _AT_ONCE])
        return {word: self._nearest[word] for word in wanted if word in self._nearest}

    def _search(self, words: Sequence[str]) -> None:
        cosines = self._vectors[[self._rows[word] for word in words]] @ self._vectors.T
        cosines[:, self._never] = -np.inf
        for row, word in enumerate(words):
            cosines[row, self._same[word.casefold()]] = -np.inf
            best = int(cosines[row].argmax())
            self._nearest[word] = (self.words[best],) if np.isfinite(cosines[row, best]) else ()


def read_vectors(path: str, encoding: str) -> WordVectors:
    """Read word2vec's text form: a word and its numbers a line, spaces between; a first line "words dimensions" may stand above.

    A word that occurs again keeps its first vector. Read once as long as the file does not change.

    Raises:
        DataError: The file cannot be read or is empty, or a line has another number of numbers than the first, or no numbers.
    """
    return _read(path, encoding, file_stamp(path))


@lru_cache(maxsize=1)
def _read(path: str, encoding: str, state: tuple[int, int]) -> WordVectors:
    return WordVectors(*read_word_vectors(path, encoding=encoding or None))
