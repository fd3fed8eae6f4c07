"""Distillation: the encoder learns to give the vectors that a teacher gave."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, cast

import numpy as np
import torch
from torch import Tensor, nn

from juyi.encoder import Encoder
from juyi.errors import TrainingError, UsageError
from juyi.losses import distillation, neighbours
from juyi.objectives.checks import check_temperature
from juyi.objectives.matryoshka import widened
from juyi.objectives.objective import Batch, ObjectiveDefaults, View, World


@dataclass(frozen=True)
class Distillation(ObjectiveDefaults):
    """Pull each sentence's vector to the teacher's, and the angles between sentences to those between the teacher's vectors.

    The target of a sentence may be the teacher's vector of its translation: a teacher of one language then teaches another.

    Attributes:
        temperature: Divides the cosines in the terms softmax and neighbours.
        cosine_weight: Weight of the distance between a vector and its target.
        softmax_weight: Weight of finding the own target among those of the batch.
        structure_weight: Weight of the squared difference of the cosines between sentences, a small number by nature.
        neighbours_weight: Weight of finding the targets of the batch as near as the teacher holds them. In place of the softmax
            term where the rows of a batch are near each other.
        dropout: Whether the encoder's dropout is on. The target is fixed, so dropout only blurs what a small encoder learns.
        teacher_dim: Width of the targets; 0 for the encoder's own. Where the two differ, a matrix that is trained beside the
            encoder and thrown away afterwards lies between them.

    Source:
        Reimers & Gurevych (arXiv:2004.09813); Park et al., RKD (arXiv:1904.05068). What differs: `juyi.losses.distillation`.
    """

    kind: Literal["distillation"] = "distillation"
    temperature: float = 0.05
    cosine_weight: float = 1.0
    softmax_weight: float = 1.0
    structure_weight: float = 10.0
    neighbours_weight: float = 0.0
    dropout: bool = False
    teacher_dim: int = 0

    columns: ClassVar[tuple[str, ...]] = ("text", "target")
    in_batch_negatives: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_temperature(self.temperature)
        weights = (self.cosine_weight, self.softmax_weight, self.structure_weight, self.neighbours_weight)
        if not all(0 <= weight < math.inf for weight in weights) or not any(weights):
            raise UsageError(
                f"The weights of cosine, softmax, structure and neighbours are {weights}; none may be below 0 and one must be "
                "above. Leave them out for 1, 1, 10 and 0."
            )
        if self.teacher_dim < 0:
            raise UsageError(
                f"teacher_dim is {self.teacher_dim}; give the width of the target vectors, or 0 where it is the encoder's own."
            )

    def start(self, encoder: Encoder) -> nn.Module:
        """The matrix from the encoder's width to the teacher's; none where they are equal, unless the vectors are to be cut.

        The first numbers of a teacher's vectors need not tell anything, so those of the student's are compared with all of them,
        through the first columns of a matrix.
        """
        if self.teacher_dim in (0, encoder.training_dim):
            if self.matryoshka is None:
                return _Same(encoder.training_dim)
            same = nn.Linear(encoder.training_dim, encoder.training_dim, bias=False)
            nn.init.eye_(same.weight)  # the whole vectors begin as without it
            return same
        projection = nn.Linear(encoder.training_dim, self.teacher_dim, bias=False)
        nn.init.orthogonal_(projection.weight)  # keeps angles as they are, as far as the narrower width allows
        return projection

    def inputs(self, batch: Batch, rng: np.random.Generator, encoder: Encoder) -> list[View]:
        """One view, which remembers the targets.

        Raises:
            TrainingError: The targets are not vectors of one width.
        """
        try:
            targets = np.asarray(batch["target"], dtype=np.float32)
        except (TypeError, ValueError) as error:
            raise TrainingError(
                f"The targets of this step are not vectors of one width ({error}). Give each text one vector of the same teacher."
            ) from error
        return [View(batch["text"], dropout=self.dropout, labels=targets)]

    def loss(self, encoded: Sequence[Tensor], views: Sequence[View], world: World, state: nn.Module) -> Tensor:
        """The terms of `juyi.losses.distillation` and `neighbours`, against the targets of all processes.

        Raises:
            TrainingError: The targets are not as wide as expected.
        """
        vectors = widened(encoded[0], cast(Any, state).in_features)
        vectors = cast(Tensor, state(vectors)) if isinstance(state, nn.Linear) else vectors
        targets = torch.tensor(cast(Any, views[0].labels), device=vectors.device)  # a copy: theirs may be read-only
        if targets.shape != vectors.shape:
            raise TrainingError(
                f"The targets of this step have the shape {tuple(targets.shape)}, expected is {tuple(vectors.shape)}: one vector "
                "of that width for each text. Set objective.teacher_dim to the width of the teacher's vectors."
            )
        candidates = world.gather(targets)
        total = distillation(
            vectors,
            targets,
            everyone=(world.gather(vectors), candidates),
            offset=world.rank * len(vectors),
            temperature=self.temperature,
            cosine_weight=self.cosine_weight,
            softmax_weight=self.softmax_weight,
            structure_weight=self.structure_weight,
        )
        if not self.neighbours_weight:
            return total
        return total + self.neighbours_weight * neighbours(vectors, targets, candidates, temperature=self.temperature)


class _Same(nn.Module):
    """In place of a matrix: vectors of a width stay what they are."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.in_features = width
