"""Embeddings kept on disk: a text that an encoder has seen in an earlier process is not encoded again."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from juyi.embeddings import check_texts
from juyi.errors import DataError, UsageError
from juyi.types import Embeddings, Encode

VARIABLE = "JUYI_CACHE"
"""The environment variable that says where caches are; its default is juyi's folder among the caches of the user."""

_AT_ONCE = 500  # keys in one query; SQLite allows 999 in its oldest builds


class CachedEncode:
    """An encoder whose embeddings are kept in a file, by the hash of the text.

    The file belongs to one identity: other weights, another pooling or precision have another file. Several processes may
    use it at once. What was encoded before a process was killed is kept.

    Args:
        encode: Encodes the texts that are not in the file.
        identity: What the embeddings depend on: `Engine.identity`.
        folder: Where the files are; `cache_folder()` where it is not given.
        save_every: So many texts are encoded before they are kept.

    Raises:
        DataError: The file cannot be used.
    """

    def __init__(self, encode: Encode, identity: str, folder: Path | None = None, *, save_every: int = 4096) -> None:
        self._encode = encode
        self._save_every = save_every
        self.path = (cache_folder() if folder is None else folder) / f"{identity}.sqlite"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(self._open()) as file, file:
                file.execute("PRAGMA page_size = 16384")  # several vectors a page
                file.execute("CREATE TABLE IF NOT EXISTS embeddings (text BLOB PRIMARY KEY, vector BLOB NOT NULL)")
        except (OSError, sqlite3.Error) as error:
            raise self._unusable(error) from error

    def __call__(self, texts: Sequence[str]) -> Embeddings:
        """The embeddings of the texts, in their order.

        Shapes:
            texts: (n,)
            returns: (n, dim)

        Raises:
            DataError: The file cannot be used.
            UsageError: Something among the texts is none, or the encoder does not give one row a text; nothing of it is kept.
        """
        texts = check_texts(texts)
        keys = [hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest() for text in texts]
        try:
            known = self._read(keys)
            fresh = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
            for start in range(0, len(fresh), self._save_every):
                some = dict(list(fresh.items())[start : start + self._save_every])
                rows = np.ascontiguousarray(self._encode(list(some.values())), dtype=np.float32)
                if rows.ndim != 2 or len(rows) != len(some):
                    raise UsageError(
                        f"The encoder gave an array of the shape {rows.shape} for {len(some)} texts; one row a text is needed."
                    )
                known.update(zip(some, rows, strict=True))
                with closing(self._open()) as file, file:
                    file.executemany(
                        "INSERT OR IGNORE INTO embeddings VALUES (?, ?)",
                        [(key, row.tobytes()) for key, row in zip(some, rows, strict=True)],
                    )
        except sqlite3.Error as error:
            raise self._unusable(error) from error
        return np.stack([known[key] for key in keys]) if keys else self._encode(texts)

    def _read(self, keys: Sequence[bytes]) -> dict[bytes, Embeddings]:
        wanted = sorted(set(keys))
        found: dict[bytes, bytes] = {}
        with closing(self._open()) as file:
            for start in range(0, len(wanted), _AT_ONCE):
                some = wanted[start : start + _AT_ONCE]
                marks = ",".join("?" * len(some))
                found.update(file.execute(f"SELECT text, vector FROM embeddings WHERE text IN ({marks})", some))
        lengths = {len(row) for row in found.values()}
        if len(lengths) > 1 or any(length % 4 for length in lengths):
            raise self._unusable(ValueError("a vector in it was cut"))
        return {key: np.frombuffer(row, dtype=np.float32) for key, row in found.items()}

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=60)

    def _unusable(self, error: Exception) -> DataError:
        return DataError(
            f"the cache of embeddings cannot be used ({error}). Delete the file, name another folder in {VARIABLE}, "
            "or do without: --no-cache.",
            path=self.path,
        )


def cache_folder() -> Path:
    """Where embeddings are kept: the folder that JUYI_CACHE names, or juyi/embeddings among the user's caches."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named).expanduser() / "embeddings"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "juyi" / "embeddings"
