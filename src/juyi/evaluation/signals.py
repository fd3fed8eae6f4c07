"""What can be said of an encoder without a single label."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from juyi.metrics import alignment, anisotropy, effective_rank, singular_values, uniformity
from juyi.types import Embeddings


@dataclass(frozen=True)
class Signals:
    """What an encoder's vectors of some sentences look like.

    The geometry does not say that an encoder is good. It says when one is ill: collapsed, lopsided, or deaf to its own dropout.
    What each figure was worth where labels could be asked, `benchmarks/label_free_study.py` measures.

    Attributes:
        alignment: Mean squared distance of the two dropout views of a sentence, on unit vectors; lower is steadier. None where
            the encoder has no dropout.
        uniformity: log E exp(-2 d^2) over pairs of sentences; lower is more evenly spread.
        anisotropy: Mean cosine of two different sentences; 0 is even.
        effective_rank: How many directions carry the variance.
        largest_share: Share of the variance in the largest direction.
        sentences: How many the geometry is of.
        agreement: With another encoder about which sentences are alike, of pairs of its own, see `SentencePairs.agreement`; None
            where none was asked.
    """

    alignment: float | None
    uniformity: float
    anisotropy: float
    effective_rank: float
    largest_share: float
    sentences: int
    agreement: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """For a report."""
        return asdict(self)


def label_free_signals(embeddings: Embeddings, views: tuple[Embeddings, Embeddings] | None = None) -> Signals:
    """The signals of the embeddings of distinct sentences; some thousands suffice.

    Args:
        embeddings: As the encoder gives them.
        views: Two dropout views of the same sentences, in any order; None where there is no dropout.

    Shapes:
        embeddings: (n, dim); views: two (n, dim) arrays.
    """
    variances = singular_values(embeddings) ** 2
    return Signals(
        alignment=None if views is None else alignment(*views),
        uniformity=uniformity(embeddings),
        anisotropy=anisotropy(embeddings),
        effective_rank=effective_rank(embeddings),
        largest_share=float(variances[0] / variances.sum()),
        sentences=len(embeddings),
    )
