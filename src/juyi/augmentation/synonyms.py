"""Synonym replacement, by a table or by word vectors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from juyi.augmentation.drawing import draw_positions
from juyi.augmentation.synonym_table import read_table
from juyi.augmentation.word_cutting import cut_words
from juyi.augmentation.word_vectors import read_vectors
from juyi.errors import UsageError


@dataclass(frozen=True)
class Synonyms:
    """Replace `count` of the words that have a synonym, all of them where they are fewer; a text without any stays as it is.

    Which words is drawn without replacement, and for each one of its synonyms, each equally likely. A word that is not found as
    it stands is looked for in lower case, and what replaces it then begins with a capital if it did.

    Attributes:
        table: A file, each line a word and its synonyms with tabs between. It is read from left to right: the synonyms do
            not get the word as theirs. Words are found as `cut_words` cuts them; an expression of several words never is.
        vectors: A text file of word vectors in word2vec's form. The synonym is the nearest word by cosine, never the word itself
            in another case, and never punctuation.
        count: How many words to replace.
        encoding: Of the table or the vectors; empty is found by their content.

    Raises:
        UsageError: Not exactly one of table and vectors is given, or the count is below 1.

    Source:
        Gao et al., SimCSE (arXiv:2104.08821) table 1, "Synonym replacement"; the paper does not say where its synonyms come from.
    """

    kind: Literal["synonyms"] = "synonyms"
    table: str = ""
    vectors: str = ""
    count: int = 1
    encoding: str = ""

    def __post_init__(self) -> None:
        if bool(self.table) == bool(self.vectors):
            got = "both are given" if self.table else "neither is given"
            raise UsageError(
                f"Synonyms come from a table or from word vectors, and {got}. Give one of them: table, a file whose lines are "
                "a word and its synonyms with tabs between; or vectors, a text file in word2vec's form."
            )
        if self.count < 1:
            raise UsageError(f"The number of words to replace is {self.count}; it must be 1 or more.")

    def __call__(self, texts: Sequence[str], rng: np.random.Generator) -> list[str]:
        """Each text with other words in some places.

        Raises:
            DataError: The table or the vectors cannot be read.
        """
        cut = [cut_words(text) for text in texts]
        known = self._synonyms({text[word] for text in cut for word in range(text.count)})
        able = [[word for word in range(text.count) if text[word] in known] for text in cut]
        chosen = draw_positions([len(words) for words in able], [min(self.count, len(words)) for words in able], rng)
        words = [[able[row][place] for place in places] for row, places in enumerate(chosen)]
        choices = [known[text[word]] for text, row in zip(cut, words, strict=True) for word in row]
        picks = iter(rng.integers(0, np.asarray([len(choice) for choice in choices], dtype=np.int64)).tolist())
        return [
            text.replacing({word: known[text[word]][next(picks)] for word in row}) for text, row in zip(cut, words, strict=True)
        ]

    def _synonyms(self, words: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """The synonyms of those words that have any."""
        forms = {form for word in words for form in (word, word.lower())}
        source = read_table(self.table, self.encoding) if self.table else read_vectors(self.vectors, self.encoding).nearest(forms)
        found: dict[str, tuple[str, ...]] = {}
        for word in words:
            others = source.get(word) or tuple(_begin_like(word, other) for other in source.get(word.lower(), ()))
            if others := tuple(other for other in others if other != word):
                found[word] = others
        return found


def _begin_like(word: str, other: str) -> str:
    return other[0].upper() + other[1:] if word[0].isupper() else other
