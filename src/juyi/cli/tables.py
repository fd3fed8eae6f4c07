"""`juyi tables`: what others published."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from juyi.cli import options
from juyi.cli.output import emit, put
from juyi.language import translated as _

if TYPE_CHECKING:
    from juyi.tables import Table


@click.group("tables")
def command() -> None:
    """List and show published figures, each with its source and its conditions.

    \b
    Examples:
      juyi tables list
      juyi tables show chinese-simcse
      juyi tables show simcse-sts --format jsonl
    """


@command.command("list")
@options.form("table", "json", "jsonl", "csv")
def list_tables(form: str) -> None:
    """List the tables, one a line."""
    from juyi.tables import load_table, table_names

    tables = [load_table(name) for name in table_names()]
    emit([_line(table) if form == "table" else _record(table) for table in tables], form)


@command.command("show")
@click.argument("table")
@options.form("table", "markdown", "json", "jsonl", "csv")
def show(table: str, form: str) -> None:
    """Print TABLE, one of `juyi tables list` or a TOML file of your own, with its source and how it was measured.

    Where a table has a rule for it, figures are green or red: ▲ and ▼ say the same without colours. json, jsonl and csv give
    every figure with its source.
    """
    from juyi.cli.sections import put_sections
    from juyi.report import markdown_page, published_sections
    from juyi.tables import load_table

    shown = load_table(table)
    if form == "table":
        put_sections(published_sections(shown))
    elif form == "markdown":
        put(markdown_page(str(shown.title), published_sections(shown)), nl=False)
    else:
        records = shown.records()
        emit([{**record, "labels": " ".join(record["labels"])} for record in records] if form == "csv" else records, form)


def _line(table: Table) -> dict[str, Any]:
    return {
        _("table"): table.name,
        _("what it shows"): str(table.title),
        _("rows"): len(table.rows),
        _("columns"): len(table.column),
        _("figures"): len(table.records()),
    }


def _record(table: Table) -> dict[str, Any]:
    return {
        "table": table.name,
        "title": str(table.title),
        "rows": len(table.rows),
        "columns": len(table.column),
        "figures": len(table.records()),
        "source": table.source,
        "link": table.link,
    }
