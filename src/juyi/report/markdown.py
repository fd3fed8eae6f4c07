"""A report as Markdown: tables and sentences; of pictures the figures behind them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from juyi.evaluation import markdown_table
from juyi.report.sections import Block, Grid, Picture, Section

_MOST_POINTS = 60
"""A picture of more points is a cloud, of which a table says nothing."""


def markdown_page(title: str, sections: Sequence[Section]) -> str:
    """The page."""
    parts = [f"# {title}"]
    for section in sections:
        if section.title != title:
            parts.append(f"{'###' if section.below else '##'} {section.title}")
        for block in section.blocks:
            parts += _block(block)
    return "\n\n".join(parts) + "\n"


def _block(block: Block) -> Iterator[str]:
    match block:
        case Grid():
            if block.title:
                yield f"### {block.title}"
            rows = [dict(zip(_distinct(block.head), (cell.text for cell in row), strict=True)) for row in block.rows]
            yield markdown_table(rows).rstrip()
        case Picture():
            points = [(name, point) for name, several in block.series.items() for point in several]
            if block.bare or len(points) > _MOST_POINTS:
                return
            yield f"### {block.title}"
            places = [{"": name, block.across: point.x, block.up or block.title: point.y} for name, point in points]
            yield markdown_table(places).rstrip()
        case _:
            yield f"**{block.text}**" if block.strong else block.text


def _distinct(names: Sequence[str]) -> list[str]:
    """The names of columns, none of them twice."""
    return [name if names.index(name) == place else f"{name} ({place})" for place, name in enumerate(names)]
