"""What a page is made from: a table, a run, an adaptation, an evaluation, told apart by what they hold."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from juyi.atomic import write_text
from juyi.errors import DataError, UsageError
from juyi.report.html import html_page
from juyi.report.markdown import markdown_page
from juyi.report.of_adaptations import adaptation_sections
from juyi.report.of_evaluations import evaluation_sections
from juyi.report.of_runs import run_sections
from juyi.report.of_tables import claims_section, published_sections, reproduction_sections
from juyi.report.sections import Section
from juyi.report.words import environment_section
from juyi.tables import load_table, table_names

Form = Literal["html", "markdown"]
_ENDINGS: dict[str, Form] = {".html": "html", ".htm": "html", ".md": "markdown", ".markdown": "markdown"}
_RECORDS = ("table.json", "report.json", "recipe.toml")
"""Of a folder the first of these that it has."""
_KINDS = (
    "a table (`juyi tables list`, or its .toml file), the output of `juyi reproduce` or of `juyi adapt`, a run folder, "
    "or a .jsonl file of `juyi evaluate` or `juyi compare`"
)


@dataclass(frozen=True)
class Source:
    """Something that a report is about.

    Attributes:
        sections: What is said of it.
        data: What that was made from.
    """

    sections: Sequence[Section]
    data: Any


def report(sources: Sequence[str | Path], form: Form = "html", title: str = "") -> str:
    """A page about one or several things.

    Args:
        sources: Folders, files, names of tables: see `juyi report --help`.
        form: Of the page.
        title: Its head; that of the first section where none is given.

    Raises:
        UsageError: One of them is nothing that a page can be made of.
        DataError: A file is damaged.
        MissingExtraError: HTML was asked for and jinja2 is not installed.
    """
    if not sources:
        raise UsageError(f"There is nothing to report on. Name {_KINDS}.")
    found = [read_source(source) for source in sources]
    tables = [source.data for source in found if _is_reproduction(source.data)]
    overview = claims_section(tables) if len(tables) > 1 else []
    sections = [*overview, *_one_after_the_other(found)]
    title = title or sections[0].title
    if form == "markdown":
        return markdown_page(title, sections)
    return html_page(title, sections, {str(name): each.data for name, each in zip(sources, found, strict=True)})


def _one_after_the_other(found: Sequence[Source]) -> Iterator[Section]:
    """The sections of all sources; what they were computed on stands once at the end, where that was the same."""
    if len(found) == 1:
        yield from found[0].sections
        return
    machines = [environment_section(each.data.get("environment")) if isinstance(each.data, Mapping) else [] for each in found]
    alike = machines[0] if all(machine == machines[0] for machine in machines) else []
    for first, *others in (source.sections for source in found):
        yield first
        yield from (replace(section, below=True) for section in others if section not in alike)
    yield from alike


def write_report(path: Path, sources: Sequence[str | Path], form: Form | None = None, title: str = "") -> None:
    """Write a page, whole or not at all; see `report`.

    Args:
        path: Where to.
        sources: What it is about.
        form: Of the page; None goes by the ending of the file.
        title: Its head.

    Raises:
        UsageError: The ending says no form, or the page would replace what it is made from.
        OutputError: It cannot be written.
    """
    chosen = form or _ENDINGS.get(path.suffix.lower())
    if chosen is None:
        raise UsageError(f"{path} is no name of a page: it ends in {', '.join(_ENDINGS)}. Or say with --format what it is.")
    folders = {(source.parent if source.is_file() else source).resolve() for source in map(Path, sources)}
    if path.exists() and path.suffix.lower() not in _ENDINGS and path.resolve().parent in folders:
        raise UsageError(f"{path} lies beside what the page is made from, and is no page. Name another file.")
    write_text(path, report(sources, chosen, title))


def read_source(source: str | Path) -> Source:
    """What lies at a path, or the table of a name.

    Raises:
        UsageError: It is nothing that a page can be made of.
        DataError: A file is damaged.
    """
    path = Path(source)
    if not path.exists():
        if str(source) in table_names():
            table = load_table(str(source))
            return Source(published_sections(table), table.as_record())
        raise UsageError(f"There is no {source}. A report is about {_KINDS}.")
    try:
        return _read(path)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as error:
        raise DataError(f"this cannot be read ({type(error).__name__}: {error}). Make it anew.", path=path) from error


def read_reproduction(source: str | Path) -> Mapping[str, Any]:
    """`table.json` of `juyi reproduce`, by its own name or in its folder.

    Raises:
        UsageError: It is something else.
        DataError: It is damaged.
    """
    found = read_source(source).data
    if not _is_reproduction(found):
        raise UsageError(f"{source} is no output of `juyi reproduce`. Name its folder, or the table.json in it.")
    record: Mapping[str, Any] = found
    return record


def _read(path: Path) -> Source:
    if path.is_dir():
        name = next((name for name in _RECORDS if (path / name).is_file()), None)
        if name is None:
            raise UsageError(f"{path} holds none of {', '.join(_RECORDS)}. A report is about {_KINDS}.")
        return Source(run_sections(path), str(path)) if name == "recipe.toml" else read_source(path / name)
    if path.suffix == ".toml":
        table = load_table(str(path))
        return Source(published_sections(table), table.as_record())
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".jsonl":
        records = [_parsed(line) for line in text.splitlines() if line.strip()]
        if not records or "task" not in records[0]:
            raise UsageError(f"{path} holds no scores. A report is about {_KINDS}.")
        return Source(evaluation_sections(path.stem, records), records)
    record = _parsed(text) if path.suffix == ".json" else {}
    if _is_reproduction(record):
        return Source(reproduction_sections(record), record)
    if "recommended" in record:
        return Source(adaptation_sections(record), record)
    raise UsageError(f"{path} is nothing that a page can be made of. A report is about {_KINDS}.")


def _parsed(text: str) -> Any:
    """JSON without the numbers that JSON does not have."""

    def refuse(number: str) -> float:
        raise ValueError(f"it holds the figure {number}")

    return json.loads(text, parse_constant=refuse)


def _is_reproduction(data: Any) -> bool:
    """Whether it is `table.json` of `juyi reproduce`."""
    return isinstance(data, Mapping) and "outcomes" in data
