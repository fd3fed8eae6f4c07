"""Files with columns: from txt, csv, tsv, json, jsonl, xlsx and parquet to one table of numbered rows."""

from __future__ import annotations

import csv
import math
import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Unpack

from juyi.data.column_names import canonical
from juyi.data.dialect import LINES_SNIFFED, Dialect, NumberedCells, sniff, split
from juyi.data.files import COMPRESSIONS, STDIN, PathLike, Start, check_readable, open_lines, suffix_of
from juyi.data.header import has_header
from juyi.data.json_rows import (
    json_document_table,
    json_lines_table,
    looks_like_json_document,
    looks_like_json_lines,
)
from juyi.data.left_out import BadRows, LeftOut
from juyi.data.read_options import ReadOptions
from juyi.data.spreadsheets import parquet_rows, xlsx_rows
from juyi.errors import DataError, UsageError

FORMATS = ("txt", "csv", "tsv", "data", "json", "jsonl", "xlsx", "parquet")

Row = tuple[int, tuple[object, ...]]
"""A line number (a row number in json, xlsx and parquet files) and the cells."""

SAMPLE_ROWS = 1000
_SHEETS = ("csv", "xlsx")
_BINARY = {b"PAR1": "parquet", b"PK\x03\x04": "xlsx"}
_INVISIBLE = (
    string.whitespace + "\x85\xa0\u1680\u2028\u2029\u202f\u205f\u2060\u3000\ufeff" + "".join(map(chr, range(0x2000, 0x200E)))
)
_OLD_OFFICE = b"\xd0\xcf\x11\xe0"


@dataclass
class Table:
    """The columns of a file and its rows, which can be walked through once.

    Attributes:
        path: The file.
        format: One of `FORMATS`; `txt` for lines that are one cell.
        names: From the header, the keys or the schema; without any "1", "2", …
        has_names: Whether they come from the file.
        by_position: Whether the order of the columns means something; in objects with keys it does not.
        rows: All rows, blank ones left out and counted, unless they are wanted.
        sample: The first of them.
        left_out: What was not read.
        how: In words, how it was read.
        delimiter: What parts the cells of a line; empty where nothing does.
    """

    path: PathLike
    format: str
    names: tuple[str, ...]
    has_names: bool
    by_position: bool
    rows: Iterator[Row]
    sample: list[Row] = field(default_factory=list)
    left_out: LeftOut = field(default_factory=LeftOut)
    how: str = ""
    delimiter: str = ""

    def __post_init__(self) -> None:
        self.sample = list(islice(self.rows, SAMPLE_ROWS))
        self.rows = chain(self.sample, self.rows)
        bad = sum(line in self.left_out.bad for line, _ in self.sample)
        if self.left_out.first_error is not None and 2 * bad > len(self.sample):
            raise DataError(
                f"{bad:,} of the first {len(self.sample):,} rows cannot be read. The first of them: {self.left_out.first_error}",
                path=self.path,
            )
        if not self.sample:
            names = f": {', '.join(self.names)}" if self.has_names else ""
            raise DataError(f"only a header and no rows{names}." if names else "the file has no rows.", path=self.path)

    @property
    def is_lines(self) -> bool:
        """Whether it is a plain text file, whose lines are the texts."""
        return self.format == "txt"


