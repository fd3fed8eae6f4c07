"""Delete a share of the words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from juyi.augmentation.drawing import check_rate, draw_positions, share_of
from juyi.augmentation.word_cutting import cut_words


@dataclass(frozen=True)
class DeleteWords:
    """Delete k % of the words, drawn without replacement.

    Of N words max(1, round(rate·N)), halves up, are deleted, but one word always stays: at rate 0.1 one of 2 to 14 words, two of
    15 to 24. Punctuation stays where it is.

    Attributes:
        rate: Share of the words to delete: k/100.

    Raises:
        UsageError: The rate is not within [0, 1).

    Source:
        Gao et al., SimCSE (arXiv:2104.08821) table 1, "Word deletion k%"; the rounding is ours, the paper has none.
    """

    kind: Literal["delete-words"] = "delete-words"
    rate: float = 0.1

    def __post_init__(self) -> None:
        check_rate(self.rate, of=self.kind)

    def __call__(self, texts: Sequence[str], rng: np.random.Generator) -> list[str]:
        """Each text without some of its words."""
        cut = [cut_words(text) for text in texts]
        counts = [max(0, min(share_of(self.rate, text.count), text.count - 1)) for text in cut]
        drawn = draw_positions([text.count for text in cut], counts, rng)
        return [text.without(words) for text, words in zip(cut, drawn, strict=True)]
