"""Rows of parquet files and of Excel sheets, each through the library that knows them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from juyi.data.files import PathLike
from juyi.errors import DataError
from juyi.extras import require

_BATCH_ROWS = 1024  # of all columns, vectors among them, as Python's objects


def parquet_rows(path: PathLike) -> tuple[tuple[str, ...], Iterator[tuple[int, tuple[object, ...]]]]:
    """The columns of a parquet file and its rows, counted from 1. Needs the extra `hub`.

    Raises:
        DataError: It is no parquet file, or has no rows.
        MissingExtraError: pyarrow is not installed.
    """
    parquet = require("pyarrow.parquet", extra="hub", purpose="reading parquet files")
    try:
        file = parquet.ParquetFile(path)
    except (ValueError, OSError) as error:  # pyarrow.ArrowInvalid is a ValueError
        raise DataError(f"this is not a parquet file ({error}).", path=path) from error
    if file.metadata.num_rows == 0:
        raise DataError("the file is empty: it has no rows.", path=path)

    def rows() -> Iterator[tuple[int, tuple[object, ...]]]:
        number = 0
        for batch in file.iter_batches(batch_size=_BATCH_ROWS):
            for cells in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                number += 1
                yield number, cells

    return tuple(file.schema_arrow.names), rows()


def xlsx_rows(path: PathLike) -> tuple[str, Iterator[tuple[int, tuple[str, ...]]]]:
    """The name of the first sheet that holds something and its rows, cells as text. Needs the extra `xlsx`.

    Raises:
        DataError: It is no Excel file, or all of its sheets are empty.
        MissingExtraError: openpyxl is not installed.
    """
    openpyxl = require("openpyxl", extra="xlsx", purpose="reading Excel files")
    try:
        with warnings.catch_warnings(), Path(path).open("rb") as file:  # a path would be judged by its name
            warnings.simplefilter("ignore")  # about styles and pictures, which are not read
            book: Any = openpyxl.load_workbook(file, data_only=True)
    except (BadZipFile, KeyError, ValueError, OSError) as error:
        raise DataError(f"this is not an Excel file ({error}). If it is another archive, unpack it.", path=path) from error
    for sheet in book.worksheets:
        rows = [tuple(map(_text, row)) for row in sheet.iter_rows(values_only=True)]
        width = max((place for row in rows for place, cell in enumerate(row, start=1) if cell), default=0)
        if width:
            return sheet.title, iter([(number, row[:width]) for number, row in enumerate(rows, start=1)])
    raise DataError("the file is empty: none of its sheets holds anything.", path=path)


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)
