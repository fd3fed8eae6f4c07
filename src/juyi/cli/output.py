"""Data on stdout in the form that was asked for; talk on stderr."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

import click

from juyi.errors import OutputError

if TYPE_CHECKING:
    from rich.text import Text

    from juyi.prompts import Prompt

Record = dict[str, Any]
_FIGURES = re.compile(r"[+-]?[\d.,]*( in \d+)?|[\d.–]+( / [\d.–]+)*[▲▼]?")


def first_process() -> bool:
    """Whether this is the one process, or the first of those that torchrun or accelerate started: the others stay silent."""
    return os.environ.get("RANK", "0") == "0"


def say(text: str) -> None:
    """A line of talk, on stderr."""
    if first_process():
        click.echo(text, err=True)


def say_prompt(prompt: Prompt) -> None:
    """Say which prompt is put before every text, where one is."""
    if prompt:
        say(f"Prompt: {prompt} before every text")


def data_stream() -> IO[bytes]:
    """Standard output, for bytes.

    Raises:
        OutputError: It is closed.
    """
    check_stdout()
    return sys.stdout.buffer


def check_stdout() -> None:
    """Refuse a closed stdout, before the work whose result would go there.

    Raises:
        OutputError: It is closed.
    """
    if sys.stdout is None:
        raise OutputError("Standard output", "it is closed. Send it to a file or a pipe, or to /dev/null.")


def put(text: str, *, nl: bool = True) -> None:
    """Text that is data, on stdout.

    Raises:
        OutputError: It is closed.
    """
    check_stdout()
    with stdout_errors():
        click.echo(text, nl=nl)


@contextmanager
def stdout_errors() -> Iterator[None]:
    """What the system says without naming a file is about stdout; a reader that went away is not an error of writing."""
    try:
        yield
    except OSError as error:
        if error.filename is not None or error.errno is None or isinstance(error, ConnectionError | OutputError):
            raise
        raise OutputError("Standard output", error) from error


def report_problems(problems: Iterable[str]) -> None:
    """Say what could not be read or measured, each once, and leave with exit code 1 where there was something."""
    distinct = list(dict.fromkeys(problems))
    for problem in distinct:
        say(f"Problem: {problem}")
    if distinct:
        sys.exit(1)


def emit(records: Sequence[Record], form: str, *, title: str = "") -> None:
    """Print records on stdout.

    Args:
        records: Dictionaries of one shape.
        form: `table`, `json`, `jsonl` or `csv`.
        title: Stands above a table.
    """
    match form:
        case "json":
            put(json.dumps(list(records), ensure_ascii=False, indent=2))
        case "jsonl":
            for record in records:
                put(json.dumps(record, ensure_ascii=False))
        case "csv":
            sheet = io.StringIO()
            writer = csv.DictWriter(sheet, fieldnames=list(records[0]) if records else [], lineterminator="\n")
            writer.writeheader()
            writer.writerows(records)
            put(sheet.getvalue(), nl=False)
        case _:
            table(records, title=title)


def table(records: Sequence[Record], *, title: str = "") -> None:
    """Print records as a table on stdout; numbers to the right."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    if not records:
        return
    check_stdout()
    drawn = Table(title=title or None, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold", pad_edge=False)
    for name in records[0]:
        numbers = all(_is_figure(record[name]) for record in records)
        drawn.add_column(name, justify="right" if numbers else "left", overflow="fold")
    for record in records:
        drawn.add_row(*(_cell(value) for value in record.values()))
    with stdout_errors():
        Console(width=None if Console().is_terminal else 160, highlight=False, markup=False).print(drawn)


def _is_figure(value: Any) -> bool:
    """Whether a cell goes to the right: a number, one or several that are written out already, or nothing."""
    return value is None or isinstance(value, int | float) or _FIGURES.fullmatch(str(value)) is not None


def _cell(value: Any) -> str | Text:
    from rich.text import Text

    if value is None or isinstance(value, Text):
        return value or "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
