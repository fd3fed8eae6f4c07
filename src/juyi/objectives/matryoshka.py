"""Vectors whose first numbers are vectors too: an objective is minimised for several widths at once."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor, nn

from juyi.errors import UsageError


@dataclass(frozen=True)
class Matryoshka:
    """The widths at which vectors shall serve beside the whole one.

    Attributes:
        dims: How many numbers, from the first on; each below the encoder's width.
        weights: Of the loss at each of them; 1 where none are given. The whole width has the weight 1.

    Source:
        Kusupati et al., Matryoshka Representation Learning (arXiv:2205.13147) eq. 1. What differs: the mean of the losses is
        minimised, not their sum, so that clipping and learning rates stay what they are; and a classifier or a projection serves
        all widths by its first columns, as in their MRL-E.
    """

    dims: tuple[int, ...]
    weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not self.dims or min(self.dims) < 1 or len(set(self.dims)) < len(self.dims):
            raise UsageError(f"matryoshka.dims is {list(self.dims)}; give different numbers above 0, [256, 128, 64] for example.")
        if self.weights and (len(self.weights) != len(self.dims) or not all(0 < each < math.inf for each in self.weights)):
            raise UsageError(
                f"matryoshka.weights is {list(self.weights)}; give one number above 0 for each of the {len(self.dims)} dims, or "
                "leave it out."
            )

    def check(self, width: int) -> None:
        """Refuse widths that are no part of the encoder's.

        Raises:
            UsageError: One is not below it.
        """
        if max(self.dims) >= width:
            raise UsageError(
                f"matryoshka.dims has {max(self.dims)}, and the encoder's vectors have {width:,} numbers; the whole width always "
                "takes part, and those in dims must be below it."
            )


def widened(vectors: Tensor, width: int) -> Tensor:
    """Vectors that were cut, with zeros in place of what is missing.

    Shapes:
        vectors: (n, at most width); result: (n, width).
    """
    return nn.functional.pad(vectors, (0, width - vectors.shape[1]))
