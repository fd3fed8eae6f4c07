"""What an evaluation measures."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from juyi.metrics import Bootstrap, Statistic, Units
from juyi.prompts import PromptChoice, SidedTexts
from juyi.tasks.bootstrapped_score import BootstrappedScore, bootstrapped
from juyi.tasks.similarity import EncodeOrSimilarity
from juyi.types import Score


@dataclass(frozen=True, eq=False)
class Task(ABC):
    """Texts with what is known about them, and the figures that follow from encoding them.

    Whatever encodes can be evaluated: a model in training, an exported one, a whitened one, a server. A task of one's own is a
    frozen dataclass with `texts` and `measure`.

    Attributes:
        name: What the task is called in tables.
        split: Which part of the data it is.
        labels: Passed on to every score: `translated`, `transductive`, `dev-selected`.
        bootstrap: How the intervals are drawn.
        prompts: The prompts that the task asks for; the evaluation gives it an encoder with them.
    """

    name: str
    split: str
    labels: tuple[str, ...] = field(default=(), kw_only=True)
    bootstrap: Bootstrap = field(default=Bootstrap(), kw_only=True, repr=False)
    prompts: PromptChoice = field(default=PromptChoice(), kw_only=True, repr=False)

    def __str__(self) -> str:
        return f"{self.name} {self.split}"

    @abstractmethod
    def texts(self) -> Sequence[str]:
        """Every text that the task will ask for; some may occur twice."""

    def sides(self) -> SidedTexts:
        """The texts by what is done with them; alike where a task does not search. Each may occur twice."""
        return SidedTexts(alike=self.texts())

    @abstractmethod
    def measure(self, encoder: EncodeOrSimilarity) -> Sequence[BootstrappedScore]:
        """The figures of an encoder, or of another way to compare texts, each with its resamples.

        Raises:
            UsageError: The encoder gives no usable answers.
        """

    def evaluate(self, encoder: EncodeOrSimilarity) -> Sequence[Score]:
        """The figures of an encoder on this task, each with its count and, where there is one, its interval.

        Raises:
            UsageError: The encoder gives no usable embeddings.
        """
        return [each.score for each in self.measure(encoder)]

    def bootstrapped(
        self,
        metric: str,
        statistic: Statistic,
        units: Units,
        *,
        items: NDArray[np.intp] | None = None,
        subset: str = "",
        labels: Sequence[str] = (),
        scale: float = 100.0,
    ) -> BootstrappedScore:
        """A figure of this task: the statistic on all items, and on resamples of their units.

        Args:
            metric: Its name.
            statistic: The figure on any resample.
            units: Which items are drawn together, because they are not independent; `Units.single(n)` where each of n is.
            items: The places of the items that the figure is about, where it is not about all; the score counts them.
            subset: The part of the split that they are.
            labels: Further labels of this figure.
            scale: From the statistic's unit to the score's.
        """
        count = units.items if items is None else len(items)
        identity = Score(self.name, self.split, metric, 0.0, count, subset, labels=(*self.labels, *labels))
        return bootstrapped(identity, statistic, self.bootstrap, units, items=items, scale=scale)

    def plain(self, metric: str, value: float, count: int, *, labels: Sequence[str] = ()) -> BootstrappedScore:
        """A figure of this task that has no interval: a threshold, a rank."""
        score = Score(self.name, self.split, metric, float(value), count, labels=(*self.labels, *labels))
        return BootstrappedScore(score, None, self.bootstrap)
