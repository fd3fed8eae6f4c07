"""Unlabelled sentences of a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Unpack, cast

from juyi.data.column_names import likely_role_of_name
from juyi.data.columns import Columns, columns_of, named_places, text_in, texts_in
from juyi.data.files import PathLike
from juyi.data.left_out import BadRows, counted_words
from juyi.data.read_options import ReadOptions
from juyi.data.row_shapes import Texts
from juyi.data.tables import Table, is_blank
from juyi.data.text_stream import TextRow, TextStream
from juyi.errors import DataError, UsageError


def read_texts(path: PathLike, **options: Unpack[ReadOptions]) -> Texts:
    """All sentences of a file, row by row; within a row, column by column.

    A plain text file gives its lines that are not blank. A table gives the columns that were named, or else

    1. the columns whose names usually hold text (text, sentence, 问题, query, sentence1, anchor, negative, …), if any;
    2. of the others, those that by their contents hold neither ids, numbers, labels nor JSON: `juyi.data.roles` has the rule.
       Where only columns of labels are left, they are the text.

    A cell with a list gives all texts in it. Empty cells and blank rows are left out and counted.

    Args:
        path: The file; `-` is standard input.
        options: See `ReadOptions`.

    Raises:
        DataError: The file or a row cannot be read, or no column holds text.
        UsageError: A column is named that the file does not have.
    """
    return texts_of(Columns.open(path, **options))


def open_texts(
    path: PathLike,
    *,
    keep_empty: bool = False,
    id_column: str | None = None,
    bad_rows: BadRows = "error",
    **options: Unpack[ReadOptions],
) -> TextStream:
    """As `read_texts`, one sentence at a time: a file of any size in the memory of its first 1,000 rows.

    Args:
        path: The file; `-` is standard input.
        keep_empty: Give an empty text for every blank row and empty cell, but for blank rows at the end: a text for every row.
        id_column: The column whose cells are the ids of the rows, by name or number from 1; it is no text.
        bad_rows: Whether a row that cannot be read ends the reading, or counts as a blank one: `left_out` says which.
        options: See `ReadOptions`; `log` hears what was understood before the first sentence comes.

    Raises:
        DataError: The file cannot be read, or no column holds text; a bad row is an error when it comes to it.
        UsageError: A column is named that the file does not have.
    """
    columns = Columns.open(path, id_column=id_column, keep_blank=keep_empty, bad_rows=bad_rows, **options)
    stream = _text_stream(columns, keep_empty=keep_empty, id_column=id_column)
    columns.log(stream.sentence)
    return stream


def texts_of(columns: Columns) -> Texts:
    """All sentences of a file that was opened; see `read_texts`.

    Raises:
        DataError: A row cannot be read, or no column holds text.
    """
    stream = _text_stream(columns)
    texts = list(stream)
    columns.log(stream.sentence)
    return Texts(texts, stream.source, stream.columns, stream.skipped)


def _text_stream(columns: Columns, *, keep_empty: bool = False, id_column: str | None = None) -> TextStream:
    table = columns.table
    ids = None if id_column is None else _id_place(table, id_column)
    places = columns.wanted or _text_places(columns, ids)
    names = () if table.is_lines else tuple(table.names[place] for place in places)
    rows = _rows(table, places, ids, keep_empty)
    stream = TextStream(rows, str(table.path), names, table.left_out, has_ids=ids is not None)
    stream.describe = lambda: columns.sentence(
        places if ids is None or ids in places else [*places, ids],
        remarks=[
            *([f"ids from {table.names[ids]}"] if ids is not None else []),
            *([counted_words(stream.count, "text")] if stream.count else []),
        ],
        left_out=not keep_empty,
    )
    return stream


def _id_place(table: Table, column: str) -> int:
    if table.is_lines:
        raise UsageError(
            f"{table.path} is a plain text file, so there is no column '{column}' of ids. Leave it out, or name a table; "
            "--delimiter says what parts its cells."
        )
    return named_places(table, [column])[0]


def _rows(table: Table, places: list[int], ids: int | None, keep_empty: bool) -> Iterator[TextRow]:
    """Each text; empty cells are counted, or are empty texts. A row of which a part cannot be read is blank in all parts."""
    bad = table.left_out.bad
    for line, row in table.rows:
        own = None if ids is None or all(map(is_blank, row)) else _id(table, line, row[ids], ids)
        cells = [_texts(table, line, row[place], place) for place in places]
        for texts in cells:
            if line in bad or not texts:
                if keep_empty:
                    yield TextRow(line, "", None if line in bad else own)
                elif line not in bad:
                    table.left_out.add("empty cell", line)
            else:
                yield from (TextRow(line, text, own) for text in texts)


def _texts(table: Table, line: int, cell: object, place: int) -> list[str]:
    """The texts of a cell; none where it cannot be read, and may stand."""
    try:
        return texts_in(table, line, cell, place)
    except DataError as error:
        table.left_out.refuse(error)
        return []


def _id(table: Table, line: int, cell: object, place: int) -> str | int | None:
    """The id of a row; None in a row that cannot be read.

    Raises:
        DataError: There is none in the row, or it is neither text nor a whole number.
    """
    if line in table.left_out.bad:
        return None
    try:
        if is_blank(cell) or (isinstance(cell, int) and not isinstance(cell, bool)):
            text_in(table, line, cell, place)  # raises where it is blank
            return cast(int, cell)
        if isinstance(cell, bool | float):
            reason = f"column '{table.names[place]}' holds {cell}, and ids are texts or whole numbers. Convert it."
            raise DataError(reason, path=table.path, line=line)
        return text_in(table, line, cell, place)
    except DataError as error:
        table.left_out.refuse(error)
        return None


def _text_places(columns: Columns, ids: int | None = None) -> list[int]:
    """The columns that hold text, without that of the ids; the rule is in the docstring of `read_texts`."""
    table = columns.table
    if table.is_lines:
        return [0]
    texts = [place for place in columns.places("text", "negative") if place != ids]
    named = [place for place in texts if table.has_names and likely_role_of_name(table.names[place])]
    if not (named or texts):
        raise DataError(f"no column holds text ({columns_of(table)}). Name the columns to read.", path=table.path)
    return named or texts
