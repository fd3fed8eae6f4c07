"""The mean of word vectors: what a text is about without the order of its words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from juyi.data.files import PathLike
from juyi.data.vectors import read_word_vectors
from juyi.tokenization.chinese import HAN_CHARACTER, cut_chinese
from juyi.types import Embeddings

_PURPOSE = "The average of the vectors of Chinese words"
_RUN = re.compile(r"\w+")


@dataclass(frozen=True)
class Coverage:
    """How much of some texts the word vectors know. A text or word that comes twice counts twice.

    Attributes:
        texts: How many there are.
        unknown_texts: Those of which nothing is known.
        words: The running words of all texts.
        unknown_words: Those that have no vector, whether or not their characters stand in for them.
    """

    texts: int = 0
    unknown_texts: int = 0
    words: int = 0
    unknown_words: int = 0

    @property
    def out_of_vocabulary_rate(self) -> float | None:
        """The share (0 to 1) of the running words that have no vector; None where there is no word."""
        return self.unknown_words / self.words if self.words else None


class WordAverage:
    """Encodes a text as the mean of the vectors of its words.

    Args:
        path: Word vectors in the text form of word2vec or GloVe, as `juyi.data.vectors.read_word_vectors` takes them.
        encoding: Of that file; found by its content where none is named.

    Raises:
        DataError: The file cannot be read, or is something else.
    """

    def __init__(self, path: PathLike, *, encoding: str | None = None) -> None:
        words, self._vectors = read_word_vectors(path, encoding=encoding)
        # A vector of zeros says nothing, and a text of such words would have no cosine.
        self._rows = {word: row for row, word in enumerate(words) if self._vectors[row].any()}
        self._centre = self._vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
        self._coverage = Coverage()

    @property
    def dim(self) -> int:
        """How many components a vector has."""
        return int(self._vectors.shape[1])

    @property
    def coverage(self) -> Coverage:
        """How much of all texts encoded so far was known."""
        return self._coverage

    def encode(self, texts: Sequence[str]) -> Embeddings:
        """The mean of the vectors of each text's words.

        A word is looked up as it is written, then in lower case. A Chinese word without a vector gets the mean of its characters
        that have one; any other is left out. A text of which nothing is known gets the mean of all vectors: the same point for
        all such texts, and not zero, which has no cosine.

        Shapes:
            texts: (n,); returns: (n, dim).

        Raises:
            MissingExtraError: A text holds Chinese characters, and jieba is not installed.
        """
        result = np.empty((len(texts), self.dim), dtype=np.float32)
        unknown_texts = words = unknown_words = 0
        for place, text in enumerate(texts):
            known = []
            for word in running_words(text):
                row = self._rows.get(word, self._rows.get(word.lower()))
                words += 1
                unknown_words += row is None
                vector = self._mean_of_characters(word) if row is None else self._vectors[row]
                if vector is not None:
                    known.append(vector)
            unknown_texts += not known
            result[place] = np.mean(known, axis=0) if known else self._centre
        so_far = self._coverage
        self._coverage = Coverage(
            so_far.texts + len(texts),
            so_far.unknown_texts + unknown_texts,
            so_far.words + words,
            so_far.unknown_words + unknown_words,
        )
        return result

    def _mean_of_characters(self, word: str) -> Embeddings | None:
        rows = [self._rows[character] for character in HAN_CHARACTER.findall(word) if character in self._rows]
        return self._vectors[rows].mean(axis=0) if rows else None


def running_words(text: str) -> list[str]:
    """The words of a text in their order, without punctuation and white space; width does not matter (NFKC).

    A run of letters and digits is a word. Where it holds Chinese characters jieba cuts it (`HMM=False`), Latin letters and all:
    SIM卡 is one word of its dictionary.

    Raises:
        MissingExtraError: The text holds Chinese characters, and jieba is not installed.
    """
    runs = _RUN.findall(unicodedata.normalize("NFKC", text))
    return [word for run in runs for word in (cut_chinese(run, purpose=_PURPOSE) if HAN_CHARACTER.search(run) else [run])]
