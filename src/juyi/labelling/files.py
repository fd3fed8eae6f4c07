"""The sheet as files: csv and xlsx out, and whatever a spreadsheet program made of them in again."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from juyi.atomic import replaced_file, write_text
from juyi.data.column_names import canonical
from juyi.data.columns import Columns
from juyi.data.numbers import finite_number_in
from juyi.errors import DataError
from juyi.extras import require
from juyi.labelling.rubric import HIGHEST, LOWEST, grades
from juyi.language import translated as _
from juyi.types import Log

ID = re.compile(r"p\d{10}")
_ID_NAMES = frozenset({"id", "编号"})
_FORMULA = ("=", "+", "-", "@")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
_WIDTHS = (14, 46, 46, 8)


@dataclass(frozen=True)
class SheetRow:
    """A row of a sheet.

    Attributes:
        id: Of the pair; empty where the column is gone.
        first: A sentence; empty where the column is gone.
        second: The other.
        score: From 0 to 5; None where it is not filled in.
        line: Where it stands.
    """

    id: str
    first: str
    second: str
    score: float | None = None
    line: int = 0


def write_csv(path: Path, rows: Sequence[SheetRow]) -> None:
    """Write the rows so that Excel opens them with a double click: UTF-8 with a byte order mark, commas.

    A sentence that a spreadsheet would take for a formula gets an apostrophe in front.
    """
    sheet = io.StringIO()
    writer = csv.writer(sheet)
    writer.writerow(_header())
    writer.writerows([each.id, _safe(each.first), _safe(each.second), _written(each.score)] for each in rows)
    write_text(path, "\ufeff" + sheet.getvalue())


def write_xlsx(path: Path, rows: Sequence[SheetRow]) -> None:
    """Write the rows as an Excel sheet, and the rubric as a second one.

    Raises:
        MissingExtraError: openpyxl is not installed.
    """
    openpyxl = require("openpyxl", extra="xlsx", purpose="writing Excel files")
    from openpyxl.styles import Alignment, Font
    from openpyxl.worksheet.datavalidation import DataValidation

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "pairs"
    sheet.append(_header())
    for number, row in enumerate(rows, start=2):
        for place, text in enumerate((row.id, row.first, row.second), start=1):
            cell = sheet.cell(number, place, _UNPRINTABLE.sub("", text))
            cell.data_type = "s"  # never a formula
            cell.alignment = Alignment(wrap_text=True, vertical="top")
        if row.score is not None:
            sheet.cell(number, 4, row.score)
    for cell, width in zip(sheet[1], _WIDTHS, strict=True):
        cell.font = Font(bold=True)
        sheet.column_dimensions[cell.column_letter].width = width
    sheet.freeze_panes = "A2"
    allowed = DataValidation("decimal", operator="between", formula1=str(LOWEST), formula2=str(HIGHEST), allow_blank=True)
    allowed.error = f"{LOWEST} – {HIGHEST}"
    sheet.add_data_validation(allowed)
    allowed.add(f"D2:D{max(2, len(rows) + 1)}")
    rubric = book.create_sheet("rubric 评分标准")
    for grade in grades():
        rubric.append([grade.score, grade.zh, grade.en])
        for chinese, english in zip(grade.examples_zh, grade.examples_en, strict=True):
            rubric.append(["", " | ".join(chinese), " | ".join(english)])
    for letter in "BC":
        rubric.column_dimensions[letter].width = 70
    with replaced_file(path) as draft, draft.open("wb") as stream:
        book.save(stream)


def read_rows(path: Path, log: Log = lambda _: None) -> Iterator[SheetRow]:
    """The rows of a sheet, whatever the order of its rows and columns, its encoding and the columns that were added.

    Args:
        path: A file of one of `juyi.data.FORMATS`.
        log: Hears how it was read.

    Raises:
        DataError: The file cannot be read, has neither ids nor sentences, no column of scores, or a score that is none from 0
            to 5.
    """
    columns = Columns.open(path)
    table = columns.table
    names = table.names if table.has_names else ()
    ids = next((place for place, name in enumerate(names) if canonical(name) in _ID_NAMES), None)
    if ids is None:
        ids = next((place for place in range(len(table.names)) if _holds_ids(columns.cells(place))), None)
    pair, score = columns.pair(), columns.judgement()
    if score is None or (ids is None and pair is None):
        raise columns.error("a label sheet: id, sentence1, sentence2, score", 4, "Its header says what is what; put it back.")
    log(f"{path.name}: {table.how}")
    for line, row in table.rows:
        first, second = (str(row[place]).strip() for place in pair) if pair else ("", "")
        label = str(row[ids] if ids is not None and row[ids] is not None else "").strip()
        yield SheetRow(label, _unquoted(first), _unquoted(second), _score(path, line, row[score]), line)


def _header() -> list[str]:
    return ["id", _("sentence1"), _("sentence2"), _("score")]


def _score(path: Path, line: int, cell: object) -> float | None:
    written = str("" if cell is None else cell).strip()
    if not written:
        return None
    number = finite_number_in(written)
    if number is None or not LOWEST <= number <= HIGHEST:
        raise DataError(
            f"the score is '{written[:40]}'; a number from {LOWEST} to {HIGHEST} is needed, or nothing where you cannot tell.",
            path=path,
            line=line,
        )
    return number


def _holds_ids(cells: Sequence[str]) -> bool:
    return bool(cells) and sum(ID.fullmatch(cell) is not None for cell in cells) > len(cells) / 2


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def _unquoted(text: str) -> str:
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text


def _written(score: float | None) -> str:
    return "" if score is None else f"{score:g}"
