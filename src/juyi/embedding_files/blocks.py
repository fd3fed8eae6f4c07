"""The texts that become rows, block after block: checked, counted and digested."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

from juyi.data import TextRow
from juyi.embedding_files.draft import Whole
from juyi.embedding_files.options import Empty
from juyi.embeddings import check_texts
from juyi.engines.engine import BLOCK_TEXTS
from juyi.errors import DataError, UsageError
from juyi.types import Progress

_MOST_NAMED = 20


class Blocks:
    """The texts in blocks, once.

    Args:
        texts: Texts, or rows with line numbers and ids.
        empty: Whether an empty text is an error.

    Attributes:
        count: How many texts came so far.
        empty: The line numbers of the empty ones among them.
        first_id: The id of the first row; None where rows have none.

    Raises:
        UsageError: The texts are one string, or something among the first of them is none.
    """

    def __init__(self, texts: Iterable[str] | Iterable[TextRow], empty: Empty) -> None:
        if isinstance(texts, str):
            check_texts(texts)  # raises
        rows = _numbered(texts)
        first = list(islice(rows, BLOCK_TEXTS))
        self._rows = chain(first, rows)
        self._choice = empty
        self._digest = hashlib.blake2b(digest_size=16)
        self.count = 0
        self.empty: list[int] = []
        self.first_id = next((row.id for row in first if row.id is not None), None)

    @property
    def digest(self) -> str:
        """Of the lines, ids and texts that came so far."""
        return self._digest.hexdigest()

    def __iter__(self) -> Iterator[Sequence[TextRow]]:
        """The blocks that have not come yet.

        Raises:
            UsageError: Something among the texts is no string.
            DataError: A text is empty, and that is an error.
        """
        while block := list(islice(self._rows, BLOCK_TEXTS)):
            self._take(block)
            yield block

    def skip(self, whole: Whole, progress: Progress) -> None:
        """Pass over what is in a draft already.

        Raises:
            UsageError: These are not the texts that are in it.
        """
        while self.count < whole.texts and (block := list(islice(self._rows, min(BLOCK_TEXTS, whole.texts - self.count)))):
            self._take(block)
            progress(self.count, 0, "read again")
        if whole.texts and (self.count, self.digest) != (whole.texts, whole.digest):
            raise UsageError(
                f"The first {whole.texts:,} texts are not those of the run that was stopped: the source was changed since, or is "
                "another one. Begin anew with --restart, which deletes what was kept."
            )

    def _take(self, block: Sequence[TextRow]) -> None:
        check_texts([row.text for row in block], f"texts, from number {self.count} on," if self.count else "texts")
        self.count += len(block)
        self._digest.update("".join(f"{row.line}\t{row.id}\t{row.text}\n" for row in block).encode())
        if empty := [row.line for row in block if not row.text.strip()]:
            self.empty += empty
            if self._choice == "error":
                raise _empty_error(self.empty, None)


def _numbered(texts: Iterable[str | TextRow]) -> Iterator[TextRow]:
    for line, text in enumerate(texts, start=1):
        yield text if isinstance(text, TextRow) else TextRow(line, text)


def check_filled(rows: Iterable[TextRow], source: str) -> int:
    """Refuse a file with empty texts before any of it is encoded, all of which are named; else how many texts there are.

    Raises:
        DataError: A text is empty.
    """
    texts, empty = 0, []
    for row in rows:
        texts += 1
        if not row.text.strip():
            empty.append(row.line)
    if empty:
        raise _empty_error(empty, source)
    return texts


def _empty_error(empty: Sequence[int], source: str | None) -> DataError:
    place = "this text" if source is not None else f"the text of line {empty[0]}"
    lines = f"{place} is empty" if len(empty) == 1 else f"{len(empty):,} texts are empty, on the lines {line_list(empty)}"
    return DataError(
        f"{lines}, and a row for it would be made of nothing. Fill it in or take it out; or set 'empty' to zero, "
        "which writes a row of zeros, or to drop, which leaves it out and writes the line numbers of the others.",
        path=source,
        line=empty[0] if source is not None else None,
    )


def line_list(lines: Sequence[int]) -> str:
    """Line numbers for people, the first twenty: "3, 7, 12 and 30 others"."""
    shown = ", ".join(map(str, lines[:_MOST_NAMED]))
    return shown + (f" and {len(lines) - _MOST_NAMED:,} others" if len(lines) > _MOST_NAMED else "")
