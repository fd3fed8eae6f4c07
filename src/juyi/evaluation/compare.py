"""Candidates figure by figure, and the words that several comparisons at once still bear."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from juyi.metrics import Difference, holm
from juyi.suites import AVERAGE, WEIGHTED_AVERAGE, WHOLE
from juyi.tasks import ALL, LOWER_IS_BETTER, WITHOUT_DIRECTION, BootstrappedScore
from juyi.types import Score

AHEAD, EVEN, BEHIND = "ahead", "not told apart", "behind"

AVERAGES = (AVERAGE, WEIGHTED_AVERAGE)
COUNTED_ELSEWHERE = (*AVERAGES, WHOLE)
"""Splits that hold what other splits hold."""


@dataclass(frozen=True)
class Comparison:
    """One figure of two candidates, and by how much the second exceeds the first.

    Attributes:
        first: The score of the first candidate.
        second: That of the second.
        difference: By how much it exceeds the first, with the plain interval of one comparison and its p-value; None where
            nothing was drawn.
        standing: `ahead` or `behind` where the difference is certain though `family` of them were looked at, else `not told
            apart`; empty for what is no main figure, has no direction or no interval.
        family: For how many comparisons the word is corrected (Holm 1979); 0 where there is no word.
    """

    first: Score
    second: Score
    difference: Difference | None
    standing: str = ""
    family: int = 0

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
            "units": self.first.units,
            "interval": interval,
            "p_value": None if self.difference is None else self.difference.p_value,
            "standing": self.standing,
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


def compare_scores(first: Sequence[BootstrappedScore], second: Sequence[BootstrappedScore]) -> list[Comparison]:
    """The figures that both have, in the order of the first; their main figures are one family of comparisons."""
    return compare_pairs([(first, second)])[0]


def compare_several(first: Sequence[BootstrappedScore], others: Sequence[Sequence[BootstrappedScore]]) -> list[list[Comparison]]:
    """Each of several candidates against the first; the main figures of all of them are one family of comparisons."""
    return compare_pairs([(first, other) for other in others])


def compare_pairs(pairs: Sequence[tuple[Sequence[BootstrappedScore], Sequence[BootstrappedScore]]]) -> list[list[Comparison]]:
    """The second of each pair of candidates against the first; the main figures of all of them are one family of comparisons.

    Who looks at twenty differences finds one that is certain at 95 % where there is none. So a difference is called `ahead` or
    `behind` by its p-value after Holm's correction for all that are looked at; the intervals are those of one comparison.
    Secondary metrics, sub-tasks and averages say again what the main figures say, and get no word.
    """
    tables = [_matched(first, second) for first, second in pairs]
    family = [
        (table, place, p_value)
        for table, compared in enumerate(tables)
        for place in _main_places(compared)
        if (p_value := _p_value(compared[place])) is not None
    ]
    level = next((first[0].bootstrap.level for first, _ in pairs if first), 0.95)
    adjusted = holm([p_value for *_, p_value in family]) if family else ()
    for (table, place, _), p_value in zip(family, adjusted, strict=True):
        each = tables[table][place]
        standing = _direction(each) if p_value < 1 - level else EVEN
        tables[table][place] = dataclasses.replace(each, standing=standing, family=len(family))
    return tables


def main_figures(compared: Sequence[Comparison]) -> list[Comparison]:
    """The first metric of each task, without its sub-tasks and without averages: what a sentence can count."""
    return [compared[place] for place in _main_places(compared)]


def _matched(first: Sequence[BootstrappedScore], second: Sequence[BootstrappedScore]) -> list[Comparison]:
    others = {each.key: each for each in second}
    both = [(each, others[each.key]) for each in first if each.key in others]
    return [Comparison(one.score, other.score, other.difference(one)) for one, other in both]


def _main_places(compared: Sequence[Comparison]) -> list[int]:
    main: dict[str, str] = {}
    for each in compared:
        main.setdefault(each.first.task, each.first.metric)
    return [
        place
        for place, each in enumerate(compared)
        if each.first.subset in ("", ALL)
        and each.first.metric == main[each.first.task]
        and each.first.task not in AVERAGES
        and each.first.split not in COUNTED_ELSEWHERE
    ]


def _p_value(compared: Comparison) -> float | None:
    """That of a difference that can be called one for the better or the worse."""
    if compared.difference is None or compared.first.metric in WITHOUT_DIRECTION:
        return None
    return compared.difference.p_value


def _direction(compared: Comparison) -> str:
    return AHEAD if (compared.value > 0) != (compared.first.metric in LOWER_IS_BETTER) else BEHIND
