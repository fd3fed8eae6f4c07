"""Sentence-BERT's triplet objective."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from torch import Tensor, nn

from juyi.encoder import Encoder
from juyi.errors import UsageError
from juyi.losses import Distance, triplet
from juyi.objectives.objective import Batch, ObjectiveDefaults, View, World


@dataclass(frozen=True)
class Triplet(ObjectiveDefaults):
    """Keep an anchor closer to its positive than to its negative, by a margin; the batch gives no further negatives.

    Attributes:
        margin: How much closer, in units of the distance; 1 is usual for `euclidean`, 0.1 to 0.5 for `cosine`.
        distance: `euclidean`, or `cosine`: 1 − cos.

    Source:
        Reimers & Gurevych, Sentence-BERT (arXiv:1908.10084) section 3.
    """

    kind: Literal["triplet"] = "triplet"
    margin: float = 1.0
    distance: Distance = "euclidean"

    columns: ClassVar[tuple[str, ...]] = ("anchor", "positive", "negative")
    in_batch_negatives: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not 0 < self.margin < math.inf:
            raise UsageError(f"The margin is {self.margin}; it must be above 0, 1 is usual with the Euclidean distance.")

    def inputs(self, batch: Batch, rng: np.random.Generator, encoder: Encoder) -> list[View]:
        """One view a column."""
        return [View(batch[column]) for column in self.columns]

    def loss(self, encoded: Sequence[Tensor], views: Sequence[View], world: World, state: nn.Module) -> Tensor:
        """Mean of what is missing to the margin."""
        anchors, positives, negatives = encoded
        return triplet(anchors, positives, negatives, margin=self.margin, distance=self.distance)
