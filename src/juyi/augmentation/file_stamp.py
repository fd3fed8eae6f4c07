"""Whether a file is still the one that was read."""

from __future__ import annotations

from pathlib import Path

from juyi.data.files import check_readable


def file_stamp(path: str) -> tuple[int, int]:
    """Time of change and size: what was read of a file holds as long as these do.

    Raises:
        DataError: There is no such file, or it cannot be read.
    """
    check_readable(path)
    state = Path(path).stat()
    return state.st_mtime_ns, state.st_size
