"""A linear map of vectors, learned from labels: much of what training the encoder brings, in seconds."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from juyi.embeddings import unit_rows_or_zero
from juyi.errors import UsageError
from juyi.losses import cosent, info_nce
from juyi.types import Embeddings

TEMPERATURE = 0.05
_WIDTH = 384


@dataclass(frozen=True)
class LinearSettings:
    """How a linear map is learned.

    Attributes:
        rate: Adam's on vectors 384 wide, in inverse proportion to the width of others (Yang et al. 2022); it falls linearly to
            0.
        passes: Over the rows.
        fewest_steps: However few rows there are.
        most_steps: However many.
        batch_size: Rows that see each other.
        most_rows: No more are learned from; a text costs as much as encoding it.
    """

    rate: float = 3e-4
    passes: float = 20.0
    fewest_steps: int = 100
    most_steps: int = 600
    batch_size: int = 128
    most_rows: int = 10_000

    def __post_init__(self) -> None:
        for name in ("rate", "passes"):
            if not 0 < getattr(self, name) < math.inf:
                raise UsageError(f"linear.{name} is {getattr(self, name)}; it must be above 0.")
        for name in ("fewest_steps", "most_steps", "batch_size", "most_rows"):
            if getattr(self, name) < 2:
                raise UsageError(f"linear.{name} is {getattr(self, name)}; it must be at least 2.")
        if self.fewest_steps > self.most_steps:
            raise UsageError(
                f"linear.fewest_steps is {self.fewest_steps}, linear.most_steps {self.most_steps}; it must be no more."
            )

    def steps(self, rows: int) -> int:
        """How many steps so many rows are learned in."""
        return int(np.clip(self.passes * rows / self.batch_size, self.fewest_steps, self.most_steps))


def fit_linear_on_pairs(
    anchors: Embeddings,
    positives: Embeddings,
    groups: NDArray[np.intp],
    settings: LinearSettings = LinearSettings(),
    *,
    seed: int = 0,
) -> NDArray[np.float32]:
    """Learn from pairs of one meaning: each finds the other among those of the other groups in its batch.

    The result is what a vector is multiplied by from the right; it begins as the identity.

    Args:
        anchors: The vectors of one side.
        positives: Those of the other.
        groups: What each pair means; pairs of one group are no negatives of each other.
        settings: How.
        seed: Draws the batches.

    Shapes:
        anchors, positives: (n, dim); groups: (n,); result: (dim, dim).

    Raises:
        UsageError: The sides or the groups are not equally long, fewer than two, or not finite.

    Source:
        The loss of `juyi.objectives.PairContrastive`. One Dense on a frozen encoder is an experiment of Su (kexue.fm 8348),
        without labels and from a random matrix; here it learns from labels, from the identity.
    """
    meaning = torch.from_numpy(np.asarray(groups))

    def loss(first: Tensor, second: Tensor, rows: Tensor) -> Tensor:
        same = meaning[rows].unsqueeze(1) == meaning[rows]  # (batch, batch)
        forth = info_nce(first, second, temperature=TEMPERATURE, ignore=same)
        return (forth + info_nce(second, first, temperature=TEMPERATURE, ignore=same)) / 2

    return _fit(anchors, positives, groups, loss, settings, seed)


def fit_linear_on_scores(
    first: Embeddings,
    second: Embeddings,
    scores: NDArray[np.float64],
    settings: LinearSettings = LinearSettings(),
    *,
    seed: int = 0,
) -> NDArray[np.float32]:
    """Learn from scored pairs: CoSENT, for which only the order of the scores counts; see `fit_linear_on_pairs`.

    Shapes:
        first, second: (n, dim); scores: (n,); result: (dim, dim).

    Raises:
        UsageError: The sides or the scores are not equally long, fewer than two, or not finite.
    """
    given = torch.from_numpy(np.asarray(scores, dtype=np.float64))

    def loss(one: Tensor, other: Tensor, rows: Tensor) -> Tensor:
        return cosent(one, other, given[rows], temperature=TEMPERATURE)

    return _fit(first, second, scores, loss, settings, seed)


def _fit(
    first: Embeddings,
    second: Embeddings,
    labels: ArrayLike,
    loss: Callable[[Tensor, Tensor, Tensor], Tensor],
    settings: LinearSettings,
    seed: int,
) -> NDArray[np.float32]:
    """Minimise a loss of both mapped sides of a batch and the numbers of its rows."""
    shapes = [np.shape(each) for each in (first, second, labels)]
    if shapes[0] != shapes[1] or shapes[2] != shapes[0][:1] or len(first) < 2:
        raise UsageError(
            f"A linear map needs two sides of at least two rows and a label for each; these are of {', '.join(map(str, shapes))}."
        )
    if not all(np.isfinite(each).all() for each in (first, second, labels)):
        raise UsageError("A linear map was given vectors or labels with NaN or infinite values; nothing was learned.")
    one, other = (torch.from_numpy(unit_rows_or_zero(side).astype(np.float32)) for side in (first, second))
    matrix = nn.Parameter(torch.eye(first.shape[1]))
    rate, steps = settings.rate * _WIDTH / first.shape[1], settings.steps(len(first))
    optimiser = torch.optim.Adam([matrix], lr=rate)
    rng, order = np.random.default_rng(seed), np.zeros(0, dtype=np.intp)
    size = min(settings.batch_size, len(first))
    for step in range(steps):
        if len(order) < size:
            order = rng.permutation(len(first))
        rows, order = torch.from_numpy(order[:size]), order[size:]
        optimiser.param_groups[0]["lr"] = rate * (1 - step / steps)
        optimiser.zero_grad()
        loss(one[rows] @ matrix, other[rows] @ matrix, rows).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    learned: NDArray[np.float32] = matrix.detach().numpy()
    return learned
