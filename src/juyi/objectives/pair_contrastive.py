"""Contrastive learning from pairs: two texts that mean the same find each other in the batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, cast

import numpy as np
import torch
from torch import Tensor, nn

from juyi.encoder import Encoder
from juyi.errors import TrainingError
from juyi.losses import info_nce
from juyi.objectives.checks import check_temperature
from juyi.objectives.objective import Batch, ObjectiveDefaults, View, World


@dataclass(frozen=True)
class PairContrastive(ObjectiveDefaults):
    """Pull an anchor and its positive together, push the positives of the other groups in the batch away.

    Rows with the same group number come from one document or one group of paraphrases. They are never each other's negatives,
    or what belongs together would be pushed apart.

    Attributes:
        temperature: Divides the cosine.
        symmetric: Also let positives look for their anchors; the loss is the mean of both directions.
        dropout: Whether the encoder's dropout is on.

    Source:
        Henderson et al. (arXiv:1705.00652) section 4.4 for negatives from the batch; Radford et al., CLIP (arXiv:2103.00020)
        figure 3 for both directions.
    """

    kind: Literal["pair-contrastive"] = "pair-contrastive"
    temperature: float = 0.05
    symmetric: bool = True
    dropout: bool = True

    columns: ClassVar[tuple[str, ...]] = ("anchor", "positive", "group")
    in_batch_negatives: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_temperature(self.temperature)

    def inputs(self, batch: Batch, rng: np.random.Generator, encoder: Encoder) -> list[View]:
        """The anchors and the positives, both with their groups.

        Raises:
            TrainingError: A group is no whole number.
        """
        given = np.asarray(batch["group"])
        if not np.issubdtype(given.dtype, np.integer):  # 0.2 and 0.7 would become one group
            shown = ", ".join(map(str, given[:3].tolist()))
            raise TrainingError(f"The groups of this step are {shown}, …; whole numbers are needed, one for each group of texts.")
        groups = given.astype(np.int64)
        return [View(batch[side], dropout=self.dropout, groups=groups) for side in ("anchor", "positive")]

    def loss(self, encoded: Sequence[Tensor], views: Sequence[View], world: World, state: nn.Module) -> Tensor:
        """InfoNCE from the anchors to the positives of all processes, and back."""
        anchors, positives = encoded
        offset = world.rank * len(anchors)
        groups = torch.tensor(cast(Any, views[0].groups), device=anchors.device)  # whole numbers: a float would merge large ones
        ignore = groups.unsqueeze(1) == world.gather(groups)
        forth = info_nce(anchors, world.gather(positives), temperature=self.temperature, offset=offset, ignore=ignore)
        if not self.symmetric:
            return forth
        back = info_nce(positives, world.gather(anchors), temperature=self.temperature, offset=offset, ignore=ignore)
        return (forth + back) / 2