def open_table(
    path: PathLike,
    *,
    wanted: Sequence[str] = (),
    only_wanted: bool = False,
    keep_blank: bool = False,
    bad_rows: BadRows = "error",
    **options: Unpack[ReadOptions],
) -> Table:
    """The columns and rows of a file, read as they are asked for.

    The content decides about the format, the encoding, what parts the cells (`dialect.py`) and whether the first row holds names
    (`header.py`); the name of the file is a hint. What the options say is not looked for.

    Args:
        path: The file, or `-`.
        wanted: The columns that the caller asked for; a row that holds their names is the header.
        only_wanted: No other columns are read: keys of JSON that come late are none of an error then.
        keep_blank: Give blank rows too, as empty cells, but for those at the end.
        bad_rows: Whether a row that cannot be read (not in the encoding, no JSON, other columns) ends the reading, or counts as a
            blank one.
        options: See `ReadOptions`.

    Raises:
        DataError: The file cannot be read, or a row does not have the columns of the first.
        UsageError: There is no such format or encoding.
    """
    check_readable(path)
    named = options.get("format") or None
    if named is not None and named not in FORMATS:
        raise UsageError(f"the format '{named}' is not known. Allowed: {', '.join(FORMATS)}.")
    left_out = LeftOut(bad_rows)
    kind = named or _binary_format(path)
    if kind in ("parquet", "xlsx"):
        if str(path) == STDIN:
            raise DataError(f"{kind} cannot be read from standard input. Name the file.", path=path)
        if kind == "parquet":
            names, cells = parquet_rows(path)
            return Table(path, kind, names, True, False, _without_blank(cells, left_out, keep_blank), left_out=left_out, how=kind)
        sheet, sheet_rows = xlsx_rows(path)
        return _with_header(path, "xlsx", sheet_rows, wanted, options, (left_out, keep_blank, f"xlsx, sheet {sheet}"))
    start, lines = open_lines(path, encoding=options.get("encoding") or None, left_out=left_out)
    how = [start.encoding]
    if document := _json_format(path, named, start, options):
        if document == "json":
            text = "\n".join(line for _, line in lines)
            if left_out.first_error is not None:  # the rows of a document are not its lines
                raise left_out.first_error
            names, has_names, json_rows = json_document_table(path, text)
        else:
            names, has_names, json_rows = json_lines_table(path, lines, left_out, only=wanted if only_wanted else ())
        rows = _without_blank(json_rows, left_out, keep_blank)
        by_position = not has_names
        return Table(path, document, names, has_names, by_position, rows, left_out=left_out, how=", ".join([document, *how]))
    dialect, kind, numbered = _delimited(path, named, start, lines, options)
    how = [kind, *([f"cells parted by {dialect.words}"] if kind != "txt" and dialect.delimiter else []), *how]
    table = _with_header(path, kind, numbered, wanted, options, (left_out, keep_blank, ", ".join(how)))
    table.delimiter = dialect.delimiter
    return table


def _binary_format(path: PathLike) -> str | None:
    """One of parquet and xlsx, by the first bytes; None for text."""
    if str(path) == STDIN or not Path(path).is_file():  # what is read from a pipe is gone
        return None
    suffix = suffix_of(path)
    if suffix in ("parquet", "xlsx") and str(path).lower().endswith(COMPRESSIONS):
        raise DataError(f"{suffix} files are compressed inside; unpack this one first.", path=path)
    try:
        with Path(path).open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise DataError(f"the file cannot be read ({error.strerror or error}).", path=path) from error
    if start == _OLD_OFFICE:
        raise DataError("this is a file of an old Office program. Save it as .xlsx or as csv (UTF-8).", path=path)
    return _BINARY.get(start) or ("parquet" if suffix == "parquet" else None)


def _json_format(path: PathLike, named: str | None, start: Start, options: ReadOptions) -> str:
    """One of json and jsonl; empty for other text."""
    if named is not None or options.get("delimiter") is not None:
        return named if named in ("json", "jsonl") else ""
    suffix, text = suffix_of(path), start.text.strip()
    first, _, more = text.partition("\n")
    if looks_like_json_lines(first) and (more or not start.is_whole):
        return "jsonl"
    if suffix == "jsonl":
        return "jsonl"
    is_document = text.startswith(("{", "[")) and looks_like_json_document(text, is_whole=start.is_whole)
    return "json" if is_document or suffix == "json" else ""


def _delimited(
    path: PathLike, named: str | None, start: Start, lines: Iterator[tuple[int, str]], options: ReadOptions
) -> tuple[Dialect, str, Iterator[NumberedCells]]:
    """How the cells are parted, one of txt, csv and tsv, and the rows."""
    hint, delimiter = named or suffix_of(path) or "txt", options.get("delimiter")
    head = list(islice(lines, LINES_SNIFFED))
    is_whole = len(head) < LINES_SNIFFED
    filled = [line for _, line in head if line.strip()]
    if named == "txt" and delimiter is None:
        dialect = Dialect("")
    elif not filled:  # the error of an empty file comes from the lines
        dialect = Dialect(delimiter or "")
        list(lines)
    else:
        dialect = sniff(filled, hint, is_whole=is_whole, delimiter=delimiter)
    texts = (line for _, line in chain(head, lines))
    rows = split(islice(texts, dialect.skipped, None), dialect)
    if not dialect.delimiter:
        kind = hint if hint in ("csv", "tsv") else "txt"
    else:
        kind = "tsv" if dialect.delimiter == "\t" else "csv"
    return dialect, kind, _checked(path, rows, dialect.skipped)


def _checked(path: PathLike, rows: Iterator[NumberedCells], skipped: int) -> Iterator[NumberedCells]:
    number = 0
    try:
        for number, row in rows:
            yield number + skipped, row
    except csv.Error as error:
        reason = f"this is not valid csv ({error}). A cell with a comma, a quote or a line end in it must be in double quotes."
        raise DataError(reason, path=path, line=number + skipped + 1) from error


