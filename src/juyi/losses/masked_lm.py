"""Masked language modelling: cross-entropy of the hidden tokens."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def masked_lm(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy over the masked positions, computed in float32.

    Args:
        logits: One row a masked position.
        labels: The token that stood there.

    Shapes:
        logits: (positions, vocabulary); labels: (positions,); result: scalar.

    Source:
        BERT (arXiv:1810.04805) section 3.1.
    """
    return F.cross_entropy(logits.float(), labels)
