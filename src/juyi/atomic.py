"""Writing that is whole or not there."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from juyi.errors import UsageError

_HOST = f"{zlib.crc32(socket.gethostname().encode()):08x}"  # numbers of processes mean something on one machine only


@contextmanager
def replaced_folder(folder: str | Path, *manifests: str) -> Iterator[Path]:
    """A temporary folder beside the wanted one, which takes its place when the block ends without an error.

    A reader sees the old folder or the new one, never a half-written one. A process that is killed while it writes leaves the old
    folder as it was, and a hidden `.name.….tmp` beside it, which the next one to write there deletes. Only in the instant between
    two renames is there none; then the old one lies beside, named `.name.….old`, and is never deleted by another process.

    Args:
        folder: Where the result shall be; its parents are made.
        manifests: Files by which a folder of the same kind is known. Any other folder with content is left alone.

    Raises:
        UsageError: Something else is there already.
    """
    target = Path(folder).absolute()
    _check_replaceable(target, manifests)
    target.parent.mkdir(parents=True, exist_ok=True)
    stem = f".{target.name}.{_HOST}-{os.getpid()}-{secrets.token_hex(4)}"
    fresh, old = target.with_name(f"{stem}.tmp"), target.with_name(f"{stem}.old")
    try:
        _remove_orphans(target)
        fresh.mkdir()
        yield fresh
        # A folder cannot be renamed over one with content: the old one steps aside first.
        if target.exists():
            target.rename(old)
        try:
            fresh.rename(target)
        except OSError:
            if old.exists():
                old.rename(target)
            raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)


@contextmanager
def replaced_file(target: str | Path) -> Iterator[Path]:
    """A temporary name beside the wanted file, which takes its place when the block ends without an error; else nothing stays.

    Args:
        target: Where the result shall be; its parents are made.
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{_HOST}-{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        yield draft
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def write_text(target: Path, text: str) -> None:
    """Write a UTF-8 file under a temporary name and rename it."""
    with replaced_file(target) as draft:
        draft.write_text(text, encoding="utf-8")


def _remove_orphans(target: Path) -> None:
    """Delete the drafts of the folder that processes of this machine left which are no longer alive."""
    start = f".{target.name}.{_HOST}-"
    for draft in target.parent.iterdir():
        pid = draft.name.removeprefix(start).partition("-")[0]
        if draft.name.startswith(start) and draft.suffix == ".tmp" and pid.isdecimal() and not _is_alive(int(pid)):
            shutil.rmtree(draft, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    if os.name != "posix":
        return True  # there, asking with signal 0 would end it
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # of another user
    return True


def _check_replaceable(target: Path, manifests: tuple[str, ...]) -> None:
    if not target.exists():
        return
    if target.is_dir() and (any((target / name).is_file() for name in manifests) or not any(target.iterdir())):
        return
    kind = f"a folder with other content (it has no {' or '.join(manifests)})" if target.is_dir() else "a file"
    raise UsageError(f"{target} is {kind}, and saving would replace it. Give a new folder, or one that was saved before.")
