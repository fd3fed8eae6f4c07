"""Running text to sequences of one length for pre-training."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from juyi.data import read_lines
from juyi.errors import UsageError
from juyi.experiments.recipe import Corpus, Source
from juyi.tokenization import SubwordTokenizer

_BLOCK = 64


def corpus_digests(corpus: Corpus, folder: Path) -> dict[str, str]:
    """File name to SHA-256 of every source, so that a run can say what it read.

    Raises:
        UsageError: A file is not in the folder.
    """
    _check_there(corpus, folder)
    return {source.file: _sha256(folder / source.file) for source in corpus.sources}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_corpus(corpus: Corpus, folder: Path) -> list[list[str]]:
    """The lines of every source, in the recipe's order.

    Raises:
        UsageError: A file is not in the folder.
    """
    _check_there(corpus, folder)
    return [_spread([line for _, line in read_lines(folder / s.file) if line.strip()], s) for s in corpus.sources]


def _check_there(corpus: Corpus, folder: Path) -> None:
    missing = [source.file for source in corpus.sources if not (folder / source.file).is_file()]
    if missing:
        raise UsageError(
            f"{folder} lacks {', '.join(missing)}, which the recipe reads. Give the folder that holds them with --data."
        )


def _spread(lines: list[str], source: Source) -> list[str]:
    """About `source.rows` lines, in blocks of neighbours that lie evenly over the file."""
    if not source.rows or source.rows >= len(lines):
        return lines
    blocks = source.rows // _BLOCK or 1
    starts = np.linspace(0, len(lines) - _BLOCK, blocks).astype(int)
    return [line for start in starts for line in lines[start : start + _BLOCK]]


def pack(tokenizer: SubwordTokenizer, sources: Sequence[Sequence[str]], length: int) -> NDArray[np.int32]:
    """Join neighbouring lines, [SEP] between them, into rows of [CLS], `length - 2` tokens, [SEP]; a source's rest is dropped.

    Shapes:
        result: (rows, length).
    """
    special, body = tokenizer.special, length - 2
    parts = []
    for lines in sources:
        stream = np.concatenate([*_streams(tokenizer, lines, special.sep), np.zeros(0, dtype=np.int32)])
        count = len(stream) // body
        rows = np.empty((count, length), dtype=np.int32)
        rows[:, 0], rows[:, -1] = special.cls, special.sep
        rows[:, 1:-1] = stream[: count * body].reshape(count, body)
        parts.append(rows)
    return np.concatenate(parts)


def _streams(tokenizer: SubwordTokenizer, lines: Sequence[str], sep: int) -> Iterator[NDArray[np.int32]]:
    for start in range(0, len(lines), 4096):
        rows = tokenizer.pieces(lines[start : start + 4096])
        yield np.fromiter((i for row in rows for i in (*row, sep)), dtype=np.int32)
