"""Word repetition: the view of ESimCSE that has another length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from juyi.augmentation.drawing import check_rate, draw_positions
from juyi.augmentation.word_cutting import cut_words


@dataclass(frozen=True)
class RepeatWords:
    """Say some words twice: the meaning stays, the length does not, so length no longer tells positives from negatives.

    Of N words a number drawn evenly from 0, 1, …, max(2, int(rate·N)), but no more than N, is repeated; which ones is drawn
    without replacement, and each stands twice in a row.

    Attributes:
        rate: Most of the words that are repeated, as a share; 0.32 for BERT-base in the paper.

    Raises:
        UsageError: The rate is not within [0, 1].

    Source:
        Wu et al., ESimCSE (arXiv:2109.04380) section 3.1. The released code (caskcsg/sentemb) differs: on sub-words it draws
        below min(10, int(rate·L)) with [CLS] and [SEP] counted, once for all epochs, after truncation, so that rows get longer
        than the limit. Here words are repeated before tokenization: truncation comes after, and no special token can be drawn.
    """

    kind: Literal["repeat-words"] = "repeat-words"
    rate: float = 0.32

    def __post_init__(self) -> None:
        check_rate(self.rate, of=self.kind, top=True)

    def __call__(self, texts: Sequence[str], rng: np.random.Generator) -> list[str]:
        """Each text with some of its words said twice."""
        cut = [cut_words(text) for text in texts]
        most = [min(text.count, max(2, int(self.rate * text.count))) for text in cut]
        counts = rng.integers(0, np.asarray(most, dtype=np.int64) + 1).tolist()
        drawn = draw_positions([text.count for text in cut], counts, rng)
        return [text.repeating(words) for text, words in zip(cut, drawn, strict=True)]
