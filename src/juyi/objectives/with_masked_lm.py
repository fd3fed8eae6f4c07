"""Masked language modelling beside another objective, so that the encoder does not forget its words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor, nn

from juyi.encoder import Encoder
from juyi.objectives.masked_lm import MaskedLM
from juyi.objectives.objective import SENTENCES, WORDS, Batch, Objective, View, World
from juyi.objectives.with_matryoshka import at_all_widths


@dataclass(frozen=True)
class WithMaskedLM:
    """The loss of an objective, and a weight times that of masked language modelling on the same sentences.

    Attributes:
        objective: The objective proper.
        masked_lm: How tokens are hidden.
        weight: Of the second loss.

    Source:
        Gao et al., SimCSE (arXiv:2104.08821) section 7 and table D.2: weight 0.1. What differs: where the two views are one
        sentence, princeton's code masks it twice, here it is masked once.
    """

    objective: Objective
    masked_lm: MaskedLM
    weight: float

    @property
    def _main(self) -> Objective:
        return at_all_widths(self.objective)

    @property
    def columns(self) -> tuple[str, ...]:
        """Those of the objective, and where words are hidden whole the numbers of the words of all its sentences."""
        words = WORDS if self.masked_lm.whole_words else {}
        return (*self.objective.columns, *(name for name, sentences in words.items() if sentences in self.objective.columns))

    @property
    def in_batch_negatives(self) -> bool:
        """As the objective."""
        return self.objective.in_batch_negatives

    def start(self, encoder: Encoder) -> nn.Module:
        """Both states."""
        return nn.ModuleDict({"objective": self._main.start(encoder), "masked_lm": self.masked_lm.start(encoder)})

    def inputs(self, batch: Batch, rng: np.random.Generator, encoder: Encoder) -> list[View]:
        """The views of the objective, and the sentences of all columns with hidden tokens."""
        main = self.objective.inputs(batch, rng, encoder)
        views = [replace(view, tower=f"objective.{view.tower}") if view.tower else view for view in main]
        hidden = {"text": [row for column in SENTENCES if column in batch for row in batch[column]]}
        if self.masked_lm.whole_words:
            hidden["text_words"] = [row for name, column in WORDS.items() if column in batch for row in batch[name]]
        return [*views, *self.masked_lm.inputs(hidden, rng, encoder)]

    def loss(self, encoded: Sequence[Tensor], views: Sequence[View], world: World, state: nn.Module) -> Tensor:
        """The weighted sum."""
        main = self._main.loss(encoded[:-1], views[:-1], world, state.get_submodule("objective"))
        return main + self.weight * self.masked_lm.loss(encoded[-1:], views[-1:], world, state.get_submodule("masked_lm"))

    def after_step(self, encoded: Sequence[Tensor], world: World, state: nn.Module) -> None:
        """That of the objective."""
        self.objective.after_step(encoded[:-1], world, state.get_submodule("objective"))
