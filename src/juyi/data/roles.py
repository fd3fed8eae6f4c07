"""What the columns of a table hold: by their names, and where these tell nothing, by what stands in them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from itertools import pairwise

from juyi.data.column_names import Role, likely_role_of_name, role_of_name
from juyi.data.header import is_word
from juyi.data.labels import is_label_word, is_no_consensus
from juyi.data.numbers import is_number, number_in
from juyi.data.tables import is_blank

_MOST_DISTINCT = 0.2  # of the rows; up to here a short column is a label
_LONGEST_LABEL = 8
_CODE = re.compile(r"[A-Za-z]*[_\-.:/#]?\d[\w\-.:/]*|[0-9a-fA-F]{8,}(-[0-9a-fA-F]{4,})*")
_DATE = re.compile(r"\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}.*|\d{1,2}:\d{2}(:\d{2})?")
_ADDRESS = re.compile(r"https?://\S+|\S+@\S+\.\S+")


def column_roles(names: Sequence[str], sample: Sequence[Sequence[object]]) -> list[Role | None]:
    """What each column holds; None for one without any content.

    By content, a column holds

    - ids: whole numbers that count the rows, or codes (q_001);
    - scores: numbers;
    - labels: only words that are written for labels (是, no, entailment); or few different cells that are single ASCII words
      (card_arrival) or on average less than half as long as those of another column;
    - something else: JSON, dates, addresses, single characters, lists of other things than texts;
    - texts: what is left.

    Where no column is left for texts, the labels are the texts.

    Args:
        names: Of the columns; numbers where the table has no names.
        sample: Rows, the more the surer.
    """
    columns = [_filled(sample, place) for place in range(len(names))]
    longest = max((_mean_length(column) for column in columns), default=0.0)
    roles = [likely_role_of_name(name) or _role_of_content(column, longest) for name, column in zip(names, columns, strict=True)]
    if "text" not in roles:
        for place, role in enumerate(roles):
            if role == "label" and role_of_name(names[place]) is None and not all(map(is_label_word, columns[place])):
                roles[place] = "text"
    return roles


def is_label_column(cells: Sequence[str], other_length: float) -> bool:
    """Whether the cells of a column are labels rather than sentences, however few rows there are.

    Args:
        cells: Those that are not empty.
        other_length: The mean length of the sentences beside them.
    """
    if not cells:
        return False
    if all(is_number(cell) or is_label_word(cell) or is_no_consensus(cell) for cell in cells):
        return True
    distinct = len(set(cells))
    short = max(map(len, cells)) <= _LONGEST_LABEL and 2 * _mean_length(cells) <= other_length
    return short and distinct < len(cells) and distinct <= max(3, _MOST_DISTINCT * len(cells))


def _role_of_content(cells: list[str], longest: float) -> Role | None:
    if not cells:
        return None
    if all(map(is_number, cells)):
        return "id" if _counts_rows(cells) else "score"
    length = _mean_length(cells)
    if all(is_label_word(cell) or is_no_consensus(cell) for cell in cells) and longest > length:
        return "label"
    if length <= 1 or _are_other(cells):
        return "other"
    if all(map(_CODE.fullmatch, cells)):
        return "id"
    few = len(set(cells)) <= _MOST_DISTINCT * len(cells) and (all(map(is_word, cells)) or 2 * length < longest)
    return "label" if few or (len(cells) > 2 and is_label_column(cells, longest)) else "text"


def _are_other(cells: list[str]) -> bool:
    return any(all(map(test, cells)) for test in (_DATE.fullmatch, _ADDRESS.fullmatch, _is_json))


def _counts_rows(cells: list[str]) -> bool:
    numbers = [number_in(cell) for cell in cells]
    steps = {None if a is None or b is None else b - a for a, b in pairwise(numbers)}
    return len(cells) > 1 and steps == {1.0} and numbers[0] in (0.0, 1.0)


def _filled(sample: Sequence[Sequence[object]], place: int) -> list[str]:
    """The cells of a column that are not empty, as text; of lists of texts the texts."""
    cells: list[str] = []
    for row in sample:
        cell = row[place]
        if isinstance(cell, list) and all(isinstance(part, str) for part in cell):
            cells += cell
        elif isinstance(cell, str):
            cells.append(cell.strip())
        else:
            cells.append("" if is_blank(cell) else json.dumps(cell, ensure_ascii=False, default=str))
    return [cell for cell in cells if not is_blank(cell)]


def _mean_length(cells: Sequence[str]) -> float:
    return sum(map(len, cells)) / len(cells) if cells else 0.0


def _is_json(cell: str) -> bool:
    if not cell.startswith(("{", "[")):
        return False
    try:
        json.loads(cell)
    except (ValueError, RecursionError):
        return False
    return True
