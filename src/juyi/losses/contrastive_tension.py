"""Contrastive Tension: two encoders shall give one sentence a high dot product, and two sentences a low one."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def contrastive_tension(
    first: Tensor, second: Tensor, *, negatives: int = 7, all_second: Tensor | None = None, offset: int = 0
) -> Tensor:
    """Mean binary cross-entropy of "the same sentence?" on dot products, `negatives` different pairs to an equal one, in float32.

    Args:
        first: The sentences as one encoder gives them.
        second: The same sentences as the other one does.
        negatives: How many different pairs there are to one equal pair.
        all_second: The second encoder's vectors over all processes; this process's own when not given.
        offset: Where this process's rows begin among them.

    Shapes:
        first, second: (n, dim); all_second: (m, dim), m >= offset + n and at least 2; result: scalar.

    Source:
        Carlsson et al., Contrastive Tension (ICLR 2021) eq. 1. What differs: there each sentence's negatives are drawn at random,
        here the expectation over the batch is taken, and the mean over the pairs instead of their sum.
    """
    others = (second if all_second is None else all_second).float()
    dots = first.float() @ others.T
    own = torch.arange(offset, offset + len(dots), device=dots.device).unsqueeze(1)
    same = F.softplus(-dots.gather(1, own))  # -log sigmoid(z)
    different = F.softplus(dots).scatter(1, own, 0.0).sum(1) / (len(others) - 1)
    return ((same.squeeze(1) + negatives * different) / (1 + negatives)).mean()
