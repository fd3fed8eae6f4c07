"""Crop: a stretch of the text instead of the text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from juyi.augmentation.drawing import check_rate, share_of
from juyi.augmentation.word_cutting import cut_words


@dataclass(frozen=True)
class Crop:
    """Keep a contiguous span of (100-k) % of the words, beginning anywhere.

    Of N words max(1, round(rate·N)), halves up, are cut off at the two ends together, but one word always stays; every place of
    the span is equally likely. Punctuation outside the span goes with it.

    Attributes:
        rate: Share of the words to cut off: k/100.

    Raises:
        UsageError: The rate is not within [0, 1).

    Source:
        Gao et al., SimCSE (arXiv:2104.08821) table 1, "Crop k%"; the rounding is ours, the paper has none.
    """

    kind: Literal["crop"] = "crop"
    rate: float = 0.1

    def __post_init__(self) -> None:
        check_rate(self.rate, of=self.kind)

    def __call__(self, texts: Sequence[str], rng: np.random.Generator) -> list[str]:
        """A part of each text that stands in it word for word."""
        cut = [cut_words(text) for text in texts]
        lost = [max(0, min(share_of(self.rate, text.count), text.count - 1)) for text in cut]
        starts = rng.integers(0, np.asarray(lost, dtype=np.int64) + 1).tolist()
        return [
            text.span(start, start + text.count - off) if off else text.text
            for text, off, start in zip(cut, lost, starts, strict=True)
        ]
