"""Writing that is whole or not there, and whether it can be done, asked before the work.

A draft lies beside its target, hidden, as `.name.….tmp`. One that a killed process left is deleted by the next to write there.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import stat
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from juyi.errors import JuyiError, OutputError, UsageError, system_error

_HOST = f"{zlib.crc32(socket.gethostname().encode()):08x}"  # numbers of processes mean something on one machine only
_LONGEST = 150  # bytes of a name that its draft repeats: file systems allow 255, and a draft of a draft has two endings


@contextmanager
def replaced_folder(folder: str | Path, *manifests: str) -> Iterator[Path]:
    """A temporary folder beside the wanted one, which takes its place when the block ends without an error.

    A reader sees the old folder or the new one, never a half-written one. A process that is killed while it writes leaves the old
    folder as it was, and a hidden `.name.….tmp` beside it, which the next one to write there deletes. Only in the instant between
    two renames is there none; then the old one lies beside, named `.name.….old`, and the next one to write there puts it back.

    Args:
        folder: Where the result shall be; its parents are made.
        manifests: Files by which a folder of the same kind is known. Any other folder with content is left alone.

    Raises:
        UsageError: Something else is there already.
        OutputError: It cannot be written: the disk is full, say.
    """
    target = Path(folder).resolve()
    _check_replaceable(target, manifests)
    stem = _stem(target)
    fresh, old = target.with_name(f"{stem}.tmp"), target.with_name(f"{stem}.old")
    try:
        with _disk_errors(folder, target.parent, fresh):
            target.parent.mkdir(parents=True, exist_ok=True)
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

    Raises:
        UsageError: A folder or a device is there.
        OutputError: It cannot be written: the disk is full, say.
    """
    path = Path(target).resolve()
    _check_plain(path)
    draft = path.with_name(f"{_stem(path)}.tmp")
    try:
        with _disk_errors(target, path.parent, draft):
            path.parent.mkdir(parents=True, exist_ok=True)
            _remove_orphans(path)
            yield draft
            draft.replace(path)
    finally:
        with suppress(OSError):  # where a part of its path is a file, for example
            draft.unlink(missing_ok=True)


def write_text(target: Path, text: str) -> None:
    """Write a UTF-8 file under a temporary name and rename it."""
    with replaced_file(target) as draft:
        draft.write_text(text, encoding="utf-8")


def check_output_file(target: str | Path) -> None:
    """Refuse a file that could not be written, before the work for it begins.

    Raises:
        UsageError: A folder or a device is there.
        OutputError: Its folder cannot be written to or made.
    """
    path = Path(target).resolve()
    _check_plain(path)
    _try_writing(target, path)


def check_output_folder(folder: str | Path, *manifests: str) -> None:
    """Refuse a folder that `replaced_folder` could not write, before the work for it begins.

    Args:
        folder: See `replaced_folder`.
        manifests: See `replaced_folder`.

    Raises:
        UsageError: Something else is there already.
        OutputError: The folder around it cannot be written to or made.
    """
    path = Path(folder).resolve()
    _check_replaceable(path, manifests)
    _try_writing(folder, path)


def is_stream(path: str | Path) -> bool:
    """Whether there is a device or a pipe by that name (/dev/stdout, `>(…)`): it is written to and never replaced."""
    try:
        mode = Path(path).stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def free_space(folder: str | Path) -> int:
    """Bytes that are free where a folder lies or will lie."""
    return shutil.disk_usage(_nearest(Path(folder).resolve())).free


def _nearest(path: Path) -> Path:
    """The path itself, or of what is around it the first that exists."""
    return next(place for place in (path, *path.parents) if os.path.lexists(place))


def _try_writing(named: str | Path, path: Path) -> None:
    """Write a byte without a name into the folder where the path would be made: permissions alone do not tell."""
    try:
        with tempfile.TemporaryFile(dir=_nearest(path.parent)) as probe:
            probe.write(b"\0")
    except OSError as error:
        raise OutputError(named, error) from error


@contextmanager
def _disk_errors(named: str | Path, place: Path, draft: Path) -> Iterator[None]:
    """What the system refuses within the block is an OutputError about what is wanted, not about its draft.

    An error about a file elsewhere, one that is read, stays as it is.
    """
    try:
        yield
    except OutputError as error:
        if draft not in (Path(error.path), *Path(error.path).parents):
            raise
        raise OutputError(named, error.reason) from error
    except (JuyiError, ConnectionError, TimeoutError):
        raise
    except Exception as error:
        reported = system_error(error)
        if reported is None or reported.errno is None:
            raise
        if reported.filename and place not in Path(os.fsdecode(reported.filename)).absolute().parents:
            raise
        raise OutputError(named, reported) from error


def _stem(target: Path) -> str:
    """The beginning of a draft's name: whose it is, and which process writes it."""
    return f"{_start(target)}{os.getpid()}-{secrets.token_hex(4)}"


def _start(target: Path) -> str:
    name = os.fsencode(target.name)[:_LONGEST].decode("utf-8", "ignore")
    return f".{name}.{_HOST}-"


def _remove_orphans(target: Path) -> None:
    """Delete the drafts of a target that processes of this machine left which are no longer alive, and drafts of those drafts."""
    start = _start(target).lstrip(".")
    for draft in target.parent.iterdir():
        name = draft.name.lstrip(".")
        pid = name.removeprefix(start).partition("-")[0]
        if draft.name[:1] != "." or not name.startswith(start) or not pid.isdecimal() or _is_alive(int(pid)):
            continue
        if draft.suffix == ".old" and not target.exists():  # killed between two renames
            draft.rename(target)
        elif draft.is_dir():
            shutil.rmtree(draft, ignore_errors=True)
        else:
            draft.unlink(missing_ok=True)


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


def _check_plain(path: Path) -> None:
    try:
        if not path.exists() or path.is_file():
            return
    except OSError as error:
        raise OutputError(path, error) from error
    kind = "a folder" if path.is_dir() else "no regular file (a device or a pipe)"
    raise UsageError(f"{path} is {kind}, and a file is to be written there. Name a file.")


def _check_replaceable(target: Path, manifests: tuple[str, ...]) -> None:
    try:
        if not target.exists():
            return
        if target.is_dir() and (any((target / name).is_file() for name in manifests) or not any(target.iterdir())):
            return
    except OSError as error:
        raise OutputError(target, error) from error
    kind = f"a folder with other content (it has no {' or '.join(manifests)})" if target.is_dir() else "a file"
    raise UsageError(f"{target} is {kind}, and saving would replace it. Give a new folder, or one that was saved before.")
