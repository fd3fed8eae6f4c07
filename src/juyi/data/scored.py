"""Pairs with scores, pairs with labels, and texts with labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

import numpy as np
from numpy.typing import NDArray

from juyi.data.column_names import LABEL_NAMES, canonical
from juyi.data.columns import Columns, text_in
from juyi.data.files import PathLike
from juyi.data.labels import counted, is_no_consensus, nli_name, scores_of_words
from juyi.data.numbers import finite_number_in, outside_range
from juyi.data.read_options import ReadOptions
from juyi.data.roles import is_label_column
from juyi.data.row_shapes import LabelledPairs, LabelledTexts, ScoredPairs
from juyi.data.tables import is_blank
from juyi.errors import DataError

_SCORED = "scored pairs: sentence, sentence, score (or sub-task, sentence, sentence, score)"
_LABELLED = "labelled pairs: sentence, sentence, label"
_SURE_ROWS = 5  # from so many on, contents tell more than places
_TEXTS = "labelled texts: label, text"


def read_scored_pairs(path: PathLike, **options: Unpack[ReadOptions]) -> ScoredPairs:
    """Pairs of sentences with a score each.

    The columns are those that were named; or a pair by its names or because no others hold text, and the column named or filled
    as scores are. Of four columns without names the first is the sub-task, or an id where it never repeats. A row without a score
    is left out and counted.

    Scores are numbers (4.5, 4,5, 85 %), or words whose score is certain (yes and no, 是 and 否, 相似 and 不相似: 1 and 0;
    entailment, neutral, contradiction: 1, 0.5, 0), or the words of `label_scores`.

    Raises:
        DataError: The columns cannot be told, a row has too few or too many cells, a sentence is empty, a score is no finite
            number, the scores of words are not certain, a score lies far out of the scale of all others, or no row has a score.
        UsageError: A column is named that the file does not have.
    """
    columns = Columns.open(path, **options)
    table = columns.table
    places = columns.asked_for(3, _SCORED)
    subset = None
    if places is None:
        places, subset = _scored_places(columns)
    lines: list[int] = []
    first: list[str] = []
    second: list[str] = []
    written: list[str] = []
    subsets: list[str] = []
    for line, row in table.rows:
        one, other = (text_in(table, line, row[place], place) for place in places[:2])
        if is_blank(row[places[2]]) or is_no_consensus(str(row[places[2]])):
            table.left_out.add("row without a score", line)
            continue
        lines.append(line)
        first.append(one)
        second.append(other)
        written.append(text_in(table, line, row[places[2]], places[2]).strip())
        if subset is not None:
            subsets.append(text_in(table, line, row[subset], subset).strip())
    scores, remarks = _scores(columns, places[2], lines, written, options)
    columns.say([*places, *([] if subset is None else [subset])], len(first), remarks)
    return ScoredPairs(first, second, scores, tuple(subsets) if subset is not None else None)


def read_labelled_pairs(path: PathLike, **options: Unpack[ReadOptions]) -> LabelledPairs:
    """Pairs of sentences with a label each: premise, hypothesis and entailment, for example.

    Where every label says entailment, neutral or contradiction in some way (蕴含, entails, …), these three words are the labels,
    and rows without a consensus (`-`) are left out and counted.

    Raises:
        DataError: The columns cannot be told, a row has too few or too many cells, or a cell is empty.
        UsageError: A column is named that the file does not have.
    """
    columns = Columns.open(path, **options)
    table = columns.table
    places = columns.asked_for(3, _LABELLED) or _labelled_places(columns)
    rows = [(line, [text_in(table, line, row[place], place) for place in places]) for line, row in table.rows]
    labels = [cells[2].strip() for _, cells in rows]
    names = [nli_name(label) for label in labels]
    if columns.wanted is None and all(name or is_no_consensus(label) for name, label in zip(names, labels, strict=True)):
        for (line, _), name in zip(rows, names, strict=True):
            if name is None:
                table.left_out.add("row without a consensus", line)
        kept = [(cells[0], cells[1], name) for (_, cells), name in zip(rows, names, strict=True) if name is not None]
    else:
        kept = [(cells[0], cells[1], label) for (_, cells), label in zip(rows, labels, strict=True)]
    if not kept:
        raise DataError("no row has a label.", path=path)
    columns.say(places, len(kept))
    return LabelledPairs([row[0] for row in kept], [row[1] for row in kept], [row[2] for row in kept])


def read_labelled_texts(path: PathLike, **options: Unpack[ReadOptions]) -> LabelledTexts:
    """Sentences with a label each.

    The columns are those that were named (label, then text), or told by their names, or by their contents; of two columns that
    both could be either, the label is the first, unless the second has fewer different values.

    Raises:
        DataError: The columns cannot be told, or a cell is empty.
        UsageError: A column is named that the file does not have.
    """
    columns = Columns.open(path, **options)
    table = columns.table
    places = columns.asked_for(2, _TEXTS) or _labelled_text_places(columns)
    labels: list[str] = []
    texts: list[str] = []
    for line, row in table.rows:
        labels.append(text_in(table, line, row[places[0]], places[0]).strip())
        texts.append(text_in(table, line, row[places[1]], places[1]))
    remarks = [f"column {table.names[places[0]]} is the label"]
    if columns.wanted is None and len(table.names) == 2 and columns.by_position and len(set(labels)) > len(set(texts)):
        labels, texts = [text.strip() for text in texts], labels
        remarks = [f"column {table.names[places[1]]} is the label, for it has fewer different values"]
    columns.say(places, len(texts), remarks)
    return LabelledTexts(labels, texts)


def _scored_places(columns: Columns) -> tuple[list[int], int | None]:
    table, width = columns.table, len(columns.table.names)
    pair, score = columns.pair(), columns.judgement()
    subset = next(iter(columns.places("subset")), None)
    unsure = pair is None or score is None or score in pair or len(table.sample) < _SURE_ROWS
    if columns.by_position and width in (3, 4) and unsure:
        # Rows too few or cells too short to tell, or a bad one among the scores: the usual order decides.
        pair, score = ([width - 3, width - 2], width - 1) if not _leads(columns) else ([1, 2], 0)
    if pair is None or score is None or score in pair:
        raise columns.error(_SCORED, 3)
    if subset is None and columns.by_position and width == 4 and table.delimiter != "||":
        other = next(iter({0, 1, 2, 3} - {*pair, score}))
        values = columns.cells(other)
        is_id = columns.roles[other] == "id" or all(finite_number_in(value) is not None for value in values)
        subset = None if is_id or (len(set(values)) == len(values) >= _SURE_ROWS) else other
    return [*pair, score], subset


def _leads(columns: Columns) -> bool:
    """Whether of three columns the first, and not the last, holds scores or labels."""
    return len(columns.table.names) == 3 and columns.is_judgement(0) and not columns.is_judgement(2)


def _labelled_places(columns: Columns) -> list[int]:
    pair, label = columns.pair(), columns.judgement()
    named = [place for place in columns.places("label") if columns.table.has_names]
    if columns.by_position and len(columns.table.names) == 3 and (pair is None or label is None):
        return [0, 1, 2] if not _leads(columns) else [1, 2, 0]
    label = named[0] if named else label
    if pair is None or label is None or label in pair:
        raise columns.error(_LABELLED, 3)
    return [*pair, label]


def _labelled_text_places(columns: Columns) -> list[int]:
    table = columns.table
    texts = columns.places("text")
    named = [place for place, name in enumerate(table.names) if table.has_names and canonical(name) in LABEL_NAMES]
    if named and len(texts) >= 1:
        return [named[0], next(place for place in texts)]
    pair = columns.pair() if table.has_names else None
    if pair is not None:
        return pair
    labels = columns.places("label", "score")
    if len(texts) == 1 and len(labels) == 1 and table.by_position:
        return [labels[0], texts[0]]
    if table.by_position and len(table.names) == 2:
        return [0, 1]
    raise columns.error(_TEXTS, 2)


def _scores(
    columns: Columns, place: int, lines: Sequence[int], written: Sequence[str], options: ReadOptions
) -> tuple[NDArray[np.float64], list[str]]:
    """The scores that stand for what was written, and what is to be said about it."""
    path, name = columns.table.path, columns.table.names[place]
    if not written:
        raise DataError(f"no row has a score: column '{name}' is empty. Fill it in, for some of the rows at least.", path=path)
    numbers = [finite_number_in(cell) for cell in written]
    words = options.get("label_scores") or (None if any(n is not None for n in numbers) else scores_of_words(written))
    if words:
        numbers = [words.get(cell, number) for cell, number in zip(written, numbers, strict=True)]
    known = sum(number is not None for number in numbers)
    if known < len(numbers) and (known == 0 and len(set(written)) <= max(8, len(written) // 5)):
        raise DataError(
            f"column '{name}' holds {counted(written)}, and what scores these stand for is not certain. Write numbers, or say it "
            f"with --label-score {written[0]}=1 and so on (in Python label_scores={{…}}).",
            path=path,
        )
    if None in numbers:
        bad = numbers.index(None)
        if known == 0 and not is_label_column(written, 0):
            raise columns.error(_SCORED, 3, f"Column '{name}' holds sentences, such as {written[0][:30]!r}.")
        reason = f"the score in column '{name}' is '{written[bad][:40]}', and a finite number is needed, such as 1 or 3.5."
        raise DataError(reason, path=path, line=lines[bad])
    scores = np.asarray(numbers, dtype=np.float64)
    outside, (low, high) = outside_range(scores)
    if len(outside):
        shown = ", ".join(f"{written[i]} (line {lines[i]})" for i in outside[:5].tolist())
        raise DataError(
            f"the scores in column '{name}' lie between {low:g} and {high:g}, but for {shown}. Repair "
            f"{'it' if len(outside) == 1 else 'them'}, or take the rows out.",
            path=path,
            line=lines[int(outside[0])],
        )
    remarks = [f"{', '.join(f'{word} = {score:g}' for word, score in list(words.items())[:6])}"] if words else []
    return scores, remarks
