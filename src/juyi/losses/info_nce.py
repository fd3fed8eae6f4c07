"""InfoNCE over the cross-view similarities: the loss of princeton's SimCSE."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from juyi.losses.unit_rows import unit_rows


def info_nce(
    anchors: Tensor,
    candidates: Tensor,
    *,
    temperature: float = 0.05,
    offset: int = 0,
    hard_negatives: Tensor | None = None,
    hard_negative_log_weight: float = 0.0,
    extra_negatives: Tensor | None = None,
    ignore: Tensor | None = None,
) -> Tensor:
    """Mean cross-entropy of finding each anchor's positive among all candidates.

    Row `i` has its positive at candidate `offset + i`; every other candidate that is not to be ignored, every hard negative and
    every extra negative is a negative. Similarity is cosine, computed in float32.

    Args:
        anchors: The rows that look for their positive.
        candidates: All positives, those of other processes included.
        temperature: Divides the cosine; 0.05 is "scale 20" elsewhere.
        offset: Where this process's positives begin among the candidates.
        hard_negatives: One for each candidate row, in the same order.
        hard_negative_log_weight: Added to the logit of an anchor's own hard negative after the division by the temperature
            (log of alpha).
        extra_negatives: Rows that are negatives for everyone: a queue. They carry no positive.
        ignore: True where a candidate means the same as the row and so is no negative for it; what it says of a row's own
            positive does not count.

    Shapes:
        anchors: (n, dim); candidates, hard_negatives: (m, dim), m >= offset + n; extra_negatives: (q, dim); ignore: (n, m),
        boolean; result: scalar.

    Source:
        SimCSE (arXiv:2104.08821) eq. 1, 4, 5 and 8; princeton-nlp/SimCSE `models.py` adds the weight to the logit.
    """
    anchors = unit_rows(anchors)
    targets = torch.arange(offset, offset + len(anchors), device=anchors.device)
    logits = [_cosines(anchors, candidates) / temperature]
    if ignore is not None:
        positives = F.one_hot(targets, len(candidates)).bool()
        logits[0] = logits[0].masked_fill(ignore & ~positives, float("-inf"))
    if hard_negatives is not None:
        own = F.one_hot(targets, len(hard_negatives)).to(anchors.dtype)
        logits.append(_cosines(anchors, hard_negatives) / temperature + hard_negative_log_weight * own)
    if extra_negatives is not None and len(extra_negatives) > 0:
        logits.append(_cosines(anchors, extra_negatives) / temperature)
    return F.cross_entropy(torch.cat(logits, dim=1), targets)


def _cosines(anchors: Tensor, others: Tensor) -> Tensor:
    return anchors @ unit_rows(others).T
