"""From measured figures to the Markdown between a page's markers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from juyi.atomic import write_text
from juyi.errors import DataError
from juyi.metrics import Difference
from juyi.types import Score

Cells = Mapping[str, Mapping[str, Sequence[Score]]]
"""By row and column: one score, or one for each seed."""

NOTHING = "–"
_MARKS = re.compile(r"<!-- (?:measured: (?P<name>[\w-]+)|end) -->")


@dataclass(frozen=True)
class Cost:
    """What a row takes: size in bytes, parameters, sentences a second, and speed relative to the reference."""

    row: str
    engine: str
    size: int | None
    parameters: int | None
    speed: float
    ratio: float | None


def score_table(cells: Cells, columns: Sequence[str]) -> str:
    """Rows of figures with their intervals; a row whose encoder saw the evaluated sentences bears a dagger.

    The figure of several seeds is their mean, and so are the ends of its interval: the resamples are the same for each seed, so
    that the mean is at least as certain as one of them.
    """
    lines = [_line(["", *columns]), _line(["---", *("---:" for _ in columns)])]
    daggers = False
    for row, scores in cells.items():
        is_transductive = any("transductive" in score.labels for found in scores.values() for score in found)
        daggers = daggers or is_transductive
        name = f"{row} †" if is_transductive else row
        lines.append(_line([name, *(_figure(scores.get(column, ())) for column in columns)]))
    if daggers:
        lines += ["", "† Fitted on the very sentences that are scored, without their labels (transductive)."]
    return "\n".join(lines)


def cost_table(costs: Sequence[Cost], reference: str) -> str:
    """Size, parameters and speed, a row an encoder."""
    titles = ["", "MB on disk", "parameters, M", "engine", "sentences/s", f"speed, {reference} = 1"]
    lines = [_line(titles), _line(["---", "---:", "---:", "---", "---:", "---:"])]
    for cost in costs:
        ratio = NOTHING if cost.ratio is None else f"{cost.ratio:.2g}" if cost.ratio < 10 else f"{cost.ratio:.0f}"
        figures = [_millions(cost.size), _millions(cost.parameters), cost.engine, f"{cost.speed:,.0f}", ratio]
        lines.append(_line([cost.row, *figures]))
    return "\n".join(lines)


def overlap_leads(differences: Mapping[str, Mapping[str, Sequence[Difference]]]) -> str:
    """Where lexical overlap is ahead of a row, and by how much; or that it is nowhere ahead.

    Args:
        differences: Lexical overlap minus the row, by row and column, one for each seed.
    """
    parts = []
    for row, columns in differences.items():
        ahead = {column: found for column, found in columns.items() if fmean(each.value for each in found) > 0}
        if ahead:
            parts.append(f"- {row}: {', '.join(_lead(column, found) for column, found in ahead.items())}")
    if not parts:
        return "Lexical overlap is nowhere ahead of another row."
    return "\n".join(["Lexical overlap is ahead of", "", *parts])


def check_page(page: Path, sections: Sequence[str]) -> None:
    """Refuse a page that cannot take the sections, before an hour is spent on measuring them.

    Raises:
        DataError: What `filled` raises, or there is no such page.
    """
    filled(_text(page), dict.fromkeys(sections, ""), page)


def write_sections(page: Path, sections: Mapping[str, str]) -> None:
    """Write each section between its markers; the rest of the page stays as it is, to the byte.

    Raises:
        DataError: What `filled` raises, or there is no such page.
    """
    write_text(page, filled(_text(page), sections, page))


def filled(text: str, sections: Mapping[str, str], page: Path) -> str:
    """The text with each section between `<!-- measured: NAME -->` and the `<!-- end -->` behind it.

    Raises:
        DataError: A section has no markers, or two pairs of them, or a marker stands alone.
    """
    marks = list(_MARKS.finditer(text))
    names = [mark["name"] for mark in marks[::2]]
    if len(marks) % 2 or None in names or any(mark["name"] for mark in marks[1::2]):
        raise DataError("every <!-- measured: NAME --> needs one <!-- end --> behind it, before the next begins.", path=page)
    for name in sections:
        if names.count(name) != 1:
            raise DataError(
                f"has {names.count(name)} places for the figures '{name}', and one is needed: the lines <!-- measured: {name} "
                "--> and <!-- end -->. Put them where the table shall stand.",
                path=page,
            )
    pieces, at = [], 0
    for start, end in zip(marks[::2], marks[1::2], strict=True):
        if start["name"] in sections:
            pieces += [text[at : start.end()], f"\n\n{sections[start['name']].strip()}\n\n"]
            at = end.start()
    return "".join([*pieces, text[at:]])


def _text(page: Path) -> str:
    if not page.is_file():
        raise DataError("there is no such page. Name one that has the markers of the figures.", path=page)
    return page.read_bytes().decode("utf-8")


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _figure(scores: Sequence[Score]) -> str:
    if not scores:
        return NOTHING
    intervals = [score.interval for score in scores if score.interval is not None]
    figure = _number(fmean(score.value for score in scores))
    if len(intervals) < len(scores):
        return figure
    ends = (_number(fmean(each.low for each in intervals)), _number(fmean(each.high for each in intervals)))
    return f"{figure} <small>({ends[0]}–{ends[1]})</small>"


def _lead(column: str, found: Sequence[Difference]) -> str:
    certain = all(difference.interval.low > 0 for difference in found)
    return f"{column} (+{fmean(each.value for each in found):.1f}{'' if certain else ', not certain'})"


def _number(value: float) -> str:
    return f"{value:.1f}".replace("-", "−")


def _millions(value: int | None) -> str:
    return NOTHING if value is None else f"{value / 1e6:.1f}"
