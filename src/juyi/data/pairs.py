"""Pairs and triplets of a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Unpack

from juyi.data.column_names import numbered_places
from juyi.data.columns import Columns, text_in, texts_in
from juyi.data.files import PathLike
from juyi.data.read_options import ReadOptions
from juyi.data.row_shapes import Pairs, Triplets

_PAIRS = "pairs: anchor, positive"
_SURE_ROWS = 5
_TRIPLETS = "triplets: anchor, positive, negative"


def read_pairs(path: PathLike, **options: Unpack[ReadOptions]) -> Pairs:
    """Pairs (anchor, positive): the columns that were named, those with the names of a pair, or the only two that hold text.

    A list of positives, or columns positive_1, positive_2, …, give a pair each.

    Raises:
        DataError: The columns cannot be told, another column says that not every row is a pair that means the same, a row has too
            few or too many cells, or a sentence is empty.
        UsageError: A column is named that the file does not have.
    """
    columns = Columns.open(path, **options)
    places = columns.asked_for(2, _PAIRS)
    if places is None:
        places = _pair_places(columns)
        _refuse_judged(columns, places)
    more = _more(columns, places, "positive")
    anchors: list[str] = []
    positives: list[str] = []
    for line, row in columns.table.rows:
        anchor = text_in(columns.table, line, row[places[0]], places[0])
        found = _texts(columns, line, row, [places[1], *more])
        anchors += [anchor] * len(found)
        positives += found
    columns.say([*places, *more], len(anchors))
    return Pairs(anchors, positives)


def read_triplets(path: PathLike, **options: Unpack[ReadOptions]) -> Triplets:
    """Triplets (anchor, positive, hard negative): the columns that were named, those with such names, or three that hold text.

    Of lists of positives and negatives (`{"query": …, "pos": […], "neg": […]}`), or columns negative_1, negative_2, …, every
    one is used: as many triplets as the longer of the two has parts, the shorter one from the beginning again.

    Raises:
        DataError: The columns cannot be told, the third holds labels and no sentences, a row has too few or too many cells, or a
            sentence is empty.
        UsageError: A column is named that the file does not have.
    """
    columns = Columns.open(path, **options)
    places = columns.asked_for(3, _TRIPLETS) or _triplet_places(columns)
    positive_places = [places[1], *_more(columns, places, "positive")]
    negative_places = [places[2], *_more(columns, places, "negative")]
    anchors: list[str] = []
    positives: list[str] = []
    negatives: list[str] = []
    for line, row in columns.table.rows:
        anchor = text_in(columns.table, line, row[places[0]], places[0])
        same, other = (_texts(columns, line, row, group) for group in (positive_places, negative_places))
        count = max(len(same), len(other))
        anchors += [anchor] * count
        positives += [same[i % len(same)] for i in range(count)]
        negatives += [other[i % len(other)] for i in range(count)]
    columns.say([places[0], *positive_places, *negative_places], len(anchors))
    return Triplets(anchors, positives, negatives)


def _pair_places(columns: Columns) -> list[int]:
    found = columns.pair()
    others = columns.places("id", "score", "label") if columns.by_position else []
    if found is None and columns.by_position and len(columns.table.names) == 2 and not others:
        found = [0, 1]
    if found is None:
        raise columns.error(_PAIRS, 2, f"Of them {columns.said(others[0])}." if others else "")
    return found


def _refuse_judged(columns: Columns, places: Sequence[int]) -> None:
    """Refuse a file with a column of labels that are not all the same: there, not every row is a positive pair."""
    judged = columns.judgement()
    if judged is None or judged in places or not columns.is_judgement(judged):
        return
    cells = columns.cells(judged)
    if len(cells) >= _SURE_ROWS and len(set(cells)) == 1:  # all the same: then they say nothing
        return
    reason = f"{columns.said(judged)}, so not every row is a pair that means the same. Keep the rows that are, or"
    raise columns.error(_PAIRS, 2, f"Of them {reason} read it as scored pairs.")


def _triplet_places(columns: Columns) -> list[int]:
    table = columns.table
    pair, negatives = columns.pair(), numbered_places(table.names, "negative")
    if pair is not None and negatives:
        return [*pair, negatives[0]]
    texts = columns.places("text")
    if len(texts) == 3 and table.by_position and (not table.has_names or pair is None):
        return texts
    if columns.by_position and len(table.names) == 3 and not any(map(columns.is_judgement, range(3))):
        return [0, 1, 2]
    judged = columns.judgement()
    if judged is None and columns.by_position and len(table.names) == 3:
        judged = next((place for place in range(3) if columns.is_judgement(place)), None)
    more = "" if judged is None else f"Of them {columns.said(judged)}, which are labels and no sentences."
    raise columns.error(_TRIPLETS, 3, more)


def _more(columns: Columns, places: Sequence[int], kind: Literal["positive", "negative"]) -> list[int]:
    """Further columns of positives or negatives, where the columns were not named by the caller."""
    if columns.wanted is not None or not columns.table.has_names:
        return []
    return [place for place in numbered_places(columns.table.names, kind) if place not in places]


def _texts(columns: Columns, line: int, row: Sequence[object], places: Sequence[int]) -> list[str]:
    """The texts of several cells, of which some may be empty but not all."""
    table = columns.table
    found = [text for place in places for text in texts_in(table, line, row[place], place)]
    return found or [text_in(table, line, row[places[0]], places[0])]
