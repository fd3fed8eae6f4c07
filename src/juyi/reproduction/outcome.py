"""What came of a table: each figure beside the published one, over all seeds, and whether it was reproduced."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from juyi.reproduction.experiment import Place
from juyi.reproduction.results import Result
from juyi.reproduction.seeded_difference import SeededDifference, seeds_half_width

Verdict = Literal["reproduced", "near", "missed", "other conditions", "no figure", "not run"]


@dataclass(frozen=True)
class Outcome:
    """One figure of a table.

    Attributes:
        place: Where it stands.
        published: The published figure; None where there is none.
        results: The measured figure of each seed; none where it was not run.
        reason: Why it was not run, or cannot be compared with the published one; empty where it can.
        tolerance: So far, in points, it may lie from the published one.
    """

    place: Place
    published: float | None
    results: Mapping[int, Result]
    reason: str
    tolerance: float

    @property
    def value(self) -> float | None:
        """The mean over the seeds."""
        return float(np.mean([result.value for result in self.results.values()])) if self.results else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Where other items and other seeds would have left the figure, at 95 %: the two sources are independent and add up.

        The part of the items is the mean of the seeds' intervals, which were drawn on the same resamples; the part of the seeds
        is that of the mean over them (Student's t). Of one seed it is not known, and the interval is that of other items alone.
        """
        drawn = [result.interval for result in self.results.values()]
        intervals = [interval for interval in drawn if interval is not None]
        value = self.value
        if value is None or len(intervals) < len(drawn):
            return None
        low, high = np.mean(intervals, axis=0)
        seeds = seeds_half_width([result.value for result in self.results.values()])
        return value - math.hypot(value - low, seeds), value + math.hypot(high - value, seeds)

    @property
    def verdict(self) -> Verdict:
        """`reproduced`: the published figure lies within the interval and no further off than the tolerance.

        `near`: one of both; `missed`: neither. A wide interval alone reproduces nothing, nor does a small difference that is
        certain.
        """
        value, interval = self.value, self.interval
        if value is None:
            return "not run"
        if self.published is None:
            return "no figure"
        if self.reason:
            return "other conditions"
        close = abs(value - self.published) <= self.tolerance
        within = interval is not None and interval[0] <= self.published <= interval[1]
        return "reproduced" if close and within else "near" if close or within else "missed"

    def record(self) -> dict[str, Any]:
        """For machines."""
        row, column, variant = self.place.names
        results = [*self.results.values()]
        return {
            "row": row,
            "base": self.place.base,
            "column": column,
            "variant": variant,
            "encoder": self.place.row.encoder,
            "pooling": self.place.row.pooling,
            "point": dict(self.place.row.point),
            "published": self.published,
            "value": self.value,
            "interval": None if self.interval is None else [*self.interval],
            "seeds": {str(seed): result.value for seed, result in self.results.items()},
            "count": results[0].count if results else None,
            "units": results[0].units if results else None,
            "labels": [*dict.fromkeys(label for result in results for label in result.labels)],
            "verdict": self.verdict,
            "reason": self.reason,
            "runs": [result.run for result in results if result.run],
        }


@dataclass(frozen=True)
class VariantDifference:
    """By how much a variant of a cell is above the first one that was measured there, over all seeds on the same resamples.

    Attributes:
        row: The row of the cell.
        column: Its column.
        variant: The one.
        against: The other.
        value: The mean over the seeds.
        interval: Its 95 % interval.
    """

    row: str
    column: str
    variant: str
    against: str
    value: float
    interval: tuple[float, float]

    def record(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self) | {"interval": [*self.interval]}


def differences(outcomes: Sequence[Outcome]) -> list[VariantDifference]:
    """Each variant of a cell against the first one that was measured there.

    Every seed is compared on the same resamples of the items; the spread of the seeds is added to that of the items, as in
    `Outcome.interval`.
    """
    cells: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in outcomes:
        if outcome.results:
            cells.setdefault(outcome.place.names[:2], []).append(outcome)
    pairs = [(first, other) for first, *others in cells.values() for other in others]
    return [
        VariantDifference(*other.place.names, first.place.variant.name, found.value, found.interval)
        for first, other in pairs
        if (found := difference(first, other)) is not None
    ]


def difference(first: Outcome, other: Outcome) -> SeededDifference | None:
    """By how much another outcome of the same items is above the first; None where nothing can be drawn.

    Two that were trained are compared seed by seed, on those that both have. An encoder that was not trained has no seeds: it
    stands beside each of the other.
    """
    trained = [outcome.results for outcome in (first, other) if outcome.place.recipe] or [first.results]
    if not first.results or not other.results:
        return None
    seeds = [seed for seed in trained[0] if seed in trained[-1]]
    pairs = [(_at(other, seed), _at(first, seed)) for seed in seeds]
    if not pairs or not all(ours.replicates and len(ours.replicates) == len(theirs.replicates) for ours, theirs in pairs):
        return None
    values = np.array([ours.value - theirs.value for ours, theirs in pairs])
    drawn = np.mean([np.subtract(ours.replicates, theirs.replicates) for ours, theirs in pairs], axis=0)
    return SeededDifference(values, drawn)


def _at(outcome: Outcome, seed: int) -> Result:
    return outcome.results[seed] if outcome.place.recipe else next(iter(outcome.results.values()))
