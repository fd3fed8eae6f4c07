"""The sentences of a file, one at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from juyi.errors import DataError


class TextStream:
    """What `open_texts` gives: sentences as they are asked for, once.

    Args:
        cells: The cells of the columns that hold text, row by row, each with its line number; None for an empty one.
        source: The file.
        columns: The columns that are read; empty for a plain text file.
        keep_empty: Give an empty cell as "" instead of leaving it out.

    Attributes:
        source: See above.
        columns: See above.
        count: How many sentences came so far.
        skipped: How many cells were empty so far.
    """

    def __init__(
        self,
        cells: Iterable[tuple[int, str | None]],
        source: str,
        columns: tuple[str, ...] = (),
        *,
        keep_empty: bool = False,
    ) -> None:
        self._cells = iter(cells)
        self._keep_empty = keep_empty
        self.source = source
        self.columns = columns
        self.count = 0
        self.skipped = 0

    def __iter__(self) -> Iterator[str]:
        """The sentences.

        Raises:
            DataError: A row cannot be read, or every cell was empty.
        """
        return (text for _, text in self.numbered())

    def numbered(self) -> Iterator[tuple[int, str]]:
        """The sentences, each with the number of its line; a blank line at the very end of a plain text file is none.

        Raises:
            DataError: A row cannot be read, or every cell was empty.
        """
        waiting: int | None = None
        for number, cell in self._cells:
            if waiting is not None:
                yield waiting, ""
                waiting = None
            if cell is not None:
                self.count += 1
                yield number, cell
                continue
            self.skipped += 1
            waiting = number if self._keep_empty else None
        if not self.count:
            raise DataError(f"every cell is empty in the columns {list(self.columns)}.", path=self.source)
        if waiting is not None and self.columns:
            yield waiting, ""
