"""A lock on a folder: one process at a time works in it, and a process that dies lets go of it."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from juyi.errors import BusyError, OutputError

_PATIENCE = 0.5  # seconds: somebody may only be looking (`holder_of`), or not have said yet who it is
_PAUSE = 0.02


@dataclass(frozen=True)
class Holder:
    """Who works in a folder; None is what is not known yet.

    Attributes:
        pid: The number of the process.
        host: Its machine.
        since: When it began, as ISO 8601 writes it.
    """

    pid: int | None = None
    host: str | None = None
    since: str | None = None


@contextmanager
def locked_folder(folder: str | Path) -> Iterator[None]:
    """Work in a folder alone. The folder need not exist; its parents are made.

    The lock is the operating system's, on the file `.NAME.lock` beside the folder, which also says who holds it. It ends with
    the process, however that ends (`kill -9` included); a file that a dead process left is taken over. It is not reentrant, so
    two threads of a process are kept apart too; child processes that are forked, not started anew, share it.

    Linux and macOS with local file systems, and NFS with its lock service between machines as well. On Windows the same is done
    with its own locks.

    Args:
        folder: What to lock.

    Raises:
        BusyError: Somebody else works in it.
        OutputError: The place cannot be written to, or its file system has no locks.
    """
    target = Path(folder).resolve()
    path = _file_of(target)
    file = _take(path, target)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # Windows keeps a file that is open
            path.unlink()  # while the lock is held: whoever opened the file before looks whether it is still there
        os.close(file)


def holder_of(folder: str | Path) -> Holder | None:
    """Who works in the folder, None where nobody does."""
    path = _file_of(Path(folder).resolve())
    try:
        file = os.open(path, os.O_RDWR)
    except OSError:
        return None
    try:
        return None if _lock(file) else _read(path)
    finally:
        os.close(file)


def _file_of(target: Path) -> Path:
    return target.with_name(f".{target.name}.lock")


def _take(path: Path, target: Path) -> int:
    deadline = time.monotonic() + _PATIENCE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        while True:
            file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
            if _lock(file) and _is_at(file, path):
                return _signed(file, path)
            os.close(file)
            holder = _read(path)
            if time.monotonic() > deadline:
                raise BusyError(target, holder.pid, holder.host, holder.since)
            time.sleep(_PAUSE)
    except OSError as error:
        if error.errno in (errno.ENOLCK, errno.ENOTSUP):
            raise OutputError(
                target, "its file system has no locks, and two processes could not be kept apart. Take a place on another disk."
            ) from error
        raise OutputError(target, error) from error


def _lock(file: int) -> bool:
    """Whether the lock could be had."""
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(file, 1 << 30, os.SEEK_SET)  # a locked byte cannot be read there: one far behind the text
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _is_at(file: int, path: Path) -> bool:
    """Whether the open file is the one that lies there: the holder before may have removed it in between."""
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


def _signed(file: int, path: Path) -> int:
    """The locked file, which now says who holds it."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    try:
        os.lseek(file, 0, os.SEEK_SET)
        os.ftruncate(file, 0)
        os.write(file, (json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": now}) + "\n").encode())
    except BaseException:  # Ctrl-C among them
        path.unlink(missing_ok=True)
        os.close(file)
        raise
    return file


def _read(path: Path) -> Holder:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return Holder(int(record["pid"]), str(record["host"]), str(record["since"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Holder()  # it is being written
