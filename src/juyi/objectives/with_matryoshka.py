"""An objective at several widths of the vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor, nn

from juyi.encoder import Encoder
from juyi.objectives.matryoshka import Matryoshka
from juyi.objectives.objective import Batch, Objective, View, World


@dataclass(frozen=True)
class WithMatryoshka:
    """The weighted mean of an objective's losses of the whole vectors and of their first numbers.

    The sentences are encoded once; only the loss is computed for each width.

    Attributes:
        objective: The objective proper.
        matryoshka: The widths.

    Source:
        See `Matryoshka`.
    """

    objective: Objective
    matryoshka: Matryoshka

    @property
    def columns(self) -> tuple[str, ...]:
        """As the objective."""
        return self.objective.columns

    @property
    def in_batch_negatives(self) -> bool:
        """As the objective."""
        return self.objective.in_batch_negatives

    def start(self, encoder: Encoder) -> nn.Module:
        """The objective's state, which serves all widths.

        Raises:
            UsageError: A width is not below the encoder's.
        """
        self.matryoshka.check(encoder.training_dim)
        return self.objective.start(encoder)

    def inputs(self, batch: Batch, rng: np.random.Generator, encoder: Encoder) -> list[View]:
        """As the objective."""
        return self.objective.inputs(batch, rng, encoder)

    def loss(self, encoded: Sequence[Tensor], views: Sequence[View], world: World, state: nn.Module) -> Tensor:
        """The weighted mean over the widths."""
        dims = self.matryoshka.dims
        weights = self.matryoshka.weights or (1.0,) * len(dims)
        total = self.objective.loss(encoded, views, world, state)
        for dim, weight in zip(dims, weights, strict=True):
            total = total + weight * self.objective.loss([rows[:, :dim] for rows in encoded], views, world, state)
        return total / (1 + sum(weights))

    def after_step(self, encoded: Sequence[Tensor], world: World, state: nn.Module) -> None:
        """That of the objective, with the whole vectors."""
        self.objective.after_step(encoded, world, state)


def at_all_widths(objective: Objective) -> Objective:
    """What is trained of an objective that names widths in its `matryoshka`; any other as it is."""
    widths = getattr(objective, "matryoshka", None)
    return objective if widths is None or isinstance(objective, WithMatryoshka) else WithMatryoshka(objective, widths)
