"""What can be said of an encoder without a single label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from juyi.encoder import Encoder
from juyi.metrics import alignment, anisotropy, effective_rank, singular_values, uniformity

MOST_SENTENCES = 2_000


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


def measure(encoder: Encoder, texts: Sequence[str], *, seed: int = 0) -> Signals:
    """Measure the signals on at most 2,000 of the sentences, drawn by the seed."""
    if len(texts) > MOST_SENTENCES:
        rng = np.random.default_rng(seed)
        texts = [texts[i] for i in rng.choice(len(texts), MOST_SENTENCES, replace=False)]
    vectors = encoder.encode(texts)
    variances = singular_values(vectors) ** 2
    return Signals(
        alignment=_dropout_alignment(encoder, texts, seed),
        uniformity=uniformity(vectors),
        anisotropy=anisotropy(vectors),
        effective_rank=effective_rank(vectors),
        largest_share=float(variances[0] / variances.sum()),
        sentences=len(texts),
    )


@torch.no_grad()
def _dropout_alignment(encoder: Encoder, texts: Sequence[str], seed: int) -> float | None:
    """Distance of two views of each sentence; None where the encoder has no dropout."""
    if max(encoder.dropout) == 0:
        return None
    rows = encoder.tokenizer.tokenize(texts, encoder.max_length)
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    views: list[list[torch.Tensor]] = [[], []]
    was_training = encoder.training
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        encoder.train()
        for start in range(0, len(order), 64):
            ids, mask = encoder.tensors([rows[i] for i in order[start : start + 64]])
            for view in views:
                view.append(encoder(ids, mask).float().cpu())
    encoder.train(was_training)
    return alignment(torch.cat(views[0]).numpy(), torch.cat(views[1]).numpy())
