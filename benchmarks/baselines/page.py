"""From measured figures to the Markdown between a page's markers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from juyi.atomic import write_text
from juyi.errors import DataError
from juyi.evaluation import BEHIND, Comparison, Evaluation, compare_scores, markdown_table
from juyi.tasks import ALL, Task
from juyi.types import Score

Table = Mapping[str, Sequence[Evaluation]]
"""The evaluations of each row by its title: one, or one for each seed."""

NOTHING = "–"
PUBLISHED = "small-encoders"
"""The section of what others published; its marker says so."""

_MARKS = re.compile(rf"<!-- (?:(?:measured: (?!{PUBLISHED} )|published: (?={PUBLISHED} ))(?P<name>[\w-]+)|end) -->")


@dataclass(frozen=True)
class Column:
    """A column of the table: Spearman over all pairs of a split of a task."""

    task: str
    split: str

    @classmethod
    def of(cls, task: Task) -> Column:
        """The column that shows a task."""
        return cls(task.name, task.split)

    def __str__(self) -> str:
        return f"{self.task} {self.split}"

    def shows(self, score: Score) -> bool:
        """Whether a figure stands in this column."""
        return (score.task, score.split) == (self.task, self.split) and score.subset in ("", ALL)


@dataclass(frozen=True)
class Cost:
    """What a row takes: size in bytes, parameters, sentences a second, and speed relative to the reference."""

    row: str
    engine: str
    size: int | None
    parameters: int | None
    speed: float
    ratio: float | None


def column_table(table: Table, columns: Sequence[Column]) -> str:
    """Rows of figures with their intervals; a row whose encoder saw the evaluated sentences bears a dagger.

    The figure of several seeds is their mean, and so are the ends of its interval: the resamples are the same for each seed, so
    that the mean is at least as certain as one of them.
    """
    rows = []
    daggers = False
    for title, evaluations in table.items():
        transductive = any("transductive" in score.labels for each in evaluations for score in each.scores)
        daggers = daggers or transductive
        cells = {
            str(column): _figure([score for each in evaluations for score in each.scores if column.shows(score)])
            for column in columns
        }
        rows.append({"": f"{title} †" if transductive else title, **cells})
    note = "\n\n† Fitted on the very sentences that are scored, without their labels (transductive)."
    return markdown_table(rows).strip() + (note if daggers else "")


def cost_table(costs: Sequence[Cost], reference: str) -> str:
    """Size, parameters and speed, a row an encoder."""
    rows = []
    for cost in costs:
        ratio = NOTHING if cost.ratio is None else f"{cost.ratio:.2g}" if cost.ratio < 10 else f"{cost.ratio:.0f}"
        row = {
            "": cost.row,
            "MB on disk": _millions(cost.size),
            "parameters, M": _millions(cost.parameters),
            "engine": cost.engine,
        }
        rows.append(row | {"sentences/s": f"{cost.speed:,.0f}", f"speed, {reference} = 1": ratio})
    return markdown_table(rows).strip()


def overlap_leads(overlap: Evaluation, table: Table, columns: Sequence[Column]) -> str:
    """Where lexical overlap is ahead of a row, and by how much; or that it is nowhere ahead."""
    parts = []
    for title, evaluations in table.items():
        compared = [each for found in evaluations for each in compare_scores(overlap.bootstrapped, found.bootstrapped)]
        leads = []
        for column in columns:
            own = [each for each in compared if column.shows(each.first)]
            if own and fmean(each.value for each in own) < 0:
                leads.append(_lead(column, own))
        if leads:
            parts.append(f"- {title}: {', '.join(leads)}")
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
    """The text with each section between `<!-- measured: NAME -->`, or `published: NAME`, and the `<!-- end -->` behind it.

    Raises:
        DataError: A section has no markers, or two pairs of them, or a marker stands alone.
    """
    marks = list(_MARKS.finditer(text))
    names = [mark["name"] for mark in marks[::2]]
    if len(marks) % 2 or None in names or any(mark["name"] for mark in marks[1::2]):
        raise DataError("every <!-- measured: NAME --> needs one <!-- end --> behind it, before the next begins.", path=page)
    for name in sections:
        if names.count(name) != 1:
            mark = f"<!-- {'published' if name == PUBLISHED else 'measured'}: {name} -->"
            raise DataError(
                f"has {names.count(name)} places for the figures '{name}', and one is needed: the lines {mark} and <!-- end -->. "
                "Put them where the table shall stand.",
                path=page,
            )
    pieces, at = [], 0
    for start, end in zip(marks[::2], marks[1::2], strict=True):
        if start["name"] in sections:
            pieces += [text[at : start.end()], f"\n\n{sections[start['name']].strip()}\n\n"]
            at = end.start()
    return "".join([*pieces, text[at:]])


def number(value: float) -> str:
    """With one decimal, and a minus that is one."""
    return f"{value:.1f}".replace("-", "−")


def _text(page: Path) -> str:
    if not page.is_file():
        raise DataError("there is no such page. Name one that has the markers of the figures.", path=page)
    return page.read_bytes().decode("utf-8")


def _figure(scores: Sequence[Score]) -> str:
    if not scores:
        return NOTHING
    intervals = [score.interval for score in scores if score.interval is not None]
    figure = number(fmean(score.value for score in scores))
    if len(intervals) < len(scores):
        return figure
    ends = (number(fmean(each.low for each in intervals)), number(fmean(each.high for each in intervals)))
    return f"{figure} <small>({ends[0]}–{ends[1]})</small>"


def _lead(column: Column, compared: Sequence[Comparison]) -> str:
    certain = all(each.standing == BEHIND for each in compared)
    return f"{column} (+{-fmean(each.value for each in compared):.1f}{'' if certain else ', not certain'})"


def _millions(value: int | None) -> str:
    return NOTHING if value is None else f"{value / 1e6:.1f}"
