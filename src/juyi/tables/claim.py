"""What a source says about a table, in a form that measured figures can agree with or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from juyi.errors import UsageError
from juyi.language import Bilingual

Relation = Literal["above", "not above"]


@dataclass(frozen=True)
class Side:
    """One of two sides that a claim compares; what it does not name is the same on both.

    Attributes:
        row: A row as it is written down; of a sweep all that it makes.
        variant: A variant.
        point: The values of swept settings, by their titles.
    """

    row: str = ""
    variant: str = ""
    point: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Claim:
    """That one side is above the other, or is not, wherever both are measured.

    Attributes:
        words: The claim as people say it.
        first: The side that it is about.
        second: What that is compared with.
        relation: `above`; or `not above`, by no more than the tolerance of the protocol.
        columns: Where it is said to hold; empty for all.
        source: Who says it, where that is not the source of the table.
    """

    words: Bilingual
    first: Side
    second: Side
    relation: Relation = "above"
    columns: tuple[str, ...] = ()
    source: str = ""

    def __post_init__(self) -> None:
        if self.first == self.second:
            raise UsageError(f"The claim '{self.words}' compares a side with itself. Name a row, a variant or a point of each.")

    def names(self, what: Literal["row", "variant"]) -> set[str]:
        """The rows or variants that it names."""
        return {name for side in (self.first, self.second) if (name := getattr(side, what))}

    @property
    def settings(self) -> set[str]:
        """The swept settings that it names."""
        return {*self.first.point, *self.second.point}
