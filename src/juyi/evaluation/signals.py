"""What can be said of an encoder without a single label."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from juyi.metrics import alignment, anisotropy, effective_rank, singular_values, uniformity
from juyi.types import Embeddings, Encode

MOST_TEXTS = 2_000

DropoutViews = Callable[[Sequence[str]], tuple[Embeddings, Embeddings] | None]
"""From texts to two views of each, or None where there is no dropout."""


@dataclass(frozen=True)
class Signals:
    """Geometry of an encoder's vectors on some sentences.

    None of these says that an encoder is good. They say when one is ill: collapsed, lopsided, or deaf to its own dropout.

    Attributes:
        alignment: Mean squared distance of the two dropout views of a sentence, on unit vectors; lower is steadier. None where
            the encoder has no dropout.
        uniformity: log E exp(-2 d^2) over pairs of sentences; lower is more evenly spread.
        anisotropy: Mean cosine of two different sentences; 0 is even.
        effective_rank: How many directions carry the variance.
        largest_share: Share of the variance in the largest direction.
    """

    alignment: float | None
    uniformity: float
    anisotropy: float
    effective_rank: float
    largest_share: float
    sentences: int

    def as_dict(self) -> dict[str, Any]:
        """For a report."""
        return asdict(self)


def label_free_signals(encode: Encode, texts: Sequence[str], views: DropoutViews | None = None, *, seed: int = 0) -> Signals:
    """The signals on at most 2,000 of the texts, drawn by the seed.

    Args:
        encode: The encoder.
        texts: Distinct sentences.
        views: Gives two dropout views of texts, or None where there is no dropout; without it alignment is None.
        seed: Draws the texts.
    """
    if len(texts) > MOST_TEXTS:
        rng = np.random.default_rng(seed)
        texts = [texts[i] for i in rng.choice(len(texts), MOST_TEXTS, replace=False)]
    vectors = encode(texts)
    variances = singular_values(vectors) ** 2
    pair = None if views is None else views(texts)
    return Signals(
        alignment=None if pair is None else alignment(*pair),
        uniformity=uniformity(vectors),
        anisotropy=anisotropy(vectors),
        effective_rank=effective_rank(vectors),
        largest_share=float(variances[0] / variances.sum()),
        sentences=len(texts),
    )
