"""Embeddings kept on disk: a text that an encoder has seen in an earlier process is not encoded again."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from juyi.caches import VARIABLE, user_cache
from juyi.embeddings import check_texts
from juyi.errors import UsageError
from juyi.types import Embeddings, Encode, Log

_AT_ONCE = 500  # keys in one query; SQLite allows 999 in its oldest builds


class CachedEncode:
    """An encoder whose embeddings are kept in a file, by the hash of the text.

    The file belongs to one identity: other weights, another pooling or precision have another file. Several processes may
    use it at once. What was encoded before a process was killed is kept. A file that cannot be used (damaged, read-only, on a
    full disk) is told once, and from then on everything is encoded: results never depend on the cache.

    Args:
        encode: Encodes the texts that are not in the file.
        identity: What the embeddings depend on: `Engine.identity`.
        folder: Where the files are; `cache_folder()` where it is not given.
        save_every: So many texts are encoded before they are kept.
        log: Hears that the file cannot be used, and why.

    Attributes:
        path: The file; None where there is no place for one.
        usable: Whether anything is kept.
    """

    def __init__(
        self,
        encode: Encode,
        identity: str,
        folder: Path | None = None,
        *,
        save_every: int = 4096,
        log: Log = lambda _: None,
    ) -> None:
        self._encode, self._save_every, self._log = encode, save_every, log
        self.path: Path | None = None
        try:
            self.path = (cache_folder() if folder is None else folder) / f"{identity}.sqlite"
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(self._open()) as file, file:
                file.execute("PRAGMA page_size = 16384")  # several vectors a page
                file.execute("CREATE TABLE IF NOT EXISTS embeddings (text BLOB PRIMARY KEY, vector BLOB NOT NULL)")
            self.usable = True
        except (OSError, RuntimeError, sqlite3.Error) as error:  # RuntimeError: the user has no home
            self._give_up(error)

    def __call__(self, texts: Sequence[str]) -> Embeddings:
        """The embeddings of the texts, in their order.

        Shapes:
            texts: (n,)
            returns: (n, dim)

        Raises:
            UsageError: Something among the texts is none, or the encoder does not give one row a text; nothing of it is kept.
        """
        texts = check_texts(texts)
        if not self.usable or not texts:
            return self._encode(texts)
        keys = [hashlib.blake2b(text.encode(), digest_size=16).digest() for text in texts]
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
            self._keep(list(some), rows)
        return np.stack([known[key] for key in keys])

    def _read(self, keys: Sequence[bytes]) -> dict[bytes, Embeddings]:
        """What is kept for these keys; nothing where the file cannot be read."""
        wanted = sorted(set(keys))
        found: dict[bytes, bytes] = {}
        try:
            with closing(self._open()) as file:
                for start in range(0, len(wanted), _AT_ONCE):
                    some = wanted[start : start + _AT_ONCE]
                    marks = ",".join("?" * len(some))
                    found.update(file.execute(f"SELECT text, vector FROM embeddings WHERE text IN ({marks})", some))
            lengths = {len(row) for row in found.values()}
            if len(lengths) > 1 or any(length % 4 for length in lengths):
                raise sqlite3.DatabaseError("a vector in it was cut")
        except sqlite3.Error as error:
            self._give_up(error)
            return {}
        rows = {key: np.frombuffer(row, dtype=np.float32) for key, row in found.items()}
        return {key: row for key, row in rows.items() if np.isfinite(row).all()}

    def _keep(self, keys: Sequence[bytes], rows: Embeddings) -> None:
        if not self.usable:
            return
        try:
            with closing(self._open()) as file, file:
                file.executemany(
                    "INSERT OR IGNORE INTO embeddings VALUES (?, ?)",
                    [(key, row.tobytes()) for key, row in zip(keys, rows, strict=True)],
                )
        except sqlite3.Error as error:
            self._give_up(error)

    def _open(self) -> sqlite3.Connection:
        assert self.path is not None
        return sqlite3.connect(self.path, timeout=60)

    def _give_up(self, error: Exception) -> None:
        self.usable = False
        self._log(
            f"Note: the cache of embeddings {self.path or ''} cannot be used ({error}); everything is encoded anew. Delete the "
            f"file if it is damaged, or name another folder in {VARIABLE}."
        )


def cache_folder() -> Path:
    """Where embeddings are kept: the folder that JUYI_CACHE names, or juyi/embeddings among the user's caches."""
    return user_cache("embeddings")
