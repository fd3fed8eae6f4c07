"""The triplet loss: an anchor is closer to its positive than to its negative, by a margin."""

from __future__ import annotations

from typing import Literal

from torch import Tensor
from torch.nn import functional as F

Distance = Literal["euclidean", "cosine"]


def triplet(anchors: Tensor, positives: Tensor, negatives: Tensor, *, margin: float, distance: Distance) -> Tensor:
    """Mean of max(0, d(a, p) − d(a, n) + margin), in float32.

    Args:
        anchors: The sentences in question.
        positives: What means the same.
        negatives: What does not.
        margin: How much farther the negative shall be, in units of the distance.
        distance: `euclidean`, or `cosine`: 1 − cos.

    Shapes:
        anchors, positives, negatives: (n, dim); result: scalar.

    Source:
        Sentence-BERT (arXiv:1908.10084) section 3, triplet objective: Euclidean, margin 1.
    """
    near, far = _distance(anchors, positives, distance), _distance(anchors, negatives, distance)
    return F.relu(near - far + margin).mean()


def _distance(rows: Tensor, others: Tensor, kind: Distance) -> Tensor:
    rows, others = rows.float(), others.float()
    if kind == "cosine":
        return 1.0 - F.cosine_similarity(rows, others, dim=-1)
    return F.pairwise_distance(rows, others, eps=0.0)
