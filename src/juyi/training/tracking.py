"""The run's log: one JSON object a line."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


class JsonLines:
    """Appends records to a file; can be cut back to where a checkpoint stood.

    Args:
        path: The log.
        keep_bytes: Keep this much of what is there; None keeps nothing.
    """

    def __init__(self, path: Path, *, keep_bytes: int | None = None) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab")
        self._file.truncate(min(keep_bytes or 0, os.fstat(self._file.fileno()).st_size))
        self._file.seek(0, os.SEEK_END)  # cutting leaves the position where the old end was, and `size` reads it

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self._file.tell()

    def write(self, record: dict[str, Any]) -> None:
        """Append one record and flush it."""
        self._file.write((json.dumps(record, ensure_ascii=False) + "\n").encode())
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
