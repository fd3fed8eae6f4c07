"""CoSENT: cosines in the order of the scores."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def cosent(first: Tensor, second: Tensor, scores: Tensor, *, temperature: float = 0.05) -> Tensor:
    """log(1 + the sum over all pairs i, j with score i above score j of exp((cos j - cos i) / temperature)), in float32.

    Only the order of the scores counts. Where all scores are equal there is nothing to order: the loss is 0.

    Args:
        first: One side of each pair.
        second: The other side.
        scores: How alike the two sides are, higher is closer.
        temperature: Divides the cosine; 0.05 is "scale 20" elsewhere.

    Shapes:
        first, second: (n, dim); scores: (n,); result: scalar.

    Source:
        Su, kexue.fm 8847, its last equation; bojone/CoSENT.
    """
    cosines = F.cosine_similarity(first.float(), second.float(), dim=-1) / temperature
    gaps = cosines.unsqueeze(0) - cosines.unsqueeze(1)  # row i, column j: cos j - cos i
    ordered = scores.unsqueeze(1) > scores.unsqueeze(0)
    return torch.logsumexp(torch.cat([gaps.new_zeros(1), gaps[ordered]]), 0)
