"""Two subjects figure by figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from juyi.cli.score_tables import figure, place, signed, tidy
from juyi.metrics import Difference
from juyi.tasks import ALL, AVERAGE, LOWER_IS_BETTER, WEIGHTED_AVERAGE, WHOLE, WITHOUT_DIRECTION, Measured
from juyi.types import Score

AVERAGES = (AVERAGE, WEIGHTED_AVERAGE)
COUNTED_ELSEWHERE = (*AVERAGES, WHOLE)
"""Splits that hold what other splits hold."""

AHEAD, EVEN, BEHIND = "ahead", "not told apart", "behind"


@dataclass(frozen=True)
class Compared:
    """One figure of two subjects, and by how much the second exceeds the first."""

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


def compare(first: Sequence[Measured], second: Sequence[Measured]) -> list[Compared]:
    """The figures that both have, in the order of the first."""
    others: Mapping[Any, Measured] = {each.key: each for each in second}
    pairs = [(each, others[each.key]) for each in first if each.key in others]
    return [Compared(one.score, other.score, other.difference(one)) for one, other in pairs]


def comparison_rows(compared: Sequence[Compared]) -> list[dict[str, Any]]:
    """The rows of a table, for people."""
    metrics = {each.first.metric for each in compared}
    rows = []
    for each in compared:
        row: dict[str, Any] = {"task": place(each.first), "n": each.first.count}
        row |= {"metric": each.first.metric} if len(metrics) > 1 else {}
        row |= {"first": figure(each.first), "second": figure(each.second)}
        row["difference"] = f"{each.value:+.2f}" if each.difference is None else signed(each.difference)
        rows.append(row | {"second is": each.standing, "labels": ", ".join(each.labels)})
    return tidy(rows)


def main_figures(compared: Sequence[Compared]) -> list[Compared]:
    """The first metric of each task, without its sub-tasks and without averages: what a sentence can count."""
    main: dict[str, str] = {}
    for each in compared:
        main.setdefault(each.first.task, each.first.metric)
    return [
        each
        for each in compared
        if each.first.subset in ("", ALL)
        and each.first.metric == main[each.first.task]
        and each.first.task not in AVERAGES
        and each.first.split not in COUNTED_ELSEWHERE
    ]


def verdict(compared: Sequence[Compared], first: str, second: str) -> str:
    """Where the second stands against the first, in one sentence; empty where nothing was compared."""
    counted = [each for each in main_figures(compared) if each.standing]
    if not counted:
        return ""
    names = {
        standing: [f"{each.first.task} {each.first.split}" for each in counted if each.standing == standing]
        for standing in (AHEAD, EVEN, BEHIND)
    }
    words = [f"ahead on {len(names[AHEAD])} of {len(counted)}"]
    words += [f"{standing} on {', '.join(names[standing])}" for standing in (EVEN, BEHIND) if names[standing]]
    return f"{second} against {first}: {'; '.join(words)}."
