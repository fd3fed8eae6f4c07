"""Supervised SimCSE: pairs that mean the same, and hard negatives."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from torch import Tensor, nn

from juyi.encoder import Encoder
from juyi.errors import UsageError
from juyi.losses import info_nce, nt_xent
from juyi.objectives.checks import check_temperature
from juyi.objectives.objective import Batch, ObjectiveDefaults, View, World


@dataclass(frozen=True)
class SimCSESupervised(ObjectiveDefaults):
    """Pull an anchor and its positive together, push the batch's other positives and all its hard negatives away.

    Attributes:
        temperature: Divides the cosine.
        hard_negatives: Each pair comes with a hard negative: triplets instead of pairs.
        hard_negative_weight: Weight alpha of an anchor's own hard negative; its logarithm is added to the logit.
        anchors: `first`: anchors look for their positives (princeton). `both`: positives look for their anchors too, among all
            3n − 1 other sentences of the batch.

    Source:
        Gao et al., SimCSE (arXiv:2104.08821) eq. 5 and 8; princeton-nlp/SimCSE `models.py`; for `both` vdogmcgee/SimCSE-Chinese.
    """

    kind: Literal["simcse-supervised"] = "simcse-supervised"
    temperature: float = 0.05
    hard_negatives: bool = True
    hard_negative_weight: float = 1.0
    anchors: Literal["first", "both"] = "first"

    in_batch_negatives: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_temperature(self.temperature)
        if not 0 < self.hard_negative_weight < math.inf:
            raise UsageError(
                f"hard_negative_weight is {self.hard_negative_weight}; it must be above 0. 1 leaves them as they are."
            )

    @property
    def columns(self) -> tuple[str, ...]:
        """Pairs, or triplets."""
        return ("anchor", "positive", "negative") if self.hard_negatives else ("anchor", "positive")

    def inputs(self, batch: Batch, rng: np.random.Generator, encoder: Encoder) -> list[View]:
        """One view a column."""
        return [View(batch[column]) for column in self.columns]

    def loss(self, encoded: Sequence[Tensor], views: Sequence[View], world: World, state: nn.Module) -> Tensor:
        """InfoNCE from the anchors, or NT-Xent over anchors and positives."""
        anchors, positives = encoded[:2]
        common = {
            "temperature": self.temperature,
            "offset": world.rank * len(anchors),
            "hard_negative_log_weight": math.log(self.hard_negative_weight),
        }
        hard = world.gather(encoded[2]) if self.hard_negatives else None
        if self.anchors == "first":
            return info_nce(anchors, world.gather(positives), hard_negatives=hard, **common)  # type: ignore[arg-type]
        everyone = world.gather(anchors), world.gather(positives)
        return nt_xent(anchors, positives, everyone=everyone, hard_negatives=hard, **common)  # type: ignore[arg-type]
