"""CoSENT: scored pairs, of which only the order counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor, nn

from juyi.encoder import Encoder
from juyi.losses import cosent
from juyi.objectives.checks import check_temperature
from juyi.objectives.objective import Batch, ObjectiveDefaults, View, World


@dataclass(frozen=True)
class CoSENT(ObjectiveDefaults):
    """Give the pairs of a batch cosines in the order of their scores.

    Attributes:
        temperature: Divides the cosine; 0.05 is the published scale of 20.

    Source:
        Su, kexue.fm 8847; bojone/CoSENT.
    """

    kind: Literal["cosent"] = "cosent"
    temperature: float = 0.05

    columns: ClassVar[tuple[str, ...]] = ("first", "second", "score")
    in_batch_negatives: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_temperature(self.temperature)

    def inputs(self, batch: Batch, rng: np.random.Generator, encoder: Encoder) -> list[View]:
        """Both sides; the first remembers the scores."""
        scores = np.asarray(batch["score"], dtype=np.float64)
        return [View(batch["first"], labels=scores), View(batch["second"])]

    def loss(self, encoded: Sequence[Tensor], views: Sequence[View], world: World, state: nn.Module) -> Tensor:
        """The loss of the pairs of all processes together: it is no mean over rows, so every process computes the whole."""
        scores = torch.tensor(views[0].labels, device=encoded[0].device)
        first, second = (world.gather(rows) for rows in encoded)
        return cosent(first, second, world.gather(scores), temperature=self.temperature)
