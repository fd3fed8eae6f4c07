"""Cells and sentences that several kinds of report share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from juyi.language import language
from juyi.language import translated as _
from juyi.report.sections import Cell, Colour, Grid, Section
from juyi.types import Interval

Record = Mapping[str, Any]


def spoken(words: Any) -> str:
    """What a record says in both languages, in the one that is spoken."""
    return str(words.get(language(), "")) if isinstance(words, Mapping) else str(words or "")


def decimals(interval: Sequence[float] | None) -> int:
    """With how many decimals a figure of this interval is shown."""
    return 1 if interval is None else Interval(*interval).decimals


def label_words(labels: Sequence[str]) -> str:
    """What figures owe to their data, in words."""
    words = {
        "transductive": _("transductive: learned from sentences that are measured"),
        "dev-selected": _("dev-selected: the best step was chosen on the development pairs"),
        "translated": _("translated: the scores belong to the sentences before translation"),
    }
    return _("; ").join(words.get(label, label) for label in labels)


def interval_words(interval: Sequence[float] | None, form: str = ".1f") -> str:
    """An interval, or nothing: "12.3 – 14.5"."""
    return "" if interval is None else f"{interval[0]:{form}} – {interval[1]:{form}}"


def difference_cell(record: Record | None, places: int | None = None) -> Cell:
    """A difference with its interval; green where it is certainly above 0, red where it is certainly below."""
    if record is None or record.get("interval") is None:
        return Cell("–")
    low, high = record["interval"]
    places = decimals((low, high)) if places is None else places
    colour: Colour = "green" if low > 0 else "red" if high < 0 else ""
    return Cell(f"{record['value']:+.{places}f} ({interval_words((low, high), f'+.{places}f')})", colour)


def facts(title: str, record: Record) -> Grid:
    """Names and what they stand for; what is nested gets a line for each part."""
    lines = [*_flat(record, "")]
    return Grid([_("name"), _("value")], [[Cell(name), Cell(value)] for name, value in lines], title)


def environment_section(record: Record | None) -> list[Section]:
    """What it was computed on; nothing where that is not known."""
    return [Section(_("Computed on"), [facts("", record)])] if record else []


def _flat(record: Record, above: str) -> list[tuple[str, str]]:
    lines: list[tuple[str, str]] = []
    for name, value in record.items():
        if isinstance(value, Mapping):
            lines += _flat(value, f"{above}{name}.")
        elif value is not None and value not in ([], ""):
            several = value if isinstance(value, list) else [value]
            lines.append(
                (f"{above}{name}", ", ".join(f"{each:.6g}" if isinstance(each, float) else str(each) for each in several))
            )
    return lines
