"""The softmax loss of Sentence-BERT: which relation two sentences have."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

PairFeatures = Literal["both-and-difference", "difference"]


def pair_features(first: Tensor, second: Tensor, features: PairFeatures) -> Tensor:
    """u, v and |u − v| joined, or |u − v| alone, in float32.

    Shapes:
        first, second: (n, dim); result: (n, 3 · dim) or (n, dim).

    Source:
        Reimers & Gurevych, Sentence-BERT (arXiv:1908.10084) section 3 and table 6.
    """
    first, second = first.float(), second.float()
    difference = (first - second).abs()
    return difference if features == "difference" else torch.cat([first, second, difference], dim=-1)


def softmax_pair(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy of the pairs' labels, in float32.

    Shapes:
        logits: (n, classes); labels: (n,); result: scalar.

    Source:
        Sentence-BERT (arXiv:1908.10084) section 3, classification objective.
    """
    return F.cross_entropy(logits.float(), labels)
