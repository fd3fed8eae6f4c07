"""What of a file is not read, and where it stands."""

from __future__ import annotations

import re

_SHOWN = 5


class LeftOut:
    """Counts what is left out, by reason, with the numbers of the first lines of each.

    Attributes:
        lines: Reason to line numbers, all of them.
    """

    def __init__(self) -> None:
        self.lines: dict[str, list[int]] = {}

    def add(self, reason: str, line: int) -> None:
        """One more."""
        self.lines.setdefault(reason, []).append(line)

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
