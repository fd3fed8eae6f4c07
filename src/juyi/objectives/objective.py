"""The protocol that every objective follows: one file a paper, one training step for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from juyi.encoder import Encoder
from juyi.objectives.matryoshka import Matryoshka
from juyi.tokenization import TokenIds

SENTENCES = ("text", "anchor", "positive", "negative", "first", "second")
"""The columns that hold tokenized sentences."""

WORDS = {f"{column}_words": column for column in SENTENCES}
"""The columns that say for each token of a column of sentences the number of its word, and that column."""

Batch = Mapping[str, Sequence[Any]]
"""Column name to the rows of that column: tokenized sentences, or what is known about them, a target vector or a number."""


@dataclass(frozen=True)
class View:
    """Rows to encode, and how.

    Attributes:
        rows: Tokenized sentences.
        dropout: Whether the encoder's dropout is on.
        positions: Encode these token positions of each row (one vector a position, last layer) instead of the sentence.
        tower: The encoder that encodes them: a submodule of the objective's state by its name; empty for the one that is trained.
        gradient: Whether a gradient flows back into the encoder; without one the vectors are mere numbers.
        labels: What the loss compares with: the hidden tokens, target vectors, scores, classes.
        groups: One number a row; rows with equal numbers are no negatives of each other.
    """

    rows: Sequence[TokenIds]
    dropout: bool = True
    positions: Sequence[NDArray[np.intp]] | None = None
    tower: str = ""
    gradient: bool = True
    labels: NDArray[Any] | None = None
    groups: NDArray[np.int64] | None = None


class World(Protocol):
    """The processes of a run, as an objective sees them."""

    @property
    def rank(self) -> int:
        """This process's number."""
        ...

    @property
    def size(self) -> int:
        """How many processes there are."""
        ...

    def gather(self, rows: Tensor) -> Tensor:
        """The rows of all processes in rank order, with gradient."""
        ...


class Objective(Protocol):
    """What a training step minimises: a frozen dataclass whose fields are the recipe's [objective] table.

    Columns that hold sentences come tokenized: `text`; `anchor`, `positive` and `negative`; `first` and `second`. `raw` are the
    sentences of `text` as they were written. `text_words` and the like number the words of a column (`WORDS`). What else
    is known about a row: `score`, `label`, `group`, `target`.
    """

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of a batch that it reads."""
        ...

    @property
    def in_batch_negatives(self) -> bool:
        """Whether the rows of a batch are each other's negatives, so that equal rows do harm."""
        ...

    def start(self, encoder: Encoder) -> nn.Module:
        """The objective's own state: a queue, a classifier, a prediction head. Empty for most."""
        ...

    def inputs(self, batch: Batch, rng: np.random.Generator, encoder: Encoder) -> list[View]:
        """What to encode in this step."""
        ...

    def loss(self, encoded: Sequence[Tensor], views: Sequence[View], world: World, state: nn.Module) -> Tensor:
        """The scalar to minimise; its mean over the ranks is the loss of one process on the whole batch.

        The vectors may be narrower than those that the state was made for: their first numbers, where `matryoshka` is set.

        Shapes:
            encoded: one (rows, dim) tensor a view, in the order of `inputs`.
        """
        ...

    def after_step(self, encoded: Sequence[Tensor], world: World, state: nn.Module) -> None:
        """What happens after the optimiser's step: a queue is filled, a momentum copy follows."""
        ...


@dataclass(frozen=True, kw_only=True)
class ObjectiveDefaults:
    """What all objectives have, and most do: they remember nothing, and nothing happens after a step.

    Attributes:
        matryoshka: Minimise it for the first numbers of the vectors too; `at_all_widths` makes of it what is trained.
    """

    matryoshka: Matryoshka | None = field(default=None, repr=False)

    def start(self, encoder: Encoder) -> nn.Module:
        """No state."""
        return nn.Module()

    def after_step(self, encoded: Sequence[Tensor], world: World, state: nn.Module) -> None:
        """Nothing."""
