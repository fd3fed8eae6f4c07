"""A report as one page of HTML that needs nothing else: no network, no other file."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from itertools import groupby
from pathlib import Path
from typing import Any

from juyi.errors import MissingExtraError
from juyi.language import language
from juyi.language import translated as _
from juyi.report.sections import Block, Cell, Grid, Picture, Section
from juyi.report.svg import drawn

_HERE = Path(__file__).parent
_LONG = 24
"""A cell of more characters may be broken over lines."""
_WORD = re.compile(r"[^\W\d_]")


@dataclass(frozen=True)
class _ShownCell:
    text: str
    hint: str
    classes: str


@dataclass(frozen=True)
class _ShownGrid:
    title: str
    head: Sequence[_ShownCell]
    rows: Sequence[Sequence[_ShownCell]]


@dataclass(frozen=True)
class _Group:
    kind: str
    blocks: Sequence[Any]


@dataclass(frozen=True)
class _ShownSection:
    title: str
    groups: Sequence[_Group]
    below: bool


def html_page(title: str, sections: Sequence[Section], data: Mapping[str, Any]) -> str:
    """The page.

    Args:
        title: Its head.
        sections: What stands on it.
        data: What it was made from, which is put into the page too.

    Raises:
        MissingExtraError: jinja2 is not installed.
    """
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
        from markupsafe import Markup
    except ModuleNotFoundError as error:
        raise MissingExtraError(str(error.name), "report", "Writing a page of HTML;") from error
    loader = FileSystemLoader(_HERE)
    environment = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
    raw = json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")  # no text may end the script
    return environment.get_template("page.html.jinja").render(
        title=title,
        language="zh-CN" if language() == "zh" else "en",
        version=metadata.version("juyi"),
        css=Markup((_HERE / "page.css").read_text(encoding="utf-8")),
        js=Markup((_HERE / "page.js").read_text(encoding="utf-8")),
        sections=[_ShownSection(section.title, [*map(_group, _grouped(section.blocks))], section.below) for section in sections],
        footer=_("Made by juyi {version}; this page needs no network.").format(version=metadata.version("juyi")),
        data=Markup(raw),
    )


def _grouped(blocks: Sequence[Block]) -> list[tuple[str, list[Block]]]:
    """Pictures that follow each other stand side by side."""

    def kind(block: Block) -> str:
        return "pictures" if isinstance(block, Picture) else "grid" if isinstance(block, Grid) else "paragraphs"

    return [(name, [*group]) for name, group in groupby(blocks, key=kind)]


def _group(pair: tuple[str, list[Block]]) -> _Group:
    from markupsafe import Markup

    kind, blocks = pair
    shown: list[Any] = []
    for block in blocks:
        match block:
            case Picture():
                shown.append(Markup(drawn(block)))
            case Grid():
                shown.append(_grid(block))
            case _:
                shown.append(block)
    return _Group(kind, shown)


def _grid(grid: Grid) -> _ShownGrid:
    """Columns of words go to the left, those of figures to the right."""
    words = [any(_WORD.search(row[place].text) for row in grid.rows) for place in range(len(grid.head))]
    head = [_ShownCell(name, "", "words" if left else "") for name, left in zip(grid.head, words, strict=True)]
    return _ShownGrid(grid.title, head, [[_cell(cell, left) for cell, left in zip(row, words, strict=True)] for row in grid.rows])


def _cell(cell: Cell, left: bool) -> _ShownCell:
    classes = [cell.colour, "words" if left else "", "long" if len(cell.text) > _LONG else ""]
    return _ShownCell(cell.text, cell.hint, " ".join(filter(None, classes)))
