"""The sections of an evaluation: the scores that `juyi evaluate` and `juyi compare` write, one JSON object a line."""

from __future__ import annotations

from collections.abc import Sequence

from juyi.language import translated as _
from juyi.report.of_runs import score_cell
from juyi.report.sections import Cell, Grid, Section
from juyi.report.words import Record, decimals, difference_cell


def evaluation_sections(name: str, records: Sequence[Record]) -> list[Section]:
    """Scores: a column an encoder. Comparisons: by how much the second is above the first."""
    if "difference" in records[0]:
        return [Section(name, [_comparisons(records)])]
    models = [*dict.fromkeys(record["model"] for record in records)]
    found: dict[tuple[str, str, str, str], dict[str, Cell]] = {}
    for record in records:
        found.setdefault(_key(record), {})[record["model"]] = score_cell(record)
    rows = [[Cell(_named(key)), Cell(key[3]), *(cells.get(model, Cell("–")) for model in models)] for key, cells in found.items()]
    return [Section(name, [Grid([_("task"), _("metric"), *models], rows)])]


def _comparisons(records: Sequence[Record]) -> Grid:
    rows = []
    for record in records:
        form = f".{decimals(record['interval'])}f"
        rows.append(
            [
                Cell(_named(_key(record))),
                Cell(record["metric"]),
                Cell(f"{record['first']} {record['first_value']:{form}}"),
                Cell(f"{record['second']} {record['second_value']:{form}}"),
                difference_cell({"value": record["difference"], "interval": record["interval"]}),
                Cell(record["standing"]),
            ]
        )
    return Grid([_("task"), _("metric"), _("first"), _("second"), _("difference"), _("second is")], rows)


def _key(record: Record) -> tuple[str, str, str, str]:
    return record["task"], record["split"], record.get("subset") or "", record["metric"]


def _named(key: tuple[str, str, str, str]) -> str:
    return " ".join(filter(None, key[:3]))
