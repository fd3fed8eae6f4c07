"""Two candidates figure by figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from juyi.metrics import Difference
from juyi.tasks import LOWER_IS_BETTER, WITHOUT_DIRECTION, BootstrappedScore
from juyi.types import Score

AHEAD, EVEN, BEHIND = "ahead", "not told apart", "behind"


@dataclass(frozen=True)
class Comparison:
    """One figure of two candidates, and by how much the second exceeds the first."""

    first: Score
    second: Score
    difference: Difference | None

    @property
    def standing(self) -> str:
        """`ahead` or `behind` where the interval of the difference excludes 0, else `not told apart`; empty without direction."""
        metric = self.first.metric
        if self.difference is None or metric in WITHOUT_DIRECTION:
            return ""
        if not self.difference.interval.excludes(0):
            return EVEN
        return AHEAD if (self.difference.value > 0) != (metric in LOWER_IS_BETTER) else BEHIND

    def record(self, first: str, second: str) -> dict[str, Any]:
        """For machines, stable from the first version on."""
        interval = None if self.difference is None else [self.difference.interval.low, self.difference.interval.high]
        where = {name: getattr(self.first, name) for name in ("task", "split", "subset", "metric")}
        values = {"first_value": self.first.value, "second_value": self.second.value}
        return {
            "first": first,
            "second": second,
            **where,
            **values,
            "difference": self.value,
            "count": self.first.count,
            "interval": interval,
            "labels": self.labels,
        }

    @property
    def value(self) -> float:
        """By how much the second exceeds the first."""
        return self.second.value - self.first.value

    @property
    def labels(self) -> list[str]:
        """What the two figures owe to their data."""
        return list(dict.fromkeys((*self.first.labels, *self.second.labels)))


def compare(first: Sequence[BootstrappedScore], second: Sequence[BootstrappedScore]) -> list[Comparison]:
    """The figures that both have, in the order of the first."""
    others = {each.key: each for each in second}
    pairs = [(each, others[each.key]) for each in first if each.key in others]
    return [Comparison(one.score, other.score, other.difference(one)) for one, other in pairs]
