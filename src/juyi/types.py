"""The values that pass between floors. numpy only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Embeddings = NDArray[np.float32]
"""(n, dim) float32, one row a text."""

Encode = Callable[[Sequence[str]], Embeddings]
"""(n,) texts -> (n, dim) embeddings. Whatever encodes can be evaluated, indexed and searched."""


Log = Callable[[str], None]
"""Hears a sentence for people: what was understood, what is being done."""

Progress = Callable[[int, int, str], None]
"""Is told how far long work is, for a bar: (done, in all, what is in hand)."""


@dataclass(frozen=True)
class Interval:
    """A confidence interval, in the unit of the value it belongs to."""

    low: float
    high: float
    level: float = 0.95

    def excludes(self, value: float) -> bool:
        """Whether the value lies outside the interval."""
        return not self.low <= value <= self.high

    @property
    def decimals(self) -> int:
        """With how many decimals it and its value are shown: as many as its width deserves."""
        width = self.high - self.low
        return 1 if width >= 0.5 or width == 0 else 2 if width >= 0.05 else 3


@dataclass(frozen=True)
class Score:
    """One measured figure, with what it takes to judge it.

    `labels` say what the figure owes to the data: `transductive` (the encoder learned from sentences that are evaluated),
    `dev-selected` (the checkpoint was chosen on a development set), `translated` (the gold labels belong to a translation).
    `count` is the number of items, `units` the number of groups of them that are independent of each other, which resamples draw;
    None where nothing is drawn.
    """

    task: str
    split: str
    metric: str
    value: float
    count: int
    subset: str = ""
    interval: Interval | None = None
    labels: tuple[str, ...] = ()
    units: int | None = None

    def as_record(self, model: str) -> dict[str, Any]:
        """The machine-readable form, stable from the first version on."""
        return {
            "model": model,
            "task": self.task,
            "split": self.split,
            "subset": self.subset,
            "metric": self.metric,
            "value": self.value,
            "count": self.count,
            "units": self.units,
            "interval": None if self.interval is None else [self.interval.low, self.interval.high],
            "labels": list(self.labels),
        }


@dataclass(frozen=True)
class Hits:
    """What a search found.

    Shapes:
        ids: (queries, k) int64, best first; -1 where fewer than k rows exist.
        scores: (queries, k) float32; -inf beside an id of -1.
    """

    ids: NDArray[np.int64]
    scores: NDArray[np.float32]
