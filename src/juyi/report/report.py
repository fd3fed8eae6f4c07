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


def write_report(path: Path, sources: Sequence[str | Path], form: Form = "html", title: str = "") -> None:
    """Write a page, whole or not at all; see `report`.

    Raises:
        OutputError: It cannot be written.
    """
    write_text(path, report(sources, form, title))


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
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"this cannot be read ({type(error).__name__}: {error}). Make it anew.", path=path) from error


def _read(path: Path) -> Source:
    if path.is_dir():
        for name in ("table.json", "report.json"):
            if (path / name).is_file():
                return _read(path / name)
        if (path / "recipe.toml").is_file():
            return Source(run_sections(path), str(path))
        raise UsageError(f"{path} holds no table.json, report.json or recipe.toml. A report is about {_KINDS}.")
    if path.suffix == ".toml":
        table = load_table(str(path))
        return Source(published_sections(table), table.as_record())
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".jsonl":
        records = [json.loads(line) for line in text.splitlines() if line.strip()]
        if not records or "task" not in records[0]:
            raise UsageError(f"{path} holds no scores. A report is about {_KINDS}.")
        return Source(evaluation_sections(path.stem, records), records)
    record = json.loads(text) if path.suffix == ".json" else {}
    if _is_reproduction(record):
        return Source(reproduction_sections(record), record)
    if "recommended" in record:
        return Source(adaptation_sections(record), record)
    raise UsageError(f"{path} is nothing that a page can be made of. A report is about {_KINDS}.")


def _is_reproduction(data: Any) -> bool:
    """Whether it is `table.json` of `juyi reproduce`."""
    return isinstance(data, Mapping) and "outcomes" in data
