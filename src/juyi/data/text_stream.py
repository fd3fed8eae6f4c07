"""The sentences of a file, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from juyi.data.left_out import LeftOut
from juyi.errors import DataError


class TextRow(NamedTuple):
    """A sentence and where it comes from.

    Attributes:
        line: The number of its line, or of its row.
        text: The sentence; empty for a blank row or an empty cell, where those are wanted.
        id: What the column of ids says; None where none is read.
    """

    line: int
    text: str
    id: str | int | None = None


class TextStream:
    """What `open_texts` gives: sentences as they are asked for, once.

    Args:
        rows: Row by row.
        source: The file.
        columns: The columns that are read; empty for a plain text file.
        left_out: Where the reader counts what it leaves out.
        has_ids: Whether a column of ids is read.

    Attributes:
        source: See above.
        columns: See above.
        left_out: See above; grows while the sentences come.
        has_ids: See above.
        count: How many sentences came so far.
    """

    def __init__(
        self,
        rows: Iterable[TextRow],
        source: str,
        columns: tuple[str, ...] = (),
        left_out: LeftOut | None = None,
        *,
        has_ids: bool = False,
    ) -> None:
        self._rows = iter(rows)
        self.has_ids = has_ids
        self.source = source
        self.columns = columns
        self.left_out = left_out or LeftOut()
        self.count = 0
        self.describe: Callable[[], str] = lambda: self.source

    @property
    def sentence(self) -> str:
        """What was understood of the file, in one line; how many sentences came, and what was left out so far."""
        return self.describe()

    @property
    def skipped(self) -> int:
        """How many rows and cells were empty so far."""
        return self.left_out.count

    def __iter__(self) -> Iterator[str]:
        """The sentences.

        Raises:
            DataError: A row cannot be read, or every cell was empty.
        """
        for row in self.rows():
            yield row.text

    def rows(self) -> Iterator[TextRow]:
        """As `iter`, each with the number of its line and its id.

        Raises:
            DataError: As `iter`.
        """
        filled = False
        for row in self._rows:
            self.count += 1
            filled = filled or bool(row.text)
            yield row
        if not filled:
            where = f" in the columns {list(self.columns)}" if self.columns else ""
            reason = f" ({self.left_out})" if self.skipped else ""
            raise DataError(f"every cell is empty{where}{reason}.", path=self.source)
