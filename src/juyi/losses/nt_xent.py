"""NT-Xent over all views, self masked: the loss of the Chinese SimCSE experiments."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def nt_xent(
    first: Tensor,
    second: Tensor,
    *,
    temperature: float = 0.05,
    all_first: Tensor | None = None,
    all_second: Tensor | None = None,
    offset: int = 0,
) -> Tensor:
    """Mean cross-entropy of finding each view's other view among all views but itself.

    The 2n rows of this process are anchors. A row's positive is the same sentence in the other view; every other row of both
    views is a negative; the row itself is masked out. Similarity is cosine, computed in float32.

    Args:
        first: One view of this process's sentences.
        second: The other view.
        temperature: Divides the cosine.
        all_first: The first view over all processes; this process's own when not given.
        all_second: The second view over all processes.
        offset: Where this process's rows begin in `all_first` and `all_second`.

    Shapes:
        first, second: (n, dim); all_first, all_second: (m, dim), m >= offset + n; result: scalar.

    Source:
        Su, "SimCSE on Chinese tasks" (kexue.fm 8348), its only equation, a sum there and a mean over 2n rows in
        bojone/SimCSE `eval.py` and here; SimCLR (arXiv:2002.05709) eq. 1.
    """
    all_first = first if all_first is None else all_first
    all_second = second if all_second is None else all_second
    count, total = len(first), len(all_first)
    anchors = F.normalize(torch.cat([first, second]).float(), dim=-1)
    candidates = F.normalize(torch.cat([all_first, all_second]).float(), dim=-1)
    logits = anchors @ candidates.T / temperature
    rows = torch.arange(count, device=logits.device)
    own = torch.cat([rows + offset, rows + offset + total])
    positives = torch.cat([rows + offset + total, rows + offset])
    itself = torch.zeros_like(logits, dtype=torch.bool).scatter_(1, own.unsqueeze(1), True)
    return F.cross_entropy(logits.masked_fill(itself, float("-inf")), positives)
