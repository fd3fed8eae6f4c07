"""Is the training well? Signals that need no label, and what they mean in words."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from juyi.objectives import View

_SAME = 1e-5
"""Two passes without dropout differ by rounding alone: far less than this share of the distance between sentences."""


def signals(encoded: Sequence[Tensor], views: Sequence[View]) -> dict[str, float]:
    """Alignment of the two views and uniformity of the first, on this step's vectors; empty where views are not sentences.

    Shapes:
        encoded: one (rows, dim) tensor a view.

    Source:
        Wang and Isola (arXiv:2005.10242); on L2-normalised vectors, as SimCSE eq. 2 and 3.
    """
    if views[0].positions is not None or len(encoded[0]) < 2:
        return {}
    units = [torch.nn.functional.normalize(rows.float(), dim=-1) for rows in encoded]
    found = {"uniformity": _uniformity(units[0])}
    if len(units) > 1 and len(units[0]) == len(units[1]):
        found["alignment"] = float((units[0] - units[1]).square().sum(1).mean())
    return found


def alarms(loss: float, found: dict[str, float]) -> list[str]:
    """What is wrong, in words; empty when nothing is."""
    words = []
    if not math.isfinite(loss):
        words.append(f"The loss is {loss}: lower the learning rate, or train in float32.")
    if found.get("alignment", math.inf) <= _SAME * abs(found.get("uniformity", 1.0)):
        words.append("The two views are identical: dropout is off, so the loss teaches nothing. Set the dropout rates.")
    if found.get("uniformity", -1.0) > -0.05:
        words.append("The vectors have collapsed to one point (uniformity above -0.05): lower the learning rate.")
    return words


def _uniformity(units: Tensor) -> float:
    distances = torch.pdist(units).square()
    return float(torch.logsumexp(-2.0 * distances, 0) - math.log(len(distances)))
