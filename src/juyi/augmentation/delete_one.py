"""Delete one word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from juyi.augmentation.word_cutting import cut_words


@dataclass(frozen=True)
class DeleteOne:
    """Delete one word, each equally likely; a text of one word stays as it is. Punctuation stays where it is.

    Source:
        Gao et al., SimCSE (arXiv:2104.08821) table 1, "Delete one word".
    """

    kind: Literal["delete-one"] = "delete-one"

    def __call__(self, texts: Sequence[str], rng: np.random.Generator) -> list[str]:
        """Each text without one of its words."""
        cut = [cut_words(text) for text in texts]
        words = rng.integers(0, np.asarray([max(1, text.count) for text in cut], dtype=np.int64)).tolist()
        return [text.without([word]) if text.count > 1 else text.text for text, word in zip(cut, words, strict=True)]
