"""The sentences of a file, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from juyi.data.left_out import LeftOut
from juyi.errors import DataError


class TextStream:
    """What `open_texts` gives: sentences as they are asked for, once.

    Args:
        cells: Line number and text, row by row.
        source: The file.
        columns: The columns that are read; empty for a plain text file.
        left_out: Where the reader counts what it leaves out.

    Attributes:
        source: See above.
        columns: See above.
        left_out: See above; grows while the sentences come.
        count: How many sentences came so far.
        line: The number of the line that the last sentence stood in.
    """

    def __init__(
        self, cells: Iterable[tuple[int, str]], source: str, columns: tuple[str, ...] = (), left_out: LeftOut | None = None
    ) -> None:
        self._cells = iter(cells)
        self.source = source
        self.columns = columns
        self.left_out = left_out or LeftOut()
        self.count = 0
        self.line = 0
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
        for line, text in self._cells:
            self.count += 1
            self.line = line
            yield text
        if not self.count:
            raise DataError(f"every cell is empty in the columns {list(self.columns)}.", path=self.source)

    def numbered(self) -> Iterator[tuple[int, str]]:
        """As `iter`, each with the number of its line.

        Raises:
            DataError: As `iter`.
        """
        for text in self:
            yield self.line, text
