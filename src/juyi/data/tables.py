"""Files with columns: from txt, csv, tsv, data, jsonl and parquet to one table of numbered rows."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

from juyi.data.files import COMPRESSIONS, STDIN, PathLike, check_readable, read_lines, suffix_of
from juyi.data.header import is_header, is_number, looks_like_sentence
from juyi.errors import DataError
from juyi.extras import require

FORMATS = ("txt", "csv", "tsv", "data", "jsonl", "parquet")

Row = tuple[int, tuple[object, ...]]
"""A line number (a row number in parquet files) and the cells."""

_Cells = tuple[int, tuple[str, ...]]


@dataclass(frozen=True)
class Table:
    """The columns of a file and its rows, which can be walked through once.

    `names` come from the header, the keys or the schema; without any they are "1", "2", … `by_position` says whether the order
    of the columns means something; in objects with keys it does not.
    """

    path: PathLike
    format: str
    names: tuple[str, ...]
    has_names: bool
    by_position: bool
    rows: Iterator[Row]
    is_cnsd: bool = False


def format_of(path: PathLike, format: str | None = None) -> str:
    """One of `FORMATS`: the one that is asked for, or else the suffix; a name without suffix and `-` are txt.

    Raises:
        DataError: The format or the suffix is not known.
    """
    if format is None and suffix_of(path) == "parquet" and str(path).lower().endswith(COMPRESSIONS):
        raise DataError("parquet files are compressed inside; unpack this one first.", path=path)
    name = format if format is not None else suffix_of(path) or "txt"
    if name not in FORMATS:
        raise DataError(
            f"the format '{name}' is not known. Allowed: {', '.join(FORMATS)}, each but parquet also with .gz or .xz behind it. "
            "Rename the file after what it holds, or save it in one of these formats.",
            path=path,
        )
    return name


def open_table(
    path: PathLike,
    *,
    encoding: str = "utf-8",
    format: str | None = None,
    wanted: Sequence[str] = (),
    is_scored: bool = False,
    as_lines: bool = False,
    keep_blank: bool = False,
) -> Table:
    """The columns and rows of a file, read as they are asked for.

    - tsv, data, and txt with tabs: no quoting, a quote character is a character like any other. The first row is a header when
      it holds only names and one of them is a usual one (`header.py`), or when it holds the wanted names.
    - txt with `||`: the CNSD form `a||b||label` or `id||a||b||label`; no header.
    - csv: commas, double quotes; the first row is the header. In scored pairs it is none when its last cell is a number.
    - jsonl: one object a line; the keys of the first are the columns. A list gives columns 1, 2, …, a string the column `text`.
    - parquet: the columns of the schema. Needs the extra `hub`.

    Args:
        path: The file, or `-`.
        encoding: Of the text formats.
        format: One of `FORMATS`, where the suffix does not tell it.
        wanted: The names of columns that the caller asked for.
        is_scored: The last column should hold a number, so a first row of names without one is a header.
        as_lines: A txt file that is not in the CNSD form is one column of lines, tabs and all.
        keep_blank: Of such a file the blank lines too.

    Raises:
        DataError: The file cannot be read, or a row does not have the columns of the first.
    """
    kind = format_of(path, format)
    if kind == "parquet":
        return _parquet_table(path)
    if kind == "jsonl":
        return _jsonl_table(path, encoding, bool(wanted))
    if kind == "csv":
        cells = _csv_rows(path, encoding)
    else:
        lines = read_lines(path, encoding=encoding, keep_blank=True)
        # A line of nothing but tabs is a row of empty cells, not a blank line.
        head = next(lines)
        lines = chain([head], lines)
        if not (kind == "txt" and as_lines and keep_blank and not is_cnsd(head[1])):
            lines = ((number, line) for number, line in lines if line.strip() or "\t" in line)
            head = next(lines)
            lines = chain([head], lines)
        if kind == "txt" and is_cnsd(head[1]):
            return _delimited(path, kind, ((number, tuple(line.split("||"))) for number, line in lines), _no_header, is_cnsd=True)
        if kind == "txt" and as_lines:
            return _delimited(path, kind, ((number, (line,)) for number, line in lines), _no_header)
        cells = ((number, tuple(line.split("\t"))) for number, line in lines)
    return _delimited(path, kind, cells, partial(_has_header, path, kind, wanted, is_scored))


def first_row(path: PathLike, *, encoding: str = "utf-8") -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of a file's columns, in lower case, and the cells of its first row; the names are numbers where it has none.

    Raises:
        DataError: The file cannot be read or has no rows.
    """
    table = open_table(path, encoding=encoding, is_scored=True)
    for _, cells in table.rows:
        return tuple(name.lower() for name in table.names), tuple(str(cell) for cell in cells)
    raise DataError("there is a row of names and none below it.", path=path)


def _no_header(row: Sequence[str]) -> bool:
    return False


def _has_header(path: PathLike, kind: str, wanted: Sequence[str], is_scored: bool, row: Sequence[str]) -> bool:
    names = {cell.strip().lower() for cell in row}
    asked = [name.lower() for name in wanted if not name.isdecimal()]
    if asked and names.issuperset(asked):
        return True
    if is_scored:
        return not is_number(row[-1]) and is_header(row, any_name=True)
    if kind != "csv":
        return is_header(row)
    if any(looks_like_sentence(cell) for cell in row):
        reason = (
            f"the first row of a csv file must hold the names of the columns; it is: {_short(row)}. Add a row of names on top."
        )
        raise DataError(reason, path=path, line=1)
    return True


