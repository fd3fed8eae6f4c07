"""From rows to columns: texts, pairs, triplets, scored pairs, labelled pairs and labelled texts.

Every reader takes any format of `tables.py`. `columns` names the columns to read, by header name, key or number counted from 1;
without it the usual names of a header decide (`header.py`), and without a header the position. A row that cannot be used is an
error with its line number; no row is dropped or repaired.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from itertools import chain, islice

import numpy as np

from juyi.data.files import PathLike
from juyi.data.header import (
    LABEL_NAMES,
    NEGATIVE_NAMES,
    OTHER_NAMES,
    PAIR_NAMES,
    SCORE_NAMES,
    SINGLE_TEXT_NAMES,
    SUBSET_NAMES,
    TEXT_NAMES,
    is_number,
    is_word,
)
from juyi.data.row_shapes import LabelledPairs, LabelledTexts, Pairs, ScoredPairs, Texts, Triplets
from juyi.data.tables import Row, Table, open_table
from juyi.data.text_stream import TextStream
from juyi.errors import ColumnsError, DataError, UsageError

_SAMPLE = 1000  # rows that decide which columns hold text
_MOST_DISTINCT = 0.2  # of the rows; up to here a short column is a label


def read_texts(
    path: PathLike, *, columns: Sequence[str] | None = None, encoding: str = "utf-8", format: str | None = None
) -> Texts:
    """All sentences of a file, row by row; within a row, column by column.

    A txt file gives its non-blank lines; in the CNSD form (`a||b||label`) both sentences. A table gives the named columns, or
    else

    1. the columns whose names usually hold text (text, sentence, question, query, sentence1, anchor, negative, …), if any;
    2. of the others, those not named as labels or ids are (label, score, id, intent, domain, category, split, answer, …) and
       whose cells in the first 1,000 rows are not all numbers, not JSON objects or lists, longer than one character on average,
       and not labels: a column whose cells are at most 20 % distinct is a label when they are single ASCII words (card_arrival),
       or on average less than half as long as those of another column. Where only columns of words are left, they are the text.

    Empty cells of these columns are left out and counted.

    Args:
        path: The file; `-` is standard input, read as txt.
        columns: Header names, keys, or numbers counted from 1.
        encoding: Of the text formats.
        format: txt, csv, tsv, data, jsonl or parquet, where the suffix does not tell it.

    Raises:
        DataError: The file or a row cannot be read, or no column holds text.
        UsageError: A column is named that the file does not have.
    """
    stream = open_texts(path, columns=columns, encoding=encoding, format=format)
    texts = list(stream)
    return Texts(texts, stream.source, stream.columns, stream.skipped)


def open_texts(
    path: PathLike,
    *,
    columns: Sequence[str] | None = None,
    encoding: str = "utf-8",
    format: str | None = None,
    keep_empty: bool = False,
) -> TextStream:
    """As `read_texts`, one sentence at a time: a file of any size in the memory of its first 1,000 rows.

    Args:
        path: See `read_texts`.
        columns: See `read_texts`.
        encoding: See `read_texts`.
        format: See `read_texts`.
        keep_empty: Give blank lines of a plain text file and empty cells as "", so that nothing gets out of step.

    Raises:
        DataError: The file cannot be read, or no column holds text; a bad row is an error when it comes to it.
        UsageError: A column is named that the file does not have.
    """
    table = open_table(
        path, encoding=encoding, format=format, wanted=columns or (), as_lines=columns is None, keep_blank=keep_empty
    )
    rows, width = table.rows, len(table.names)
    if columns is not None:
        places: Sequence[int] = _wanted(table, columns)
    elif table.is_cnsd:
        places = [width - 3, width - 2]
    elif table.format == "txt":
        lines = ((row[0], None if _is_blank(row[1][0]) else _text(table, row, 0)) for row in rows)
        return TextStream(lines, str(path), keep_empty=keep_empty)
    else:
        sample = list(islice(rows, _SAMPLE))
        places, rows = _text_columns(table, sample), chain(sample, rows)
    cells = ((row[0], None if _is_blank(row[1][place]) else _text(table, row, place)) for row in rows for place in places)
    return TextStream(cells, str(path), tuple(table.names[place] for place in places), keep_empty=keep_empty)


def read_pairs(
    path: PathLike, *, columns: Sequence[str] | None = None, encoding: str = "utf-8", format: str | None = None
) -> Pairs:
    """Pairs (anchor, positive) of a file with two columns, or with usual names for two of them (sentence1 and sentence2, …).

    Raises:
        DataError: The columns cannot be told, a row has too few or too many cells, or a sentence is empty.
        UsageError: A column is named that the file does not have.
    """
    table = open_table(path, encoding=encoding, format=format, wanted=columns or ())
    places = _places(table, columns, list(PAIR_NAMES), 2, "pairs: anchor, positive")
    anchors, positives = _text_cells(table, places)
    return Pairs(anchors, positives)


def read_triplets(
    path: PathLike, *, columns: Sequence[str] | None = None, encoding: str = "utf-8", format: str | None = None
) -> Triplets:
    """Triplets (anchor, positive, hard negative) of a file with three columns, or with usual names for three of them.

    Raises:
        DataError: The columns cannot be told, a row has too few or too many cells, or a sentence is empty.
        UsageError: A column is named that the file does not have.
    """
    table = open_table(path, encoding=encoding, format=format, wanted=columns or ())
    usual = [(*pair, negative) for pair in PAIR_NAMES for negative in NEGATIVE_NAMES]
    places = _places(table, columns, usual, 3, "triplets: anchor, positive, negative")
    anchors, positives, negatives = _text_cells(table, places)
    return Triplets(anchors, positives, negatives)


def read_scored_pairs(
    path: PathLike, *, columns: Sequence[str] | None = None, encoding: str = "utf-8", format: str | None = None
) -> ScoredPairs:
    """Pairs of sentences with a score each.

    Without `columns` and without usual names, three columns are sentence, sentence, score and four are sub-task, sentence,
    sentence, score (`id||a||b||label` in the CNSD form, where the id is left out). The first row is a header when its last cell
    is not a number and all its cells look like names. Scores are any finite numbers: 0 or 1, 0 to 5, 1 to 5.

    Raises:
        DataError: The columns cannot be told, a row has too few or too many cells, a sentence is empty, or a score is not a
            finite number.
        UsageError: A column is named that the file does not have.
    """
    table = open_table(path, encoding=encoding, format=format, wanted=columns or (), is_scored=True)
    width = len(table.names)
    usual = [(*pair, score) for pair in PAIR_NAMES for score in SCORE_NAMES]
    subset = next((place for place, name in enumerate(table.names) if name.lower() in SUBSET_NAMES), None)
    if columns is None and width == 4 and table.by_position and _usual(table, usual) is None:
        places = [1, 2, 3]
        subset = None if table.is_cnsd else 0
    else:
        places = _places(
            table, columns, usual, 3, "scored pairs: sentence, sentence, score (or sub-task, sentence, sentence, score)"
        )
    first: list[str] = []
    second: list[str] = []
    scores: list[float] = []
    subsets: list[str] = []
    for row in table.rows:
        first.append(_text(table, row, places[0]))
        second.append(_text(table, row, places[1]))
        scores.append(_score(table, row, places[2]))
        if subset is not None:
            subsets.append(_text(table, row, subset).strip())
    return ScoredPairs(first, second, np.asarray(scores, dtype=np.float64), tuple(subsets) if subset is not None else None)


def read_labelled_pairs(
    path: PathLike, *, columns: Sequence[str] | None = None, encoding: str = "utf-8", format: str | None = None
) -> LabelledPairs:
    """Pairs of sentences with a label each: premise, hypothesis and entailment, for example.

    Raises:
        DataError: The columns cannot be told, a row has too few or too many cells, or a cell is empty.
        UsageError: A column is named that the file does not have.
    """
    table = open_table(path, encoding=encoding, format=format, wanted=columns or ())
    usual = [(*pair, label) for pair in PAIR_NAMES for label in dict.fromkeys((*LABEL_NAMES, *SCORE_NAMES))]
    places = _places(table, columns, usual, 3, "labelled pairs: sentence, sentence, label")
    first, second, labels = _text_cells(table, places)
    return LabelledPairs(first, second, [label.strip() for label in labels])


def read_labelled_texts(
    path: PathLike, *, columns: Sequence[str] | None = None, encoding: str = "utf-8", format: str | None = None
) -> LabelledTexts:
    """Sentences with a label each; without `columns` and without usual names, the label is the first of two columns.

    Raises:
        DataError: The columns cannot be told, a cell is empty, or the first of two columns has more different values than the
            second, so that the order is probably text, label.
        UsageError: A column is named that the file does not have.
    """
    table = open_table(path, encoding=encoding, format=format, wanted=columns or ())
    usual = [(label, text) for label in LABEL_NAMES for text in SINGLE_TEXT_NAMES]
    by_order = columns is None and _usual(table, usual) is None
    places = _places(table, columns, usual, 2, "labelled texts: label, text")
    labels, texts = _text_cells(table, places)
    labels = [label.strip() for label in labels]
    kinds, different = len(set(labels)), len(set(texts))
    if by_order and kinds > different:
        reason = (
            f"the first column has {kinds} different values and the second {different}, and labels come first. "
            "If they come second here, name the columns: label '2', text '1'."
        )
        raise DataError(reason, path=path)
    return LabelledTexts(labels, texts)


def _text_cells(table: Table, places: Sequence[int]) -> list[list[str]]:
    """The columns at these places, top to bottom; every cell must hold text."""
    columns: list[list[str]] = [[] for _ in places]
    for row in table.rows:
        for column, place in zip(columns, places, strict=True):
            column.append(_text(table, row, place))
    return columns


def _text_columns(table: Table, sample: Sequence[Row]) -> list[int]:
    """The columns that hold text; the rule is in the docstring of `read_texts`."""
    known = [place for place, name in enumerate(table.names) if name.lower() in TEXT_NAMES]
    if table.has_names and known:
        return known
    lengths: dict[int, float] = {}
    few: set[int] = set()  # columns of few different cells
    words: set[int] = set()  # those of them whose cells are single words
    for place, name in enumerate(table.names):
        cells = [row[1][place] for row in sample if not _is_blank(row[1][place])]
        if name.lower() in OTHER_NAMES or not all(isinstance(cell, str) for cell in cells):
            continue
        strings = [str(cell).strip() for cell in cells]
        length = sum(map(len, strings)) / max(len(strings), 1)
        if length <= 1 or all(map(is_number, strings)) or all(map(_is_json, strings)):
            continue
        lengths[place] = length
        if len(set(strings)) <= _MOST_DISTINCT * len(strings):
            few.add(place)
            if all(map(is_word, strings)):
                words.add(place)
    left = [place for place in lengths if place not in words] or list(lengths)
    longest = max((lengths[place] for place in left), default=0.0)
    found = [place for place in left if place not in few or 2 * lengths[place] >= longest]
    if not found:
        raise DataError(f"no column holds text ({_columns_of(table)}). Name the columns to read.", path=table.path)
    return found


def _places(table: Table, wanted: Sequence[str] | None, usual: Sequence[tuple[str, ...]], count: int, shape: str) -> list[int]:
    """Where the columns of a row shape are: as asked for, or by a usual set of names, or by position."""
    if wanted is not None:
        if len(wanted) != count:
            raise UsageError(f"{len(wanted)} columns are named ({', '.join(wanted)}), but {count} are needed for {shape}.")
        return _wanted(table, wanted)
    found = _usual(table, usual)
    if found is not None:
        return found
    if table.by_position and len(table.names) == count:
        return list(range(count))
    reason = f"needs {shape}. The file has {_columns_of(table)}. Name the columns to read, in this order."
    raise ColumnsError(reason, path=table.path, needed=count, found=table.names if table.has_names else len(table.names))


def _usual(table: Table, usual: Sequence[tuple[str, ...]]) -> list[int] | None:
    if not table.has_names:
        return None
    names = [name.lower() for name in table.names]
    return next(([names.index(name) for name in candidate] for candidate in usual if set(candidate) <= set(names)), None)


def _wanted(table: Table, wanted: Sequence[str]) -> list[int]:
    """The places of columns that the caller named."""
    places = []
    names = [name.lower() for name in table.names]
    for name in wanted:
        if name in table.names:
            places.append(table.names.index(name))
        elif name.lower() in names:
            places.append(names.index(name.lower()))
        elif name.isdecimal() and 1 <= int(name) <= len(names):
            places.append(int(name) - 1)
        else:
            raise UsageError(f"{table.path}: there is no column '{name}'. The file has {_columns_of(table)}.")
    if not places:
        raise UsageError(f"{table.path}: no column is named. The file has {_columns_of(table)}.")
    return places


def _columns_of(table: Table) -> str:
    count = len(table.names)
    plural = "s" if count != 1 else ""
    return f"{count} column{plural}: {', '.join(table.names)}" if table.has_names else f"{count} column{plural} without names"


def _text(table: Table, row: Row, place: int) -> str:
    """The sentence or label in a cell; numbers and truth values are written as JSON writes them."""
    line, cells = row
    value = cells[place]
    if _is_blank(value):
        reason = f"column '{table.names[place]}' is empty. Every row needs a value there: fill it in, or take the row out."
        raise DataError(reason, path=table.path, line=line)
    if isinstance(value, str):
        if table.format == "jsonl" and any("\ud800" <= character <= "\udfff" for character in value):
            raise DataError(
                f"column '{table.names[place]}' holds half of a surrogate pair, which is not text.", path=table.path, line=line
            )
        return value
    if isinstance(value, int | float):
        return json.dumps(value)
    reason = f"column '{table.names[place]}' holds a {type(value).__name__}, and text is needed."
    raise DataError(reason, path=table.path, line=line)


def _score(table: Table, row: Row, place: int) -> float:
    text = _text(table, row, place).strip()
    if not is_number(text) or not math.isfinite(float(text)):
        reason = f"the score in column '{table.names[place]}' is '{text[:40]}', and a finite number is needed, such as 1 or 3.5."
        raise DataError(reason, path=table.path, line=row[0])
    return float(text)


def _is_blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _is_json(text: str) -> bool:
    return (text.startswith("{") and text.endswith("}")) or (text.startswith("[") and text.endswith("]"))
