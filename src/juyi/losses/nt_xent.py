"""NT-Xent over all views, self masked: the loss of the Chinese SimCSE experiments."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from juyi.losses.unit_rows import unit_rows


def nt_xent(
    first: Tensor,
    second: Tensor,
    *,
    temperature: float = 0.05,
    everyone: tuple[Tensor, Tensor] | None = None,
    offset: int = 0,
    hard_negatives: Tensor | None = None,
    hard_negative_log_weight: float = 0.0,
) -> Tensor:
    """Mean cross-entropy of finding each view's other view among all views but itself.

    The 2n rows of this process are anchors. A row's positive is the same sentence in the other view; every other row of both
    views and every hard negative is a negative; the row itself is masked out. Similarity is cosine, computed in float32.

    Args:
        first: One view of this process's sentences.
        second: The other view.
        temperature: Divides the cosine.
        everyone: Both views over all processes; this process's own when not given.
        offset: Where this process's rows begin among them.
        hard_negatives: One for each row of `everyone`, in the same order.
        hard_negative_log_weight: Added to the logit of a row's own hard negative after the division by the temperature.

    Shapes:
        first, second: (n, dim); everyone: twice (m, dim), m >= offset + n; hard_negatives: (m, dim); result: scalar.

    Source:
        Su, "SimCSE on Chinese tasks" (kexue.fm 8348), its only equation, a sum there and a mean over 2n rows in bojone/SimCSE
        `eval.py` and here; SimCLR (arXiv:2002.05709) eq. 1. With hard negatives, 3n − 1 candidates: vdogmcgee/SimCSE-Chinese.
    """
    all_first, all_second = (first, second) if everyone is None else everyone
    count, total = len(first), len(all_first)
    anchors = unit_rows(torch.cat([first, second]))
    candidates = unit_rows(torch.cat([all_first, all_second]))
    logits = anchors @ candidates.T / temperature
    rows = torch.arange(count, device=logits.device) + offset
    own, positives = torch.cat([rows, rows + total]).unsqueeze(1), torch.cat([rows + total, rows])
    logits = logits.masked_fill(torch.zeros_like(logits, dtype=torch.bool).scatter_(1, own, True), float("-inf"))
    if hard_negatives is not None:
        hard = anchors @ unit_rows(hard_negatives).T / temperature
        theirs = F.one_hot(torch.cat([rows, rows]), total).to(hard.dtype)
        logits = torch.cat([logits, hard + hard_negative_log_weight * theirs], dim=1)
    return F.cross_entropy(logits, positives)
