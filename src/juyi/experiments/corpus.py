"""Running text to sequences of one length for pre-training."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from juyi.data import normalise, read_lines
from juyi.errors import UsageError
from juyi.experiments.recipe import Corpus, PairCorpus, Source
from juyi.experiments.recipe_files import RECIPES
from juyi.tokenization import SubwordTokenizer, piece_words

_BLOCK = 64
T = TypeVar("T")


def corpus_digests(corpus: Corpus | PairCorpus, folder: Path) -> dict[str, str]:
    """File name to SHA-256 of all that a recipe reads, what it keeps out too, so that a run can say what it read.

    Raises:
        UsageError: A file is not in the folder, or a pattern of `exclude` finds none.
    """
    files = [source.file for source in corpus.sources]
    digests: dict[str, str] = {}
    if isinstance(corpus, PairCorpus) and corpus.frames is not None:
        files += [corpus.frames.dictionary, *corpus.frames.count]
        digests = {file: _sha256(RECIPES / file) for file in (corpus.frames.frames, corpus.frames.phrases)}
    check_there(files, folder)
    files += [path.relative_to(folder).as_posix() for path in excluded_files(corpus.exclude, folder)]
    return digests | {file: _sha256(folder / file) for file in files}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_corpus(corpus: Corpus, folder: Path) -> tuple[list[list[str]], int]:
    """The lines of every source, in the recipe's order, and how many were left out because they will be measured on.

    Raises:
        UsageError: A file is not in the folder, a pattern of `exclude` finds none, or lines lack the column to read.
    """
    check_there([source.file for source in corpus.sources], folder)
    held_back = read_excluded(corpus.exclude, folder)
    sources, dropped = [], 0
    for source in corpus.sources:
        lines = spread(_column(folder, source), source.rows)
        kept = [line for line in lines if normalise(line) not in held_back]
        dropped += len(lines) - len(kept)
        sources.append(kept)
    return sources, dropped


def read_excluded(patterns: Sequence[str], folder: Path) -> set[str]:
    """Every cell of the files that the patterns find, normalised, numbers left out.

    Raises:
        UsageError: A pattern finds no file.
    """
    held_back: set[str] = set()
    for file in excluded_files(patterns, folder):
        held_back.update(normalise(cell) for _, line in read_lines(file) for cell in line.split("\t"))
    return {text for text in held_back if text and not text.replace(".", "").isdecimal()}


def excluded_files(patterns: Sequence[str], folder: Path) -> list[Path]:
    """The files that the patterns find.

    Raises:
        UsageError: A pattern finds none.
    """
    found: list[Path] = []
    for pattern in patterns:
        files = sorted(path for path in folder.glob(pattern) if path.is_file())
        if not files:
            raise UsageError(
                f"{folder} holds no file {pattern}, whose sentences the recipe keeps out of training. Put it there, or say with "
                "-o corpus.exclude=[] that nothing is kept out."
            )
        found += files
    return found


def _column(folder: Path, source: Source) -> list[str]:
    lines = [line for _, line in read_lines(folder / source.file) if line.strip()]
    if not source.column:
        return lines
    cells = [line.split("\t")[source.column - 1 : source.column] for line in lines]
    if lacking := sum(not cell for cell in cells):
        raise UsageError(f"{folder / source.file}: {lacking:,} of {len(lines):,} lines have no column {source.column}.")
    return [cell[0] for cell in cells if cell[0].strip()]


def check_there(files: Sequence[str], folder: Path) -> None:
    """Refuse a folder that lacks one of the files.

    Raises:
        UsageError: It does.
    """
    missing = sorted({file for file in files if not (folder / file).is_file()})
    if missing:
        raise UsageError(
            f"{folder} lacks {', '.join(missing)}, which the recipe reads. Give the folder that holds them with --data."
        )


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
    special = tokenizer.special
    return _packed([_streams(tokenizer, lines, special.sep) for lines in sources], length, special.cls, special.sep)


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
