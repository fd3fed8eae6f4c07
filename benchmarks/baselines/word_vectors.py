"""The mean of word vectors: what running text teaches without a network.

The vectors are the singular vectors of the words' positive pointwise mutual information with the words around them.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.linalg import svds

from juyi.errors import DataError
from juyi.tokenization.chinese import cut_chinese
from juyi.types import Embeddings

DIMENSIONS = 200
WINDOW = 5
MIN_COUNT = 5
SMOOTHING = 0.75

_BLOCK = 2_000_000  # tokens whose neighbours are counted at once
_NOWHERE = -1


@dataclass(frozen=True, eq=False)
class WordVectors:
    """Vectors of words, and of sentences as their mean.

    Attributes:
        places: The row of each word.
        vectors: One row a word, of length one.

    Shapes:
        vectors: (words, dim) float32.
    """

    places: dict[str, int]
    vectors: Embeddings

    def encode(self, texts: Sequence[str]) -> Embeddings:
        """The mean of the vectors of each sentence's words.

        A word without a vector gets the mean of its characters that have one, or is left out. A sentence of which nothing is
        known gets the mean of all vectors: the same point for all of them, and not zero, which has no cosine.

        Shapes:
            result: (n, dim).
        """
        centre = self.vectors.mean(axis=0)
        result = np.empty((len(texts), self.vectors.shape[1]), dtype=np.float32)
        for row, text in enumerate(texts):
            known = [vector for word in cut(text) if (vector := self._vector(word)) is not None]
            result[row] = np.mean(known, axis=0) if known else centre
        return result

    def _vector(self, word: str) -> Embeddings | None:
        if word in self.places:
            vector: Embeddings = self.vectors[self.places[word]]
            return vector
        characters = [self.places[character] for character in word if character in self.places]
        return self.vectors[characters].mean(axis=0) if characters else None


def cut(text: str) -> list[str]:
    """Jieba's words (`HMM=False`) in lower case, without punctuation and white space."""
    words = cut_chinese(text.lower(), purpose="The average of word vectors")
    return [word for word in words if any(character.isalnum() for character in word)]


def learn_word_vectors(
    sentences: Iterable[Sequence[str]], *, dimensions: int = DIMENSIONS, window: int = WINDOW, min_count: int = MIN_COUNT
) -> WordVectors:
    """Word vectors from sentences that are cut into words.

    Args:
        sentences: The words of each.
        dimensions: Width of the vectors; fewer where there are too few words.
        window: How many words to each side are neighbours; all count alike, and none beyond the sentence.
        min_count: Words that occur less often get no vector. They keep their place in the window.

    Raises:
        DataError: Fewer than three words occur often enough, or no two words appear together more often than by chance.

    Source:
        Levy & Goldberg 2014; Levy, Goldberg & Dagan 2015, §3: context distribution smoothing, singular values to the power
        of 1/2, rows of length one.
    """
    places, ids = _numbered(sentences, window, min_count)
    if len(places) < 3:
        raise DataError(f"Only {len(places)} words occur {min_count} times or more; word vectors need running text. Add some.")
    information = ppmi(neighbour_counts(ids, len(places), window))
    if information.nnz == 0:
        raise DataError("No two words appear together more often than by chance; word vectors need running text. Add some.")
    width = min(dimensions, len(places) - 1)
    left, values, _ = svds(information, k=width, rng=0)  # one seed: every run gives the same vectors
    vectors = left * np.sqrt(np.maximum(values, 0))
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return WordVectors(places, (vectors / np.maximum(lengths, 1e-12)).astype(np.float32))


def neighbour_counts(ids: NDArray[np.int32], size: int, window: int, *, block: int = _BLOCK) -> Any:
    """How often each word stands at most `window` places from each other word.

    Args:
        ids: All sentences in one row, at least `window` negative numbers between two of them. A negative number is no word.
        size: How many words there are.
        window: The farthest distance that counts.
        block: How many tokens are looked at together; it changes no count.

    Shapes:
        ids: (tokens,); returns: (size, size) csr_array, symmetric.
    """
    counts = csr_array((size, size), dtype=np.float64)
    for start in range(0, len(ids), block):
        tokens = ids[start : start + block + window]
        rows, columns = [], []
        for distance in range(1, window + 1):
            here = tokens[: min(block, len(tokens) - distance)] if distance < len(tokens) else tokens[:0]
            there = tokens[distance : distance + len(here)]
            both = (here >= 0) & (there >= 0)
            rows.append(here[both])
            columns.append(there[both])
        place = (np.concatenate(rows), np.concatenate(columns))
        counts = counts + coo_array((np.ones(len(place[0])), place), shape=(size, size)).tocsr()
    return (counts + counts.T).tocsr()


def ppmi(counts: Any, smoothing: float = SMOOTHING) -> Any:
    """Positive pointwise mutual information of words (rows) and contexts (columns), natural logarithm.

    `max(0, log P(w, c) / (P(w) P'(c)))`, where `P'(c)` is proportional to the count of c to the power of `smoothing`: rare
    contexts would otherwise look more telling than they are.

    Shapes:
        counts: (words, contexts) sparse; returns: the same, csr_array.

    Source:
        Levy, Goldberg & Dagan 2015, eq. 3.
    """
    pairs = counts.tocoo()
    words, contexts = (np.asarray(counts.sum(axis=axis), dtype=np.float64).reshape(-1) for axis in (1, 0))
    smoothed = contexts**smoothing
    rows, columns = pairs.row, pairs.col
    values = np.log(pairs.data * smoothed.sum() / (words[rows] * smoothed[columns]))
    positive = values > 0
    return csr_array((values[positive], (rows[positive], columns[positive])), shape=counts.shape)


def _numbered(sentences: Iterable[Sequence[str]], window: int, min_count: int) -> tuple[dict[str, int], NDArray[np.int32]]:
    """The row of each frequent word, and the sentences as rows, separated as `neighbour_counts` wants it."""
    numbers: dict[str, int] = {}
    tokens = array("i")
    for sentence in sentences:
        tokens.extend(numbers.setdefault(word, len(numbers)) for word in sentence)
        tokens.extend([_NOWHERE] * window)
    ids = np.frombuffer(tokens, dtype=np.int32) if tokens else np.empty(0, dtype=np.int32)
    frequent = np.bincount(ids[ids >= 0], minlength=len(numbers)) >= min_count
    rows = np.where(frequent, np.cumsum(frequent) - 1, _NOWHERE).astype(np.int32)
    places = {word: int(rows[number]) for word, number in numbers.items() if frequent[number]}
    # The last entry is for the separators: the index -1 reads it.
    return places, np.append(rows, np.int32(_NOWHERE))[ids]
