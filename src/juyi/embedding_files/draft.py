"""A file that grows block by block under another name, and goes on where a process that was stopped left it.

Beside `x.npy` lies `x.npy.part`, with the ids as `x.ids.txt.part` where there are any, and `x.npy.part.json`: how much of them
is whole, what of the source is in it, and the settings that decide about the bytes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Any

from juyi.atomic import check_output_file, write_text
from juyi.errors import OutputError, UsageError
from juyi.locks import locked_folder
from juyi.types import Log

TURNED = ".turned"
"""The ending of a draft that was turned into its last form."""


@dataclass(frozen=True)
class Whole:
    """How much of a draft is whole.

    Attributes:
        texts: Texts of the source that are in it, or were left out.
        rows: Rows.
        digest: Of those texts.
        size: Bytes of the file.
        ids_size: Bytes of the ids beside it.
    """

    texts: int = 0
    rows: int = 0
    digest: str = ""
    size: int = 0
    ids_size: int = 0


class Draft:
    """A growing file and the ids beside it.

    Args:
        path: Where it is written for now.
        ids: Where the ids are, if there are any.
        whole: What is in it already; whatever stands behind is cut off.
        target: What errors name.
        note: Is told after each block how much is whole; the block is on the disk then.

    Attributes:
        whole: See above; grows.
        finished: The file that is wanted, once it is whole.

    Raises:
        OutputError: It cannot be written.
    """

    def __init__(
        self, path: Path, ids: Path | None, whole: Whole, target: Path, note: Callable[[Whole], None] | None = None
    ) -> None:
        self._note = note
        self.path, self.ids, self.whole, self._target = path, ids, whole, target
        self.finished = path
        with self._errors():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._stream = _opened(path, whole.size)
            self._ids_stream = None if ids is None else _opened(ids, whole.ids_size)

    def append(self, data: bytes, ids: bytes, whole: Whole) -> None:
        """A block.

        Args:
            data: What is put behind.
            ids: What is put behind the ids.
            whole: What is in it then, without the sizes.

        Raises:
            OutputError: The disk is full, say.
        """
        with self._errors():
            for stream, more in ((self._stream, data), (self._ids_stream, ids)):
                if stream is not None:
                    stream.write(more)
                    if self._note is not None:
                        stream.flush()
                        os.fsync(stream.fileno())
        self.whole = replace(whole, size=self.whole.size + len(data), ids_size=self.whole.ids_size + len(ids))
        if self._note is not None:
            self._note(self.whole)

    def close(self, head: bytes = b"", tail: bytes = b"") -> None:
        """Put the last bytes behind, and the first ones in their place.

        Raises:
            OutputError: The disk is full, say.
        """
        with self._errors():
            self._stream.write(tail)
            self._stream.seek(0)
            self._stream.write(head)
            self._stream.close()
            if self._ids_stream is not None:
                self._ids_stream.close()

    def abandon(self) -> None:
        """Close it as it is."""
        for stream in (self._stream, self._ids_stream):
            if stream is not None:
                with suppress(OSError):  # what could not be written is not of the whole part
                    stream.close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OutputError(self._target, error) from error


def _opened(path: Path, size: int) -> IO[bytes]:
    stream = path.open("r+b" if size else "w+b")
    stream.truncate(size)
    stream.seek(size)
    return stream


def ids_path(target: Path) -> Path:
    """Where the line numbers or ids of the rows of `x.npy` lie: `x.ids.txt`."""
    return target.with_suffix(".ids.txt")


def discard_draft(target: Path) -> None:
    """Delete what an earlier run that was stopped left beside a target.

    Raises:
        BusyError: Somebody writes it just now.
    """
    with locked_folder(target):
        Drafts(target, has_ids=True).remove()


class Drafts:
    """What lies beside a target while it is written.

    Args:
        target: The file that is wanted.
        has_ids: Whether ids lie beside it.
    """

    def __init__(self, target: Path, *, has_ids: bool) -> None:
        self.target = target
        self.part = target.with_name(f"{target.name}.part")
        self.state = target.with_name(f"{target.name}.part.json")
        self.ids = ids_path(target).with_name(f"{ids_path(target).name}.part") if has_ids else None

    @contextmanager
    def opened(self, settings: Mapping[str, Any], log: Log) -> Iterator[Draft]:
        """The draft, begun or continued; it takes its place when the block ends without an error.

        After an error or an interrupt the blocks that are whole stay, and the log hears it; where there are none, nothing stays.

        Args:
            settings: What decides about the bytes.
            log: Hears what is continued and what is kept.

        Raises:
            UsageError: There is a draft that was begun with other settings.
            BusyError: Somebody else writes it.
            OutputError: It cannot be written.
        """
        check_output_file(self.target)
        with locked_folder(self.target):
            whole = self._found(settings, log)
            if whole.rows:
                log(f"Going on behind row {whole.rows:,}: {self.part} is of an earlier run.")
            draft = Draft(self.part, self.ids, whole, self.target, lambda whole: self._keep(whole, settings))
            try:
                yield draft
                self._put_in_place(draft.finished)
            except BaseException:
                draft.abandon()
                if draft.whole.rows:
                    log(f"Kept: {draft.whole.rows:,} rows in {self.part}; the same command goes on there.")
                else:
                    self.remove()
                raise
            self.remove()

    def _keep(self, whole: Whole, settings: Mapping[str, Any]) -> None:
        write_text(self.state, json.dumps({"settings": dict(settings), "whole": asdict(whole)}, ensure_ascii=False, indent=1))

    def remove(self) -> None:
        """Delete whatever lies there."""
        for path in (self.part, self.part.with_name(f"{self.part.name}{TURNED}"), self.state, self.ids):
            if path is not None:
                with suppress(OSError):
                    path.unlink(missing_ok=True)

    def _found(self, settings: Mapping[str, Any], log: Log) -> Whole:
        """What is whole of an earlier run's draft; nothing where there is none that can be used."""
        try:
            state = json.loads(self.state.read_text(encoding="utf-8"))
            before, whole = dict(state["settings"]), Whole(**state["whole"])
            sizes = [(self.part, whole.size), *([(self.ids, whole.ids_size)] if self.ids else [])]
            if any(path.stat().st_size < size for path, size in sizes):
                log(f"Beginning anew: {self.part} is shorter than {self.state.name} says.")
                return Whole()
        except (OSError, ValueError, KeyError, TypeError):
            return Whole()
        other = [key for key in {**before, **settings} if before.get(key) != settings.get(key)]
        if whole.rows and other:
            differ = "; ".join(f"{key}: {_said(before.get(key))}, now {_said(settings.get(key))}" for key in other)
            raise UsageError(
                f"{self.part} holds {whole.rows:,} rows of a run that was stopped, with other settings ({differ}). Repeat that "
                "run to go on there, name another output, or begin anew with --restart, which deletes them."
            )
        return Whole() if other else whole

    def _put_in_place(self, finished: Path) -> None:
        try:
            if self.ids is not None:
                self.ids.replace(ids_path(self.target))
            finished.replace(self.target)
        except OSError as error:
            raise OutputError(self.target, error) from error


def _said(value: object) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 40 else f"{text[:12]}…"