def _with_header(
    path: PathLike,
    kind: str,
    numbered: Iterator[NumberedCells],
    wanted: Sequence[str],
    options: ReadOptions,
    more: tuple[LeftOut, bool, str],
) -> Table:
    """The table of rows of which the first may hold names."""
    left_out, keep_blank, how = more
    head = list(islice(numbered, SAMPLE_ROWS))
    filled = [(number, row) for number, row in head if any(cell.strip() for cell in row)]
    if not filled:
        for _ in numbered:  # an empty file says so itself
            pass
        raise DataError("the file has no rows.", path=path)
    width = max(place for _, row in filled for place, cell in enumerate(row, start=1) if cell.strip())
    filled = [(at, row[:width]) for at, row in filled]  # a mark at the end of every line parts nothing
    number, first = filled[0]
    header = options.get("header")
    if header is None:
        is_sheet = kind in _SHEETS or suffix_of(path) in _SHEETS
        header = kind != "txt" and _is_header(first, [row for _, row in filled[1:]], wanted, is_sheet)
    if header:
        head = [(at, row) for at, row in head if at > number]
    names = tuple(cell.strip() or str(place) for place, cell in enumerate(first, start=1))
    if header and len({name.lower() for name in names}) < len(names):
        raise DataError(
            f"two columns have the same name in the header {list(names)}. Rename one of them.", path=path, line=number
        )
    if not header:
        names = tuple(str(place) for place in range(1, len(first) + 1))
    even = _even(path, chain(head, numbered), len(first), left_out)
    rows = _without_blank(even, left_out, keep_blank, ends_blank=kind != "xlsx")
    how += ", header" if header else ", no header" if kind != "txt" else ""
    return Table(path, kind, names, header, True, rows, left_out=left_out, how=how)


def _is_header(first: Sequence[str], below: Sequence[Sequence[str]], wanted: Sequence[str], is_sheet: bool) -> bool:
    asked = {canonical(name) for name in wanted if not name.isdecimal()}
    if asked and asked <= {canonical(cell) for cell in first}:
        return True
    return has_header(first, below, is_sheet=is_sheet)


def _even(path: PathLike, numbered: Iterator[NumberedCells], width: int, left_out: LeftOut) -> Iterator[NumberedCells]:
    """The rows, each with as many cells as the first; of several columns a blank line is no row."""
    blank: list[int] = []
    for line, row in numbered:
        if left_out.bad and left_out.are_bad(line, 1 + sum(cell.count("\n") for cell in row)):
            left_out.bad.add(line)  # a row in quotes may begin above the line that is counted
            yield line, ("",) * width
            continue
        if not row or (len(row) == 1 and not row[0].strip()):
            if width == 1:
                yield line, ("",)
            else:
                blank.append(line)
            continue
        for number in blank:
            left_out.add("blank row", number)
        blank.clear()
        if len(row) > width and not any(cell.strip() for cell in row[width:]):
            yield line, row[:width]  # a spreadsheet writes empty cells behind
        elif len(row) != width:
            problem = "too few" if len(row) < width else "too many"
            columns = f"{len(row)} column{'s' if len(row) != 1 else ''}"
            reason = f"{problem} columns: this row has {columns}, the first one has {width}. Repair the row: {_short(row)}"
            left_out.refuse(DataError(reason, path=path, line=line))
            yield line, ("",) * width
        else:
            yield line, row


def _without_blank(
    rows: Iterator[tuple[int, tuple[object, ...]]], left_out: LeftOut, keep_blank: bool, *, ends_blank: bool = False
) -> Iterator[Row]:
    """The rows without those of blank cells alone, which are counted; or with them, where they are wanted.

    Where a file may end in blank lines, those are no rows; one that could not be read is.
    """
    waiting: list[Row] = []
    for line, row in rows:
        if all(is_blank(cell) for cell in row):
            waiting.append((line, row))
            continue
        yield from _waited(waiting, left_out, keep_blank)
        waiting.clear()
        yield line, row
    while ends_blank and waiting and waiting[-1][0] not in left_out.bad:
        waiting.pop()
    yield from _waited(waiting, left_out, keep_blank)


def _waited(waiting: list[Row], left_out: LeftOut, keep_blank: bool) -> Iterator[Row]:
    for line, row in waiting:
        if keep_blank:
            yield line, row
        elif line not in left_out.bad:
            left_out.add("blank row", line)


def is_blank(cell: object) -> bool:
    """Whether nothing stands in a cell: none, nan, an empty list, white space."""
    if isinstance(cell, str):
        return not cell.strip(_INVISIBLE)
    return cell is None or cell == [] or (isinstance(cell, float) and math.isnan(cell))


def _short(row: Sequence[object]) -> str:
    text = " | ".join(str(cell) for cell in row)
    return text if len(text) <= 80 else text[:79] + "…"
