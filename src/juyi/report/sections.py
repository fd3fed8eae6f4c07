"""What a report is made of, whatever it is about and whatever it is shown as."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Colour = Literal["", "green", "red", "grey"]


@dataclass(frozen=True)
class Cell:
    """One cell of a grid.

    Attributes:
        text: What stands in it.
        colour: Behind it.
        hint: What is said when one points at it.
    """

    text: str
    colour: Colour = ""
    hint: str = ""


@dataclass(frozen=True)
class Paragraph:
    """Some sentences.

    Attributes:
        text: Them.
        strong: Whether they are what one should read first.
    """

    text: str
    strong: bool = False


@dataclass(frozen=True)
class Grid:
    """A table.

    Attributes:
        head: The names of the columns; the first is that of the rows.
        rows: The cells, the name of the row first.
        title: Above it.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    title: str = ""


@dataclass(frozen=True)
class Point:
    """A place in a picture; its numbers are finite.

    Attributes:
        x: Along the horizontal axis.
        y: Along the vertical one.
        low: The lower end of its interval along the vertical axis; `y` where there is none.
        high: The upper end.
        hint: What is said when one points at it.
        value: What it is coloured by; None for the colour of its series.
    """

    x: float
    y: float
    low: float | None = None
    high: float | None = None
    hint: str = ""
    value: float | None = None

    def __post_init__(self) -> None:
        numbers = (self.x, self.y, self.low, self.high, self.value)
        if not all(math.isfinite(number) for number in numbers if number is not None):
            raise ValueError(f"a point of a picture is not finite: {numbers}")


@dataclass(frozen=True)
class Picture:
    """Points over two axes, by series.

    Attributes:
        title: Above it, and for those who cannot see it.
        across: What the horizontal axis says.
        up: What the vertical one says.
        series: The points of each series.
        lines: Whether the points of a series are joined in their order.
        logarithmic: Whether the horizontal axis is.
        bare: Whether the numbers of the axes mean nothing, as on a map.
        coloured_by: What `Point.value` is; empty for nothing.
    """

    title: str
    across: str
    up: str
    series: Mapping[str, Sequence[Point]]
    lines: bool = True
    logarithmic: bool = False
    bare: bool = False
    coloured_by: str = ""


Block = Paragraph | Grid | Picture


@dataclass(frozen=True)
class Section:
    """A part of a report under a head of its own.

    Attributes:
        title: The head.
        blocks: What stands below it.
        below: Whether it belongs to the section before it.
    """

    title: str
    blocks: Sequence[Block] = field(default=())
    below: bool = False
