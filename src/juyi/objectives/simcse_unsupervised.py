"""Unsupervised SimCSE: a sentence is its own positive, dropout makes the difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from torch import Tensor, nn

from juyi.encoder import Encoder
from juyi.errors import UsageError
from juyi.losses import info_nce, nt_xent
from juyi.objectives.objective import Batch, View, World


@dataclass(frozen=True)
class SimCSEUnsupervised:
    """Pull the two dropout views of a sentence together, push all other sentences of the batch away.

    Attributes:
        negatives: `cross-view`: each first view against all second views (princeton). `all-views`: each of the 2n views against
            all others (the Chinese experiments). The number changes, not only the speed.
        temperature: Divides the cosine.
        views: `dropout`: two passes with the encoder's dropout. `fixed-mask`: one pass, used twice (the authors' "fixed 0.1").
            `no-dropout`: one pass without dropout, used twice.

    Source:
        Gao et al., SimCSE (arXiv:2104.08821) eq. 4 and table 3; Su, kexue.fm 8348; for the fixed mask princeton-nlp/SimCSE
        issue 36.
    """

    kind: Literal["simcse-unsupervised"] = "simcse-unsupervised"
    negatives: Literal["cross-view", "all-views"] = "cross-view"
    temperature: float = 0.05
    views: Literal["dropout", "fixed-mask", "no-dropout"] = "dropout"

    columns: ClassVar[tuple[str, ...]] = ("text",)

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise UsageError(f"The temperature is {self.temperature}; it must be above 0, 0.05 is usual.")

    def start(self, encoder: Encoder) -> nn.Module:
        """No state."""
        return nn.Module()

    def inputs(self, batch: Batch, rng: np.random.Generator, encoder: Encoder) -> list[View]:
        """The same rows twice; once where both views are one and the same pass."""
        if self.views == "dropout":
            return [View(batch["text"]), View(batch["text"])]
        return [View(batch["text"], dropout=self.views == "fixed-mask")]

    def loss(self, encoded: Sequence[Tensor], views: Sequence[View], world: World, state: nn.Module) -> Tensor:
        """InfoNCE across the views, or NT-Xent over all of them."""
        first, second = encoded[0], encoded[-1]
        offset = world.rank * len(first)
        if self.negatives == "cross-view":
            return info_nce(first, world.gather(second), temperature=self.temperature, offset=offset)
        return nt_xent(
            first,
            second,
            temperature=self.temperature,
            all_first=world.gather(first),
            all_second=world.gather(second),
            offset=offset,
        )

    def after_step(self, encoded: Sequence[Tensor], world: World, state: nn.Module) -> None:
        """Nothing."""
