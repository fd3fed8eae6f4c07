"""Contrastive Tension: two encoders learn to recognise each other's sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from torch import Tensor, nn

from juyi.encoder import Encoder, twin
from juyi.errors import UsageError
from juyi.losses import contrastive_tension
from juyi.objectives.objective import Batch, ObjectiveDefaults, View, World


@dataclass(frozen=True)
class ContrastiveTension(ObjectiveDefaults):
    """Train the encoder and a copy that begins with the same weights: high dot products for one sentence, low ones for two.

    Attributes:
        negatives: How many pairs of different sentences weigh as much as there would be beside one equal pair.
        dropout: Whether the dropout of both encoders is on.

    Source:
        Carlsson et al., Contrastive Tension (ICLR 2021) section 3: 7 negatives; the second encoder is kept. What differs:
        `juyi.losses.contrastive_tension`.
    """

    kind: Literal["contrastive-tension"] = "contrastive-tension"
    negatives: int = 7
    dropout: bool = True

    columns: ClassVar[tuple[str, ...]] = ("text",)
    in_batch_negatives: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.negatives < 1:
            raise UsageError(f"negatives is {self.negatives}; there must be at least 1, 7 is usual.")

    def start(self, encoder: Encoder) -> nn.Module:
        """The other encoder."""
        return nn.ModuleDict({"twin": twin(encoder)})

    def inputs(self, batch: Batch, rng: np.random.Generator, encoder: Encoder) -> list[View]:
        """The rows for the copy, and for the encoder that is kept."""
        return [View(batch["text"], tower="twin", dropout=self.dropout), View(batch["text"], dropout=self.dropout)]

    def loss(self, encoded: Sequence[Tensor], views: Sequence[View], world: World, state: nn.Module) -> Tensor:
        """The copy's vectors against the encoder's vectors of all processes."""
        first, second = encoded
        offset = world.rank * len(first)
        return contrastive_tension(first, second, negatives=self.negatives, all_second=world.gather(second), offset=offset)
