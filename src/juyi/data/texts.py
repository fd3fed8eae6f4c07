"""Unlabelled sentences of a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Unpack

from juyi.data.column_names import likely_role_of_name
from juyi.data.columns import Columns, columns_of, texts_in
from juyi.data.files import PathLike
from juyi.data.left_out import counted_words
from juyi.data.read_options import ReadOptions
from juyi.data.row_shapes import Texts
from juyi.data.tables import Table
from juyi.data.text_stream import TextStream
from juyi.errors import DataError


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


def open_texts(path: PathLike, *, keep_empty: bool = False, **options: Unpack[ReadOptions]) -> TextStream:
    """As `read_texts`, one sentence at a time: a file of any size in the memory of its first 1,000 rows.

    Args:
        path: The file; `-` is standard input.
        keep_empty: Give an empty text for every blank row and empty cell, but for blank rows at the end: a text for every row.
        options: See `ReadOptions`; `log` hears what was understood before the first sentence comes.

    Raises:
        DataError: The file cannot be read, or no column holds text; a bad row is an error when it comes to it.
        UsageError: A column is named that the file does not have.
    """
    columns = Columns.open(path, keep_blank=keep_empty, **options)
    stream = _text_stream(columns, keep_empty=keep_empty)
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


def _text_stream(columns: Columns, *, keep_empty: bool = False) -> TextStream:
    places = columns.wanted or _text_places(columns)
    names = () if columns.table.is_lines else tuple(columns.table.names[place] for place in places)
    cells = _cells(columns.table, places, keep_empty)
    stream = TextStream(cells, str(columns.table.path), names, columns.table.left_out)
    stream.describe = lambda: columns.sentence(places, remarks=[counted_words(stream.count, "text")] if stream.count else [])
    return stream


def _cells(table: Table, places: list[int], keep_empty: bool) -> Iterator[tuple[int, str]]:
    """The number of its line and each text; empty cells are counted, or are empty texts."""
    for line, row in table.rows:
        for place in places:
            texts = texts_in(table, line, row[place], place)
            yield from ((line, text) for text in texts)
            if not texts and keep_empty:
                yield line, ""
            elif not texts:
                table.left_out.add("empty cell", line)


def _text_places(columns: Columns) -> list[int]:
    """The columns that hold text; the rule is in the docstring of `read_texts`."""
    table = columns.table
    if table.is_lines:
        return [0]
    texts = columns.places("text", "negative")
    named = [place for place in texts if table.has_names and likely_role_of_name(table.names[place])]
    if not (named or texts):
        raise DataError(f"no column holds text ({columns_of(table)}). Name the columns to read.", path=table.path)
    return named or texts
