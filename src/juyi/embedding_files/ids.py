"""The ids of rows: what they may be in a form, found before the work where the source can be read twice."""

from __future__ import annotations

from collections.abc import Sequence

from juyi.data import TextRow
from juyi.embedding_files.options import EmbeddingFormat
from juyi.errors import DataError

_TABLES = ("parquet", "arrow")
_ARRAYS = ("npy", "csv")
_LARGEST = 2**63


class IdRules:
    """What ids of rows may be.

    Args:
        form: What is written.

    Attributes:
        numbers: Whether they are whole numbers rather than texts; None where no row had one so far.
    """

    def __init__(self, form: EmbeddingFormat) -> None:
        self._form = form
        self.numbers: bool | None = None

    def check(self, row: TextRow) -> None:
        """Refuse an id that the form cannot hold, or that is no id.

        Raises:
            DataError: It is of another type than those before it, where a column of a table has one; too large for it; holds a
                line break, where each is a line; or is neither a text nor a whole number.
        """
        if row.id is None:
            return
        if type(row.id) not in (str, int):
            raise self._error(row, f"is of the type {type(row.id).__name__}; ids are texts or whole numbers. Convert it")
        number = isinstance(row.id, int)
        if self.numbers is None:
            self.numbers = number
        if self._form in _TABLES and number != self.numbers:
            before = "whole numbers" if self.numbers else "texts"
            what = "a whole number" if number else "a text"
            reason = f"is {what}, and those before it are {before}; a column of a table is of one type"
            raise self._error(row, f"{reason}. Make them alike, or write jsonl")
        if self._form in _TABLES and isinstance(row.id, int) and not -_LARGEST <= row.id < _LARGEST:
            raise self._error(row, "is beyond the 64 bits of a table's whole numbers. Make the ids texts, or write jsonl")
        if self._form in _ARRAYS and isinstance(row.id, str) and len(row.id.splitlines()) > 1:
            raise self._error(row, "holds a line break, and beside an array each id is a line. Write parquet or jsonl")

    @staticmethod
    def _error(row: TextRow, reason: str) -> DataError:
        return DataError(f"the id {row.id!r} of line {row.line} {reason}.")


def id_lines(rows: Sequence[TextRow], *, has_ids: bool) -> str:
    """What `x.ids.txt` says of some rows, a line each: the id, empty where there is none, or the number of the line."""
    keys = [("" if row.id is None else row.id) if has_ids else row.line for row in rows]
    return "".join(f"{key}\n" for key in keys)
