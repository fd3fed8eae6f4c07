"""The vectors of texts on disk, found by the text."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from juyi.atomic import replaced_file

_KEY_BYTES = 16


class VectorStore:
    """A folder of blocks: of each the digests of its texts in one file, their vectors in another beside it.

    Blocks are only ever added, each under a name of its contents, so several processes may be at it, and what was stopped is
    taken up. A block counts from when its digests are there; they are written last.

    Args:
        folder: Where the blocks lie; it is made where it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._blocks: list[NDArray[np.float16]] = []
        self._places: dict[bytes, tuple[int, int]] = {}
        folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(folder.glob("*.keys.npy")):
            self._take(np.load(path), np.load(_vectors_of(path), mmap_mode="r"))

    def missing(self, texts: Sequence[str]) -> list[str]:
        """Those whose vectors are not there, each once."""
        return list(dict.fromkeys(text for text in texts if _key(text) not in self._places))

    def add(self, texts: Sequence[str], vectors: NDArray[np.float16]) -> None:
        """Keep a block.

        Shapes:
            vectors: (n, dim).
        """
        joined = b"".join(map(_key, texts))
        keys = np.frombuffer(joined, dtype=np.uint8).reshape(-1, _KEY_BYTES)
        path = self._folder / f"{hashlib.sha256(joined).hexdigest()[:16]}.keys.npy"
        for file, rows in ((_vectors_of(path), vectors), (path, keys)):
            with replaced_file(file) as draft, draft.open("wb") as opened:
                np.save(opened, rows)
        self._take(keys, vectors)

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float16]:
        """The vectors of texts that are all there.

        Shapes:
            result: (n, dim).
        """
        places = [self._places[_key(text)] for text in texts]
        blocks, rows = (np.array(column) for column in zip(*places, strict=True))
        result = np.empty((len(texts), self._blocks[places[0][0]].shape[1]), dtype=np.float16)
        for block in np.unique(blocks):
            chosen = np.flatnonzero(blocks == block)
            result[chosen] = self._blocks[block][rows[chosen]]
        return result

    def _take(self, keys: NDArray[np.uint8], vectors: NDArray[np.float16]) -> None:
        joined, number = keys.tobytes(), len(self._blocks)
        self._blocks.append(vectors)
        for row in range(len(keys)):
            self._places.setdefault(joined[row * _KEY_BYTES : (row + 1) * _KEY_BYTES], (number, row))


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=_KEY_BYTES).digest()


def _vectors_of(keys: Path) -> Path:
    return keys.with_name(keys.name.replace(".keys.", ".vectors."))
