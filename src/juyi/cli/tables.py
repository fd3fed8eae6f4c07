"""`juyi tables`: what others published."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from juyi.cli import options
from juyi.cli.output import emit, put
from juyi.language import translated as _

if TYPE_CHECKING:
    from rich.text import Text

    from juyi.tables import Cell, Table

_MARKS = {"green": "▲", "red": "▼"}


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
    from juyi.tables import load_table

    shown = load_table(table)
    if form not in ("table", "markdown"):
        records = shown.records()
        emit([{**record, "labels": " ".join(record["labels"])} for record in records] if form == "csv" else records, form)
        return
    if form == "markdown":
        from juyi.evaluation import markdown_table

        put("\n\n".join([f"# {shown.title}", markdown_table(_rows(shown)).rstrip(), *_below(shown)]))
        return
    emit(_rows(shown), form, title=str(shown.title))
    put("\n".join(_below(shown)))


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


def _rows(table: Table) -> list[dict[str, Any]]:
    cells = {(cell.row.name, cell.column.name): cell for cell in table.cells()}
    notes = _notes(table)
    rows = []
    for row in table.rows:
        mark = f" [{notes.index(str(row.note)) + 1}]" if str(row.note) else ""
        found = {column.name: _figures(table, cells.get((row.name, column.name))) for column in table.column}
        rows.append({"": f"{row.name}{mark}", **found})
    return rows


def _figures(table: Table, cell: Cell | None) -> Text | None:
    """The figures of a cell in the order of the variants, `16.59 / 20.61 / 33.14`, with their colour."""
    from rich.text import Text

    if cell is None:
        return None
    parts = []
    for name in [variant.name for variant in table.variant] or [""]:
        text = f"{cell.figures[name]:.{table.places}f}" if name in cell.figures else "–"
        coloured = cell.colour if table.colour is not None and name == table.colour.of else None
        parts.append(Text(text + _MARKS[coloured], style=coloured) if coloured else Text(text))
    return Text(" / ").join(parts)


def _below(table: Table) -> list[str]:
    """What the figures of a cell are, how they were measured, and by whom."""
    lines = []
    if table.variant:
        lines.append(_("Each cell: {names}.").format(names=" / ".join(variant.name for variant in table.variant)))
    if table.colour is not None:
        colours = [cell.colour for cell in table.cells()]
        lines.append(
            _("{of} is above {than} in {green} cells (green, ▲) and not above it in {red} (red, ▼).").format(
                of=table.colour.of, than=table.colour.than, green=colours.count("green"), red=colours.count("red")
            )
        )
    lines += [f"[{number}] {note}" for number, note in enumerate(_notes(table), start=1)]
    return [*lines, str(table.conditions), _("Source: {source}").format(source=f"{table.source}, {table.link}")]


def _notes(table: Table) -> list[str]:
    return [*dict.fromkeys(str(row.note) for row in table.rows if str(row.note))]
