"""Whether what was measured agrees with what is claimed of a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from juyi.reproduction.outcome import Outcome, difference
from juyi.tables import Claim, Side

Finding = Literal["for", "against", "open"]
Judgement = Literal["agrees", "disagrees", "mixed", "open"]


@dataclass(frozen=True)
class Compared:
    """Two figures that a claim is about.

    Attributes:
        first: The one.
        second: The other.
        value: By how much the first is above the second, over all seeds on the same resamples.
        interval: Its 95 % interval.
        finding: What that says about the claim; `open` where it may be either.
    """

    first: Outcome
    second: Outcome
    value: float
    interval: tuple[float, float]
    finding: Finding


@dataclass(frozen=True)
class Judged:
    """A claim and all that was measured of it.

    Attributes:
        claim: The claim.
        compared: Each pair of figures.
    """

    claim: Claim
    compared: tuple[Compared, ...]

    def count(self, finding: Finding) -> int:
        """How many pairs say so."""
        return sum(each.finding == finding for each in self.compared)

    @property
    def judgement(self) -> Judgement:
        """`agrees`: some pairs are for it and none against it; `disagrees`: the other way; `mixed`: both; `open`: neither."""
        supported, refuted = self.count("for"), self.count("against")
        return "mixed" if supported and refuted else "agrees" if supported else "disagrees" if refuted else "open"

    def record(self) -> dict[str, Any]:
        """For machines."""
        return {
            "words": asdict(self.claim.words),
            "source": self.claim.source,
            "judgement": self.judgement,
            "for": self.count("for"),
            "against": self.count("against"),
            "open": self.count("open"),
            "compared": [
                {
                    "first": [*each.first.place.names],
                    "second": [*each.second.place.names],
                    "value": each.value,
                    "interval": [*each.interval],
                    "finding": each.finding,
                }
                for each in self.compared
            ],
        }


def judged(claims: Sequence[Claim], outcomes: Sequence[Outcome]) -> list[Judged]:
    """What came of each claim; of one whose figures were not measured nothing is said."""
    found = [Judged(claim, tuple(_compared(claim, outcomes))) for claim in claims]
    return [each for each in found if each.compared]


def _compared(claim: Claim, outcomes: Sequence[Outcome]) -> Iterator[Compared]:
    """The pairs that differ in what the claim names, and in nothing else."""
    first, second = (
        {_apart_from(claim, outcome): outcome for outcome in outcomes if _on(side, claim, outcome)}
        for side in (claim.first, claim.second)
    )
    for place, outcome in first.items():
        if place in second and (found := difference(second[place], outcome)) is not None:
            value, interval = found
            yield Compared(outcome, second[place], value, interval, _finding(claim, interval, outcome.tolerance))


def _on(side: Side, claim: Claim, outcome: Outcome) -> bool:
    """Whether a figure is one of a side."""
    _, column, variant = outcome.place.names
    point = outcome.place.row.point
    return (
        side.row in ("", outcome.place.base)
        and side.variant in ("", variant)
        and (not claim.columns or column in claim.columns)
        and all(point.get(name) == value for name, value in side.point.items())
    )


def _apart_from(claim: Claim, outcome: Outcome) -> tuple[Any, ...]:
    """Where a figure stands, without what the claim names."""
    _, column, variant = outcome.place.names
    point = {name: value for name, value in outcome.place.row.point.items() if name not in claim.settings}
    return (
        column,
        "" if claim.names("row") else outcome.place.base,
        "" if claim.names("variant") else variant,
        *sorted(point.items()),
    )


def _finding(claim: Claim, interval: tuple[float, float], tolerance: float) -> Finding:
    low, high = interval
    if claim.relation == "above":
        return "for" if low > 0 else "against" if high < 0 else "open"
    return "for" if high <= tolerance else "against" if low > 0 else "open"
