"""Every error that juyi raises on purpose.

JuyiError
├── UsageError          the caller asked for something that does not exist or does not fit together
├── DataError           a file or a row cannot be used as it is
│   └── ColumnsError    a file has other columns than are needed
├── ModelError          a model folder cannot be loaded, saved or does what it was not asked to do
├── TrainingError       a run cannot start, go on or be resumed
├── BusyError           another process works in the folder
└── MissingExtraError   an optional dependency is not installed

One message is one clear paragraph: what was got, what is allowed, what to do next.
"""

from __future__ import annotations

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
    """

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(f"{purpose} needs the package '{package}', which is not installed. Run: pip install 'juyi[{extra}]'")
