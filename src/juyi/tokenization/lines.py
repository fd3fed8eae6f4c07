"""Rows of tokens side by side on lines of equal width: almost nothing of a forward pass is padding, and its shapes are few.

Sentences are short and of many lengths. Padded one under the other they waste work, and the matrices of their attention are so
small that calling the product costs more than computing it. On a line of 64 tokens lie five or six sentences; which token belongs
to which is said beside the ids, and attention stays within a sentence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from juyi.tokenization.tokenizer import TokenIds

Integers = NDArray[np.int64]

WIDTH = 64
"""Tokens on a line that holds several rows; a longer row has a line as wide as itself."""

_STEP = 16
"""Widths are multiples of it, so that a runtime that prepares itself for every new shape meets few."""


@dataclass(frozen=True)
class Lines:
    """Some of the rows, on lines.

    Attributes:
        rows: Their numbers.
        ids: The tokens; between the rows lies padding.
        positions: The place of each token in its row; 0 for padding.
        owner: Which row of these a token belongs to; -1 for padding.
        starts: Where each row begins, counted over all lines.
        lengths: How many tokens each row has.

    Shapes:
        rows, starts, lengths: (n,); ids, positions, owner: (lines, width).
    """

    rows: NDArray[np.intp]
    ids: Integers
    positions: Integers
    owner: Integers
    starts: Integers
    lengths: Integers


def lines_by_tokens(rows: Sequence[TokenIds], batch_tokens: int, pad_id: int, *, side_by_side: bool = True) -> Iterator[Lines]:
    """Put rows on lines, as many lines together as `batch_tokens` hold, the longest first; a longer line goes alone.

    Args:
        rows: Tokenized sentences; one without a token takes the place of one.
        batch_tokens: Tokens together, padding included.
        pad_id: Lies where no token is.
        side_by_side: Several rows may share a line; otherwise each has its own, and those of a batch are as wide as the longest.
    """
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    room = np.maximum(lengths, 1)
    order = np.argsort(-room, kind="stable")
    line, offset = _fill(room, order) if side_by_side else (np.empty_like(order), np.zeros_like(order))
    if not side_by_side:
        line[order] = np.arange(len(order))
    order = np.lexsort((offset, line))  # from here on in the order of the lines
    line, offset, room, lengths = line[order], offset[order], room[order], lengths[order]
    flat = np.fromiter(chain.from_iterable(rows[i] for i in order), np.int64, int(lengths.sum()))
    first, ends = np.flatnonzero(np.diff(line, prepend=-1)), np.append(0, np.cumsum(lengths))  # first row of each line
    widest = _width(room[first], int(room.sum())) if side_by_side else room[first]
    start = 0
    while start < len(first):
        width = int(widest[start])
        stop = min(start + max(1, batch_tokens // width), len(first))
        a, b = first[start], first[stop] if stop < len(first) else len(order)
        shape = (stop - start, width)
        yield _batch(order[a:b], (line[a:b] - start) * width + offset[a:b], lengths[a:b], flat[ends[a] : ends[b]], shape, pad_id)
        start = stop


def _batch(
    rows: NDArray[np.intp], starts: Integers, lengths: Integers, tokens: Integers, shape: tuple[int, int], pad_id: int
) -> Lines:
    ids, positions, owner = (np.full(shape, value, dtype=np.int64) for value in (pad_id, 0, -1))
    in_row = spread(lengths)
    places = np.repeat(starts, lengths) + in_row
    ids.flat[places], positions.flat[places] = tokens, in_row
    owner.flat[places] = np.repeat(np.arange(len(rows)), lengths)
    return Lines(rows, ids, positions, owner, starts, lengths)


def spread(lengths: Integers) -> Integers:
    """0, 1, … for each of these lengths, one after the other: of 3 and 2 it is 0, 1, 2, 0, 1."""
    return np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)


def _width(longest: Integers, tokens: int) -> Integers:
    """How wide the lines are whose first rows are so long: no wider than all tokens together need."""
    least = min(WIDTH, -(-tokens // _STEP) * _STEP)
    return np.maximum(least, -(-longest // _STEP) * _STEP)


def _fill(lengths: Integers, order: NDArray[np.intp]) -> tuple[Integers, Integers]:
    """Best fit, longest first: each row goes where the least room is left over; the line of each row and its place there.

    Lines are looked up by their room: bit r of `rooms` says that some line has room for r tokens.
    """
    line, offset = np.empty_like(order), np.empty_like(order)
    by_room: dict[int, list[tuple[int, int]]] = {}  # room -> lines with so much left, and how much of each is taken
    rooms, count, tokens = 0, 0, int(lengths.sum())
    for row, length in zip(order.tolist(), lengths[order].tolist(), strict=True):
        if fitting := rooms >> length:
            room = length + (fitting & -fitting).bit_length() - 1
            number, taken = by_room[room].pop()
            if not by_room[room]:
                rooms &= ~(1 << room)
        else:
            number, taken, room = count, 0, int(_width(np.int64(length), tokens))  # type: ignore[arg-type]
            count += 1
        line[row], offset[row] = number, taken
        if room := room - length:
            by_room.setdefault(room, []).append((number, taken + length))
            rooms |= 1 << room
    return line, offset
