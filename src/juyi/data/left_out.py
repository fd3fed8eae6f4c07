"""What of a file is not read, and where it stands."""

from __future__ import annotations

import re
from typing import Literal

from juyi.errors import DataError

BadRows = Literal["error", "blank"]
"""What becomes of a row that cannot be read: it ends the reading, or counts as a blank row."""

_SHOWN = 5
UNREADABLE = "row that cannot be read"


class LeftOut:
    """Counts what is left out, by reason, with the numbers of the first lines of each.

    Args:
        bad_rows: What becomes of a row that cannot be read.

    Attributes:
        lines: Reason to line numbers, all of them.
        bad: The numbers of the lines that could not be read, and of the rows that these are part of.
        first_error: Why the first of them could not be read.
    """

    def __init__(self, bad_rows: BadRows = "error") -> None:
        self.lines: dict[str, list[int]] = {}
        self.bad: set[int] = set()
        self.first_error: DataError | None = None
        self._bad_rows = bad_rows

    def add(self, reason: str, line: int) -> None:
        """One more."""
        self.lines.setdefault(reason, []).append(line)

    def refuse(self, error: DataError) -> None:
        """A row cannot be read: raise the error, or count it and let the caller go on with a blank row in its place.

        Raises:
            DataError: Bad rows are errors, or this one is about no line.
        """
        if self._bad_rows == "error" or error.line is None:
            raise error
        self.first_error = self.first_error or error
        if error.line not in self.bad:
            self.bad.add(error.line)
            self.add(UNREADABLE, error.line)

    def are_bad(self, first: int, count: int) -> bool:
        """Whether one of some lines could not be read."""
        return bool(self.bad) and any(line in self.bad for line in range(first, first + count))

    @property
    def count(self) -> int:
        """Of all reasons together."""
        return sum(map(len, self.lines.values()))

    def __str__(self) -> str:
        """For a message: "3 blank rows (lines 4, 9, 12)"; empty where nothing was left out."""
        return ", ".join(f"{counted_words(len(lines), reason)} ({_numbered(lines)})" for reason, lines in self.lines.items())


def counted_words(count: int, words: str) -> str:
    """A number and what it counts: 1 blank row, 3 blank rows, 2 rows without a score."""
    return f"{count:,} " + (words if count == 1 else re.sub(r"\b(row|cell|text)\b", r"\1s", words, count=1))


def _numbered(lines: list[int]) -> str:
    shown = ", ".join(f"{line}" for line in lines[:_SHOWN])
    return f"line{'s' if len(lines) > 1 else ''} {shown}{', …' if len(lines) > _SHOWN else ''}"
