"""The sentences of a file, one at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from juyi.errors import DataError


class TextStream:
    """What `open_texts` gives: sentences as they are asked for, once.

    Args:
        cells: The cells of the columns that hold text, row by row; None for an empty one.
        source: The file.
        columns: The columns that are read; empty for a plain text file.

    Attributes:
        source: See above.
        columns: See above.
        count: How many sentences came so far.
        skipped: How many cells were empty so far.
    """

    def __init__(self, cells: Iterable[str | None], source: str, columns: tuple[str, ...] = ()) -> None:
        self._cells = iter(cells)
        self.source = source
        self.columns = columns
        self.count = 0
        self.skipped = 0

    def __iter__(self) -> Iterator[str]:
        """The sentences.

        Raises:
            DataError: A row cannot be read, or every cell was empty.
        """
        for cell in self._cells:
            if cell is None:
                self.skipped += 1
            else:
                self.count += 1
                yield cell
        if not self.count:
            raise DataError(f"every cell is empty in the columns {list(self.columns)}.", path=self.source)
