"""Word vectors in the text form of word2vec and GloVe."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import numpy as np

from juyi.data.files import PathLike, read_lines
from juyi.errors import DataError
from juyi.types import Embeddings

_FIRST_ROOM = 1024


def read_word_vectors(path: PathLike, *, encoding: str | None = None) -> tuple[list[str], Embeddings]:
    """The words of a file and their vectors, in the order of the file; a word that occurs again keeps its first vector.

    A line is a word and its numbers with spaces between; a first line "words dimensions" may stand above, as in word2vec's form.
    The word itself may hold spaces.

    Args:
        path: A plain, `.gz` or `.xz` file.
        encoding: Any text encoding that Python knows; found by the content where none is named.

    Shapes:
        returns: the words, and (words, dim) vectors

    Raises:
        DataError: The file cannot be read or is empty, or a line has another number of numbers than the first, or no numbers.
    """
    width, lines = _width(path, encoding)
    rows: dict[str, int] = {}
    vectors = np.empty((0, width), dtype=np.float32)
    for number, line in lines:
        word, *numbers = line.rstrip().rsplit(" ", width)  # from the right: a word may hold spaces
        vector = _vector(numbers, width, path, number)
        word = word.strip()
        if word in rows:
            continue
        if len(rows) == len(vectors):
            # Doubled: few copies. Memory that nothing is written to costs nothing, so the spare rows at the end are free.
            more = np.empty((max(_FIRST_ROOM, 2 * len(vectors)), width), dtype=np.float32)
            more[: len(vectors)] = vectors
            vectors = more
        vectors[len(rows)] = vector
        rows[word] = len(rows)
    return list(rows), vectors[: len(rows)]


def _vector(numbers: list[str], width: int, path: PathLike, line: int) -> Embeddings:
    try:
        with np.errstate(over="ignore"):  # a number too large for float32 is reported below
            vector = np.array(numbers, dtype=np.float32)
    except ValueError as error:
        raise DataError(f"a word and {width} numbers are needed: {error}.", path=path, line=line) from error
    if len(vector) != width or not np.isfinite(vector).all():
        what = f"there are {len(vector)}" if len(vector) != width else "one is not finite"
        raise DataError(f"a word and {width} finite numbers are needed, but {what}.", path=path, line=line)
    return vector


def _width(path: PathLike, encoding: str | None) -> tuple[int, Iterator[tuple[int, str]]]:
    """How many numbers a line has, and the lines without the header."""
    lines = read_lines(path, encoding=encoding)
    number, line = next(lines)
    parts = line.split()
    if len(parts) == 2 and all(map(str.isdecimal, parts)):
        try:
            head = next(lines)
        except StopIteration:
            raise DataError("there is a header and no word below it. Fetch the file again.", path=path) from None
        return int(parts[1]), chain([head], lines)
    if len(parts) < 2:
        reason = f"there is one column, {line[:40]!r}; word vectors are needed: a word and its numbers, with spaces between."
        raise DataError(reason, path=path, line=number)
    return len(parts) - 1, chain([(number, line)], lines)
