"""The sections of a report in the terminal: tables and sentences; of pictures nothing."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from juyi.cli.output import put, table
from juyi.report import Cell, Grid, Paragraph, Section


def put_sections(sections: Sequence[Section]) -> None:
    """Print sections one after the other, each under its title."""
    for section in sections:
        title = section.title
        for block in section.blocks:
            match block:
                case Grid():
                    table(_rows(block), title=block.title or title)
                    title = ""
                case Paragraph():
                    put(block.text)
                case _:
                    pass  # a picture


def _rows(grid: Grid) -> list[dict[str, Text]]:
    return [dict(zip(grid.head, map(_text, row), strict=True)) for row in grid.rows]


def _text(cell: Cell) -> Text:
    return Text(cell.text, style=cell.colour if cell.colour in ("green", "red") else "")