def is_cnsd(line: str) -> bool:
    """Whether a line has the form `a||b||label` or `id||a||b||label` with a number at its end."""
    parts = line.split("||")
    return len(parts) in (3, 4) and is_number(parts[-1])


def _delimited(
    path: PathLike, kind: str, cells: Iterator[_Cells], has_header: Callable[[Sequence[str]], bool], *, is_cnsd: bool = False
) -> Table:
    number, first = next(cells)
    found = has_header(first)
    if found:
        names = tuple(cell.strip() or str(place) for place, cell in enumerate(first, start=1))
        if len({name.lower() for name in names}) < len(names):
            raise DataError(
                f"two columns have the same name in the header {list(names)}. Rename one of them.", path=path, line=number
            )
    else:
        names = tuple(str(place) for place in range(1, len(first) + 1))
        cells = chain([(number, first)], cells)

    def rows() -> Iterator[Row]:
        empty = True
        for line, row in cells:
            empty = False
            if len(row) != len(names):
                problem = "too few" if len(row) < len(names) else "too many"
                columns = f"{len(row)} column{'s' if len(row) != 1 else ''}"
                reason = (
                    f"{problem} columns: this row has {columns}, the first one has {len(names)}. Repair the row: {_short(row)}"
                )
                raise DataError(reason, path=path, line=line)
            yield line, row
        if empty:
            raise DataError(f"only a header and no rows: {list(first)}.", path=path, line=number)

    return Table(path, kind, names, found, True, rows(), is_cnsd)


def _csv_rows(path: PathLike, encoding: str) -> Iterator[_Cells]:
    reader = csv.reader((line + "\n" for _, line in read_lines(path, encoding=encoding, keep_blank=True)), strict=True)
    start = 1
    try:
        for row in reader:
            if row:
                yield start, tuple(row)
            start = reader.line_num + 1
    except csv.Error as error:
        reason = f"this is not valid csv ({error}). A cell with a comma, a quote or a line end in it must be in double quotes."
        raise DataError(reason, path=path, line=start) from error


def _jsonl_table(path: PathLike, encoding: str, is_wanted: bool) -> Table:
    lines = read_lines(path, encoding=encoding)
    number, line = next(lines)
    first = _parse_json(path, number, line)
    if isinstance(first, dict):
        names = tuple(first)
    elif isinstance(first, list):
        names = tuple(str(place) for place in range(1, len(first) + 1))
    else:
        names = ("text",)
    if not names:
        raise DataError(
            "the first line holds an empty object. The keys of the first object are the columns.", path=path, line=number
        )

    def rows() -> Iterator[Row]:
        for at, value in chain([(number, first)], ((at, _parse_json(path, at, line)) for at, line in lines)):
            if type(value) is not type(first):
                reason = f"holds {_json_name(value)}, the first line holds {_json_name(first)}. Use one form throughout."
                raise DataError(reason, path=path, line=at)
            if isinstance(value, dict):
                extra = value.keys() - set(names)
                if extra and not is_wanted:
                    reason = (
                        f"the key '{min(extra)}' is not in line {number} ({', '.join(names)}). Give every line the same keys."
                    )
                    raise DataError(reason, path=path, line=at)
                yield at, tuple(value.get(name) for name in names)
            elif isinstance(value, list):
                if len(value) != len(names):
                    raise DataError(f"the list has {len(value)} parts, the first one has {len(names)}.", path=path, line=at)
                yield at, tuple(value)
            else:
                yield at, (value,)

    return Table(path, "jsonl", names, not isinstance(first, list), isinstance(first, list), rows())


def _parse_json(path: PathLike, number: int, line: str) -> Any:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        reason = f'this is not JSON ({error}). A jsonl file has one object a line, such as {{"text": "…"}}; got: {line[:80]}'
        raise DataError(reason, path=path, line=number) from error
    if not isinstance(value, dict | list | str):
        raise DataError(f"holds {_json_name(value)}; an object, a list or a string is needed.", path=path, line=number)
    return value


def _json_name(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a truth value", type(None): "null"}
    return names.get(type(value), "a number")


def _parquet_table(path: PathLike) -> Table:
    if str(path) == STDIN:
        raise DataError("parquet cannot be read from standard input. Name the file.", path=path)
    check_readable(path)
    parquet = require("pyarrow.parquet", extra="hub", purpose="reading parquet files")
    try:
        file = parquet.ParquetFile(path)
    except (ValueError, OSError) as error:  # pyarrow.ArrowInvalid is a ValueError
        raise DataError(f"this is not a parquet file ({error}).", path=path) from error
    if file.metadata.num_rows == 0:
        raise DataError("the file is empty: it has no rows.", path=path)

    def rows() -> Iterator[Row]:
        number = 0
        for batch in file.iter_batches():
            for cells in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                number += 1
                yield number, cells

    return Table(path, "parquet", tuple(file.schema_arrow.names), True, False, rows())


def _short(row: Sequence[object]) -> str:
    text = " | ".join(str(cell) for cell in row)
    return text if len(text) <= 80 else text[:79] + "…"
