"""Sentence-BERT's classification objective: labelled pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, cast

import numpy as np
import torch
from torch import Tensor, nn

from juyi.encoder import Encoder
from juyi.errors import TrainingError, UsageError
from juyi.losses import PairFeatures, pair_features, softmax_pair
from juyi.objectives.matryoshka import widened
from juyi.objectives.objective import Batch, ObjectiveDefaults, View, World


@dataclass(frozen=True)
class SBERT(ObjectiveDefaults):
    """Tell from two vectors and their difference how two sentences are related; the classifier is thrown away afterwards.

    Attributes:
        classes: How many labels there are.
        features: What the classifier sees: `both-and-difference` (u, v, |u − v|) or `difference` (|u − v| alone).

    Source:
        Reimers & Gurevych, Sentence-BERT (arXiv:1908.10084) section 3 and table 6.
    """

    kind: Literal["sbert"] = "sbert"
    classes: int = 3
    features: PairFeatures = "both-and-difference"

    columns: ClassVar[tuple[str, ...]] = ("first", "second", "label")
    in_batch_negatives: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.classes < 2:
            raise UsageError(f"classes is {self.classes}; a classifier tells at least 2 labels apart.")

    @property
    def _parts(self) -> int:
        return 3 if self.features == "both-and-difference" else 1

    def _width(self, classifier: nn.Module) -> int:
        return cast(nn.Linear, classifier).in_features // self._parts

    def start(self, encoder: Encoder) -> nn.Module:
        """The classifier."""
        return nn.Linear(self._parts * encoder.training_dim, self.classes)

    def inputs(self, batch: Batch, rng: np.random.Generator, encoder: Encoder) -> list[View]:
        """Both sides; the first remembers the labels.

        Raises:
            TrainingError: A label is no number of a class.
        """
        labels = np.asarray(batch["label"])
        if not np.issubdtype(labels.dtype, np.integer) or labels.min() < 0 or labels.max() >= self.classes:
            raise TrainingError(
                f"The labels of this step are {sorted(set(labels.tolist()))}; with objective.classes = {self.classes} they must "
                f"be whole numbers from 0 to {self.classes - 1}. Set objective.classes to the number of labels."
            )
        return [View(batch["first"], labels=labels), View(batch["second"])]

    def loss(self, encoded: Sequence[Tensor], views: Sequence[View], world: World, state: nn.Module) -> Tensor:
        """Mean cross-entropy of the labels."""
        first, second = (widened(rows, self._width(state)) for rows in encoded)
        logits = state(pair_features(first, second, self.features))
        return softmax_pair(logits, torch.tensor(views[0].labels, device=logits.device))
