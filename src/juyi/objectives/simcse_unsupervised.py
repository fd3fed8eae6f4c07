"""Unsupervised SimCSE: a sentence is its own positive, dropout makes the difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field
from torch import Tensor, nn

from juyi.augmentation import AnyAugmentation, NoAugmentation
from juyi.encoder import Encoder
from juyi.errors import UsageError
from juyi.losses import info_nce, nt_xent
from juyi.objectives.checks import check_temperature
from juyi.objectives.objective import Batch, ObjectiveDefaults, View, World


@dataclass(frozen=True)
class SimCSEUnsupervised(ObjectiveDefaults):
    """Pull the two dropout views of a sentence together, push all other sentences of the batch away.

    Attributes:
        negatives: `cross-view`: each first view against all second views (princeton). `all-views`: each of the 2n views against
            all others (the Chinese experiments). The number changes, not only the speed.
        temperature: Divides the cosine.
        views: `dropout`: two passes with the encoder's dropout. `fixed-mask`: one pass, used twice (the authors' "fixed 0.1").
            `no-dropout`: one pass without dropout, used twice, or two where the second view is augmented.
        augmentation: Changes the second view, drawn anew at every step.

    Source:
        Gao et al., SimCSE (arXiv:2104.08821) eq. 4, tables 1 and 3; Su, kexue.fm 8348; for the fixed mask princeton-nlp/SimCSE
        issue 36.
    """

    kind: Literal["simcse-unsupervised"] = "simcse-unsupervised"
    negatives: Literal["cross-view", "all-views"] = "cross-view"
    temperature: float = 0.05
    views: Literal["dropout", "fixed-mask", "no-dropout"] = "dropout"
    augmentation: Annotated[AnyAugmentation, Field(discriminator="kind")] = field(default_factory=NoAugmentation)

    in_batch_negatives: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_temperature(self.temperature)
        if self.views == "fixed-mask" and self._augments:
            raise UsageError(
                "views is 'fixed-mask', one pass for both views, so the second cannot be augmented. Set one of them."
            )

    @property
    def columns(self) -> tuple[str, ...]:
        """The sentences, and where they are augmented as they were written too."""
        return ("text", "raw") if self._augments else ("text",)

    @property
    def _augments(self) -> bool:
        return not isinstance(self.augmentation, NoAugmentation)

    def inputs(self, batch: Batch, rng: np.random.Generator, encoder: Encoder) -> list[View]:
        """The rows twice, the second time augmented; once where both views are one and the same pass."""
        dropout, rows = self.views != "no-dropout", batch["text"]
        if self._augments:
            changed = encoder.tokenize(self.augmentation(batch["raw"], rng))
            return [View(rows, dropout=dropout), View(changed, dropout=dropout)]
        return [View(rows), View(rows)] if self.views == "dropout" else [View(rows, dropout=dropout)]

    def loss(self, encoded: Sequence[Tensor], views: Sequence[View], world: World, state: nn.Module) -> Tensor:
        """InfoNCE across the views, or NT-Xent over all of them."""
        first, second = encoded[0], encoded[-1]
        offset = world.rank * len(first)
        if self.negatives == "cross-view":
            return info_nce(first, world.gather(second), temperature=self.temperature, offset=offset)
        everyone = world.gather(first), world.gather(second)
        return nt_xent(first, second, temperature=self.temperature, everyone=everyone, offset=offset)
