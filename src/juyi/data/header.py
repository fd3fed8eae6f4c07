"""How a row of names is told from a row of data."""

from __future__ import annotations

import re
from collections.abc import Sequence

from juyi.data.column_names import likely_role_of_name, role_of_name
from juyi.data.labels import is_label_word
from juyi.data.numbers import is_number

_NO_VALUE = frozenset({"nan", "null", "none", "na", "n/a", "inf", "infinity", "-", *"一二三四五六七八九十零"})
_PROSE = re.compile(r"[，。？！；、,?!;…\"“”{}\[\]]|吗|呢|吧|么|[你我他她它您]|怎|谁|哪|为何|如何|可以")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,39}")
_LONGEST_NAME, _LONGEST_CHINESE_NAME, _MOST_WORDS = 40, 12, 3


def has_header(first: Sequence[str], below: Sequence[Sequence[str]], *, is_sheet: bool) -> bool:
    """Whether a first row holds names.

    It does where half of its cells, and two at least, are usual names; or where all could be names, and

    - one of them is a usual name,
    - one that is no number stands above numbers alone,
    - the cells count the columns, as pandas names what has no names, and below are other things than numbers, or
    - in a csv or a spreadsheet, which mostly have names, all are identifiers or short words above cells that are not.

    A cell that comes again below in its column is data, and so is the row.

    Args:
        first: The row.
        below: Rows after it; the more, the surer.
        is_sheet: The file is a csv or a spreadsheet.
    """
    cells = [cell.strip() for cell in first]
    columns = [[row[place].strip() for row in below if place < len(row) and row[place].strip()] for place in range(len(cells))]
    if _counts(cells):
        return any(not all(map(is_number, column)) for column in columns)
    # In a csv a name may be one that is only likely: 用户提问, customer_question.
    known = [bool(likely_role_of_name(cell) if is_sheet and len(cell) > 2 else role_of_name(cell)) for cell in cells if cell]
    if sum(known) > 1 and sum(known) >= len(known) / 2 and max(map(len, cells)) <= _LONGEST_NAME:
        return True
    if not all(map(could_be_name, filter(None, cells))) or not any(cells):
        return False
    comes_again = any(cell and cell in column for cell, column in zip(cells, columns, strict=True))
    return not comes_again and (any(known) or _is_proved(cells, columns, is_sheet))


def _is_proved(cells: Sequence[str], columns: Sequence[Sequence[str]], is_sheet: bool) -> bool:
    """Whether cells that are no usual names are names all the same, by what stands below them."""
    if any(cell and column and all(map(is_number, column)) for cell, column in zip(cells, columns, strict=True)):
        return not any(map(is_label_word, cells))
    return is_sheet and any(columns) and all(map(_stands_above, cells, columns))


def could_be_name(cell: str) -> bool:
    """Whether a cell is short enough for a name, no number, no missing value and no sentence."""
    if is_number(cell) or cell.lower() in _NO_VALUE or _PROSE.search(cell) or "\n" in cell:
        return False
    if cell.isascii():
        return len(cell) <= _LONGEST_NAME and len(cell.split()) <= _MOST_WORDS
    return len(cell) <= _LONGEST_CHINESE_NAME


def is_word(cell: str) -> bool:
    """Whether a cell is one ASCII word of the kind that names and labels are: card_arrival, LAUNCH, surprise.OnWN."""
    return _IDENTIFIER.fullmatch(cell) is not None


def _counts(cells: Sequence[str]) -> bool:
    """Whether the cells are 0, 1, 2 and so on, or nothing (the index) and then these."""
    numbers = cells[1:] if not cells[0] else cells
    return len(numbers) > 1 and list(numbers) == [str(place) for place in range(len(numbers))]


def _stands_above(cell: str, column: Sequence[str]) -> bool:
    """Whether a cell looks like a name beside the cells below it."""
    if not cell or not column:
        return True
    if is_word(cell):
        return not any(map(is_word, column)) or all(map(is_number, column))
    mean = sum(map(len, column)) / len(column)
    return len(cell) <= 6 and 2.5 * len(cell) <= mean
