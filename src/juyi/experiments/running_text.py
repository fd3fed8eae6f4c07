"""Running text to sequences of one length for pre-training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from juyi.data import normalise, read_lines
from juyi.errors import UsageError
from juyi.experiments.source_files import check_there, read_excluded
from juyi.experiments.sources import TextFile, TextSources
from juyi.tokenization import SubwordTokenizer, piece_words

_BLOCK = 64
T = TypeVar("T")


def read_running_text(sources: TextSources, folder: Path) -> tuple[list[list[str]], int]:
    """The lines of every source, in the recipe's order, and how many were left out because they will be measured on.

    Raises:
        UsageError: A file is not in the folder, a pattern of `exclude` finds none, or lines lack the column to read.
    """
    check_there([file.file for file in sources.files], folder)
    held_back = read_excluded(sources.exclude, folder)
    texts, dropped = [], 0
    for source in sources.files:
        lines = spread(_column(folder, source), source.rows)
        kept = [line for line in lines if normalise(line) not in held_back]
        dropped += len(lines) - len(kept)
        texts.append(kept)
    return texts, dropped


def _column(folder: Path, source: TextFile) -> list[str]:
    lines = [line for _, line in read_lines(folder / source.file) if line.strip()]
    if not source.column:
        return lines
    cells = [line.split("\t")[source.column - 1 : source.column] for line in lines]
    if lacking := sum(not cell for cell in cells):
        raise UsageError(f"{folder / source.file}: {lacking:,} of {len(lines):,} lines have no column {source.column}.")
    return [cell[0] for cell in cells if cell[0].strip()]


def spread(lines: list[T], rows: int) -> list[T]:
    """About so many lines, in blocks of neighbours that lie evenly over the file; 0 gives all."""
    if not rows or rows >= len(lines):
        return lines
    blocks = rows // _BLOCK or 1
    starts = np.linspace(0, len(lines) - _BLOCK, blocks).astype(int)
    return [line for start in starts for line in lines[start : start + _BLOCK]]


def pack(tokenizer: SubwordTokenizer, sources: Sequence[Sequence[str]], length: int) -> NDArray[np.int32]:
    """Join neighbouring lines, [SEP] between them, into rows of [CLS], `length - 2` tokens, [SEP]; a source's rest is dropped.

    Shapes:
        result: (rows, length).
    """
    first, last = tokenizer.special.frame("Pre-training")
    return _packed([_streams(tokenizer, lines, last) for lines in sources], length, first, last)


def pack_words(tokenizer: SubwordTokenizer, sources: Sequence[Sequence[str]], length: int) -> NDArray[np.int32]:
    """For each token of the rows of `pack` the number of its word in the row; of a word that is cut in two each part is one.

    Shapes:
        result: (rows, length).
    """
    return _packed([_word_streams(tokenizer, lines) for lines in sources], length, -1, -2)


def _packed(streams: Sequence[Iterator[NDArray[np.int32]]], length: int, first: int, last: int) -> NDArray[np.int32]:
    body, parts = length - 2, []
    for blocks in streams:
        stream = np.concatenate([*blocks, np.zeros(0, dtype=np.int32)])
        count = len(stream) // body
        rows = np.empty((count, length), dtype=np.int32)
        rows[:, 0], rows[:, -1] = first, last
        rows[:, 1:-1] = stream[: count * body].reshape(count, body)
        parts.append(rows)
    return np.concatenate(parts)


def _streams(tokenizer: SubwordTokenizer, lines: Sequence[str], sep: int) -> Iterator[NDArray[np.int32]]:
    for start in range(0, len(lines), 4096):
        rows = tokenizer.pieces(lines[start : start + 4096])
        yield np.fromiter((i for row in rows for i in (*row, sep)), dtype=np.int32)


def _word_streams(tokenizer: SubwordTokenizer, lines: Sequence[str]) -> Iterator[NDArray[np.int32]]:
    count = 0
    for start in range(0, len(lines), 4096):
        numbers: list[int] = []
        for words in piece_words(lines[start : start + 4096], tokenizer):
            own = [count + number for number in (*words, words[-1] + 1 if words else 0)]  # the last is [SEP]
            numbers += own
            count = own[-1] + 1
        yield np.array(numbers, dtype=np.int32)
