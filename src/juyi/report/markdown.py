"""A report as Markdown: tables and sentences; of pictures the figures behind them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from juyi.evaluation import markdown_table
from juyi.language import translated as _
from juyi.report.sections import Block, Grid, Picture, Section
from juyi.report.words import decimals, interval_words

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
            yield f"### {block.title}"
            yield from _picture(block)
        case _:
            yield f"**{block.text}**" if block.strong else block.text


def _picture(picture: Picture) -> Iterator[str]:
    """The points, or of too many the last one of each series; of a map how much it shows."""
    count = sum(map(len, picture.series.values()))
    if picture.bare:
        yield _("{count:,} points, to be seen on the page of HTML.").format(count=count)
        return
    shown = picture.series if count <= _MOST_POINTS else {name: several[-1:] for name, several in picture.series.items()}
    if shown is not picture.series:
        yield _("The last of each; all {count:,} points are on the page of HTML.").format(count=count)
    points = [(name, point) for name, several in shown.items() for point in several]
    with_ends = any(point.low is not None for _name, point in points)
    lines = []
    for name, point in points:
        ends = None if point.low is None or point.high is None else (point.low, point.high)
        form = f".{decimals(ends)}f" if ends else ".4g"
        line = {"": name, picture.across: f"{point.x:.6g}", picture.up or picture.title: f"{point.y:{form}}"}
        if with_ends:
            line["95 %"] = interval_words(ends, form)
        if picture.coloured_by:
            line[picture.coloured_by] = "" if point.value is None else f"{point.value:.1f}"
        lines.append(line)
    yield markdown_table(lines).rstrip()


def _distinct(names: Sequence[str]) -> list[str]:
    """The names of columns, none of them twice."""
    return [name if names.index(name) == place else f"{name} ({place})" for place, name in enumerate(names)]
