"""The texts that become rows, block after block: checked, counted and digested."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import cast

from juyi.data import TextRow, TextStream
from juyi.embedding_files.draft import Done
from juyi.embedding_files.ids import IdRules
from juyi.embedding_files.options import EmbeddingFormat, Empty
from juyi.embeddings import check_texts
from juyi.engines.engine import BLOCK_TEXTS
from juyi.errors import DataError, UsageError
from juyi.types import Progress

_MOST_NAMED = 20

Source = Iterable[str] | Iterable[TextRow] | TextStream
"""Texts, numbered 1, 2, 3 …; or rows that say their lines and ids."""


class Blocks:
    """The texts in blocks; each comes once.

    Args:
        source: The texts.
        form: What is written.
        empty: Whether an empty text is an error.
        named: How many of the empty ones are named.

    Attributes:
        count: How many texts came so far.
        empty: How many of their lines had nothing in them.
        empty_lines: The numbers of the first of these.
        has_ids: Whether rows have ids.
        ids_are_numbers: Whether these are whole numbers rather than texts.

    Raises:
        UsageError: The texts are one string, or something among the first of them is none.
    """

    def __init__(self, source: Source, form: EmbeddingFormat, empty: Empty, *, named: int | None = _MOST_NAMED) -> None:
        if isinstance(source, str):
            check_texts(source)  # raises
        rows = _rows(source)
        first = list(islice(rows, BLOCK_TEXTS))
        self._rows = chain(first, rows)
        self._refuses = empty == "error"
        self._ids = IdRules(form)
        self._digest = hashlib.blake2b(digest_size=16)
        self.count = 0
        self._empty = _EmptyLines(named)
        ids = [row.id for row in first if row.id is not None]
        self.has_ids = source.has_ids if isinstance(source, TextStream) else bool(ids)
        self.ids_are_numbers = bool(ids) and isinstance(ids[0], int)

    @property
    def empty(self) -> int:
        """See above."""
        return self._empty.count

    @property
    def empty_lines(self) -> Sequence[int]:
        """See above."""
        return self._empty.first

    @property
    def digest(self) -> str:
        """Of the lines, ids and texts that came so far."""
        return self._digest.hexdigest()

    def __iter__(self) -> Iterator[Sequence[TextRow]]:
        """The blocks that have not come yet.

        Raises:
            UsageError: Something among the texts is no string.
            DataError: A text is empty, and that is an error; or an id does not go with the form.
        """
        while block := list(islice(self._rows, BLOCK_TEXTS)):
            self._take(block)
            yield block

    def skip(self, done: Done, progress: Progress) -> None:
        """Pass over what is in a draft already.

        Raises:
            UsageError: These are not the texts that are in it.
        """
        while self.count < done.texts and (block := list(islice(self._rows, min(BLOCK_TEXTS, done.texts - self.count)))):
            self._take(block)
            progress(self.count, 0, "read again")
        if done.texts and (self.count, self.digest) != (done.texts, done.digest):
            raise UsageError(
                f"The first {done.texts:,} texts are not those of the run that was stopped: the source was changed since, or is "
                "another one. Begin anew with --restart (restart=True), which deletes what was kept."
            )

    def _take(self, block: Sequence[TextRow]) -> None:
        check_texts([row.text for row in block], f"texts, from number {self.count} on," if self.count else "texts")
        for row in block:
            self._ids.check(row)
        self.count += len(block)
        self._digest.update("".join(f"{row.line}\t{row.id}\t{row.text}\n" for row in block).encode())
        for row in block:
            self._empty.look_at(row)
        if self._refuses and self._empty.count:
            raise _empty_error(self._empty)


def check_source(stream: TextStream, form: EmbeddingFormat, empty: Empty) -> int:
    """Look through a source before any of it is encoded: how many texts there are.

    Args:
        stream: The source, read for this alone.
        form: What will be written.
        empty: Whether an empty text is an error.

    Raises:
        DataError: Texts are empty, and that is an error; the first of them are named. Or an id does not go with the form.
    """
    rules, found = IdRules(form), _EmptyLines()
    for row in stream.rows():
        try:
            rules.check(row)
        except DataError as error:
            raise DataError(str(error), path=stream.source) from error
        found.look_at(row)
    if found.count and empty == "error":
        raise _empty_error(found, stream)
    return stream.count


class _EmptyLines:
    """Counts the lines that hold an empty text, and remembers the first."""

    def __init__(self, named: int | None = _MOST_NAMED) -> None:
        self.count, self.first = 0, list[int]()
        self._named, self._last = named, -1

    def look_at(self, row: TextRow) -> None:
        """One more text; those of one line come together."""
        if not row.text.strip() and row.line != self._last:
            self._last = row.line
            self.count += 1
            if self._named is None or len(self.first) < self._named:
                self.first.append(row.line)


def _empty_error(found: _EmptyLines, stream: TextStream | None = None) -> DataError:
    if stream is not None and stream.left_out.bad:
        what = f"{stream.left_out}, and counted as empty"
    elif found.count == 1:
        what = "this text is empty" if stream is not None else f"the text of line {found.first[0]} is empty"
    else:
        what = f"{found.count:,} texts are empty, on the lines {line_list(found.first, found.count)}"
    return DataError(
        f"{what}, and a row for it would be made of nothing. Fill it in or take it out; or set 'empty' to zero, "
        "which writes a row of zeros, or to drop, which leaves it out and writes the line numbers of the others.",
        path=None if stream is None else stream.source,
        line=found.first[0] if stream is not None else None,
    )


def line_list(lines: Sequence[int], count: int | None = None) -> str:
    """Line numbers for people, the first twenty: "3, 7, 12 and 30 others"; `count` where there are more than are known."""
    others = (len(lines) if count is None else count) - min(len(lines), _MOST_NAMED)
    return ", ".join(map(str, lines[:_MOST_NAMED])) + (f" and {others:,} others" if others else "")


def _rows(source: Source) -> Iterator[TextRow]:
    if isinstance(source, TextStream):
        yield from source.rows()
        return
    for line, row in enumerate(cast(Iterable[str | TextRow], source), start=1):
        yield row if isinstance(row, TextRow) else TextRow(line, row)
