"""Every error that juyi raises on purpose.

JuyiError
├── UsageError          the caller asked for something that does not exist or does not fit together
├── DataError           a file or a row cannot be used as it is
│   └── ColumnsError    a file has other columns than are needed
├── ModelError          a model folder cannot be loaded, saved or does what it was not asked to do
│   └── NonFiniteError  an encoder gave vectors with NaN or infinity
├── OutputError         something cannot be written; an OSError too
├── TrainingError       a run cannot start, go on or be resumed
├── BusyError           another process works in the folder
└── MissingExtraError   an optional dependency is not installed

One message is one clear paragraph: what was got, what is allowed, what to do next.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Sequence
from pathlib import Path


class JuyiError(Exception):
    """The root of the tree: whatever juyi raises on purpose is one of these."""


class UsageError(JuyiError):
    """The caller asked for something that does not exist or does not fit together."""


class DataError(JuyiError):
    """A file or a row cannot be used as it is.

    Args:
        message: What was got, what is allowed, what to do.
        path: The file, when there is one.
        line: The line number in it, counted from 1.
    """

    def __init__(self, message: str, *, path: str | Path | None = None, line: int | None = None) -> None:
        self.path = path
        self.line = line
        place = "" if path is None else f"{path}: " if line is None else f"{path}, line {line}: "
        super().__init__(place + message)


class ColumnsError(DataError):
    """A file has other columns than are needed, and which ones are meant cannot be told.

    Args:
        message: What was got, what is allowed, what to do.
        path: The file.
        needed: How many columns are needed.
        found: The names of those that are there; the number of them where they have no names.
    """

    def __init__(self, message: str, *, path: str | Path, needed: int, found: tuple[str, ...] | int) -> None:
        self.needed = needed
        self.found = found
        super().__init__(message, path=path)


class ModelError(JuyiError):
    """A model folder cannot be loaded, saved, or does not do what it was asked to do."""


class NonFiniteError(ModelError):
    """An encoder gave vectors with NaN or infinity, which look like results and are none.

    Args:
        texts: The texts whose vectors they are.
        total: How many texts were encoded together.
    """

    def __init__(self, texts: Sequence[str], total: int) -> None:
        self.texts, self.total = tuple(texts), total
        shown = ", ".join(repr(text if len(text) <= 40 else text[:39] + "…") for text in self.texts[:3])
        super().__init__(
            f"{len(self.texts):,} of {total:,} vectors hold NaN or infinity, those of {shown}"
            f"{' and others' if len(self.texts) > 3 else ''}; nothing was written. The weights are damaged (a training that "
            "diverged, a file that was cut), or too large for the precision (float16 ends at 65,504). Take another checkpoint, "
            "fetch the model again, or store and run it in float32."
        )


class OutputError(JuyiError, OSError):
    """Something cannot be written. What was half written is gone, and what was there before is as it was.

    Args:
        path: Where it should have gone.
        cause: What the system said; or words, then with what to do.

    Attributes:
        path: See above.
        reason: The cause in words, without the path.
    """

    def __init__(self, path: str | Path, cause: OSError | str) -> None:
        self.path = path
        self.reason = cause if isinstance(cause, str) else system_words(cause)
        super().__init__(f"{path} cannot be written: {self.reason}")
        self.errno = None if isinstance(cause, str) else cause.errno


class TrainingError(JuyiError):
    """A run cannot start, go on or be resumed."""


class BusyError(JuyiError):
    """Another process works in the folder.

    Args:
        folder: The folder.
        pid: The number of the process; None where it has not said it yet.
        host: The machine it runs on.
        since: When it began, as ISO 8601 writes it.
    """

    def __init__(self, folder: Path, pid: int | None = None, host: str | None = None, since: str | None = None) -> None:
        self.folder, self.pid, self.host, self.since = folder, pid, host, since
        who = "another process" if pid is None else f"process {pid} on {host}, since {since}"
        super().__init__(
            f"{folder} is in use by {who}. Two at once would spoil each other's work, so nothing was written. Wait until it is "
            "done, end it, or give another folder. A process that has died holds nothing: then the same command just works."
        )


class MissingExtraError(JuyiError):
    """An optional dependency is not installed.

    Args:
        package: The package that could not be imported.
        extra: The extra of juyi that brings it.
        purpose: What it was needed for, as a noun phrase.
        command: What brings the package, where no extra does.
    """

    def __init__(self, package: str, extra: str, purpose: str, *, command: str = "") -> None:
        command = command or f"pip install 'juyi[{extra}]'"
        super().__init__(f"{purpose} needs the package '{package}', which is not installed. Run: {command}")


_SYSTEM_WORDS = {
    errno.ENOSPC: "the disk is full. Free some space, or take a place on another disk.",
    errno.EDQUOT: "your share of the disk is used up. Free some space, or take a place on another disk.",
    errno.EFBIG: "no file may grow that large here (ulimit -f, or the file system). Raise the limit, or take another place.",
    errno.EACCES: "it is not permitted. Have its permissions changed, or take another place.",
    errno.EPERM: "it is not permitted. Have its permissions changed, or take another place.",
    errno.EROFS: "the file system is read-only. Take another place.",
    errno.ENOENT: "there is no such file or folder. Check the name.",
    errno.EEXIST: "a part of the path is a file, and a folder is needed there. Check the name.",
    errno.ENOTDIR: "a part of the path is a file, and a folder is needed there. Check the name.",
    errno.EISDIR: "it is a folder, and a file is needed. Name a file.",
    errno.ENAMETOOLONG: "the name is too long for the file system. Take a shorter one.",
    errno.EMFILE: "too many files are open. Raise the limit (ulimit -n).",
    errno.EIO: "the disk reports an error. Look at the disk, and take another one.",
}


def system_words(error: OSError) -> str:
    """What an error of the system means and what to do about it, without its path."""
    known = None if error.errno is None else _SYSTEM_WORDS.get(error.errno)
    return known or f"{error.strerror or error}. Look at the place, and try again."


def system_error(error: BaseException) -> OSError | None:
    """The error of the system that an exception reports; None where it is about something else.

    Libraries in other languages (safetensors, tokenizers), and `shutil` when it copies a folder, say the number in words alone.
    """
    if isinstance(error, RuntimeError) and isinstance(error.__context__, OSError) and "inline_container" in str(error):
        return error.__context__  # torch covers it with its own while it closes the file
    if isinstance(error, OSError) and error.errno is not None:
        return error
    found = re.search(r"\(os error (\d+)\)|\[Errno (\d+)\]", str(error))
    if found is None and re.search(r"\d+ requested and \d+ written", str(error)):  # numpy, which lost the number
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if found is None:
        return error if isinstance(error, OSError) else None
    number = int(found[1] or found[2])
    return OSError(number, os.strerror(number))
