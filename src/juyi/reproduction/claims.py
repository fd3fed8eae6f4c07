"""Whether what was measured agrees with what is claimed of a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from juyi.metrics import holm
from juyi.reproduction.outcome import Outcome, difference
from juyi.reproduction.seeded_difference import LEVEL
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
        interval: Its 95 % interval, that of one comparison.
        finding: What that says about the claim, after Holm's correction for all comparisons of it; `open` where it may be either.
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
    """The pairs that differ in what the claim names, and in nothing else.

    Who looks at thirty differences finds one that is certain where there is none: the pairs are one family of tests.
    """
    first, second = (
        {_apart_from(claim, outcome): outcome for outcome in outcomes if _on(side, claim, outcome)}
        for side in (claim.first, claim.second)
    )
    pairs = [
        (outcome, second[place], found)
        for place, outcome in first.items()
        if place in second and (found := difference(second[place], outcome)) is not None
    ]
    if not pairs:
        return
    above, below = ("for", "against") if claim.relation == "above" else ("against", "for")
    bounds = [0.0 if claim.relation == "above" else outcome.tolerance for outcome, *_ in pairs]
    p_values = holm([found.p_value(bound) for (*_, found), bound in zip(pairs, bounds, strict=True)])
    for (outcome, other, found), bound, p_value in zip(pairs, bounds, p_values, strict=True):
        finding = "open" if p_value >= 1 - LEVEL else above if found.value > bound else below
        yield Compared(outcome, other, found.value, found.interval, finding)  # type: ignore[arg-type]


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
