"""What shape the rows of a file have, before anybody says what they shall be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Unpack

from juyi.data.column_names import LABEL_NAMES, canonical, numbered_places
from juyi.data.columns import Columns
from juyi.data.files import PathLike
from juyi.data.labels import is_no_consensus, nli_name
from juyi.data.read_options import ReadOptions
from juyi.data.row_shapes import Texts
from juyi.data.tables import is_blank
from juyi.data.texts import texts_of

Shape = Literal["texts", "pairs", "triplets", "scored pairs", "labelled pairs", "labelled texts", "unknown"]

_SHOWN_ROWS = 3


@dataclass(frozen=True)
class Understanding:
    """What was understood of a file.

    Attributes:
        shape: Of its rows; `unknown` where the columns do not tell it.
        sentence: How it was read, in one line.
        columns: Name and role of each column.
        rows: The first three.
    """

    shape: Shape
    sentence: str
    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, ...], ...]


def understand(path: PathLike, **options: Unpack[ReadOptions]) -> Understanding:
    """What a file looks like to the readers: its shape, its columns, its first rows.

    Raises:
        DataError: The file cannot be read.
        UsageError: A column is named that the file does not have.
    """
    return _understanding(Columns.open(path, **options))


def understand_texts(path: PathLike, **options: Unpack[ReadOptions]) -> tuple[Understanding, Texts]:
    """What was understood of a file, and its sentences; the file, or standard input, is read once.

    Raises:
        DataError: The file cannot be read, or no column holds text.
        UsageError: A column is named that the file does not have.
    """
    columns = Columns.open(path, **options)
    return _understanding(columns), texts_of(columns)


def _understanding(columns: Columns) -> Understanding:
    table = columns.table
    places = columns.wanted or list(range(len(table.names)))
    roles = tuple((table.names[place], columns.roles[place] or "empty") for place in places)
    rows = tuple(
        tuple("" if is_blank(row[place]) else str(row[place]) for place in places) for _, row in table.sample[:_SHOWN_ROWS]
    )
    return Understanding(_shape_of(columns), columns.sentence(places), roles, rows)


def _shape_of(columns: Columns) -> Shape:
    table = columns.table
    if table.is_lines:
        return "texts"
    if columns.wanted is not None:
        return _shape_of_named(columns, columns.wanted)
    pair, judged = columns.pair(), columns.judgement()
    if pair is not None and numbered_places(table.names, "negative"):
        return "triplets"
    if columns.by_position and (pair is None or judged is None) and len(table.names) in (3, 4):
        return _shape_by_position(columns)
    if pair is not None and judged is not None and judged not in pair and columns.is_judgement(judged):
        return _judged_shape(columns, judged)
    return _shape_without_judgement(columns, pair is not None)


def _shape_by_position(columns: Columns) -> Shape:
    """The shape of three or four columns that have neither usual names nor cells that tell."""
    last = len(columns.table.names) - 1
    if columns.is_judgement(last):
        return _judged_shape(columns, last)
    if last == 3:
        return "unknown"
    return "scored pairs" if columns.is_judgement(0) else "triplets"


def _shape_without_judgement(columns: Columns, is_pair: bool) -> Shape:
    table, texts = columns.table, columns.places("text")
    named = any(table.has_names and canonical(name) in LABEL_NAMES for name in table.names)
    if (len(table.names) == 2 and table.by_position) or (named and texts):
        return "labelled texts"
    if len(texts) == 3 and table.by_position:
        return "triplets"
    return "pairs" if is_pair else "texts" if len(texts) == 1 else "unknown"


def _judged_shape(columns: Columns, place: int) -> Shape:
    cells = columns.cells(place)
    is_nli = any(map(nli_name, cells)) and all(nli_name(cell) or is_no_consensus(cell) for cell in cells)
    return "labelled pairs" if is_nli else "scored pairs"


def _shape_of_named(columns: Columns, wanted: list[int]) -> Shape:
    """The shape of columns that the caller named in the order of a shape."""
    if len(wanted) == 3 and columns.is_judgement(wanted[2]):
        return _judged_shape(columns, wanted[2])
    return {1: "texts", 2: "labelled texts", 3: "triplets"}.get(len(wanted), "unknown")  # type: ignore[return-value]
