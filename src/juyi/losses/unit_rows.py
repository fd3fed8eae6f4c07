"""Rows at length 1, as every loss on cosines begins."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def unit_rows(rows: Tensor) -> Tensor:
    """The rows divided by their length, in float32; a row of zeros stays one.

    Shapes:
        rows, result: (n, dim).
    """
    return F.normalize(rows.float(), dim=-1)
