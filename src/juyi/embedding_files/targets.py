"""Where vectors go: a file that can be continued, a file that is whole or not there, or a stream."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, Protocol

from juyi.atomic import is_stream, replaced_file
from juyi.embedding_files.draft import Draft, Drafts, Whole, ids_path
from juyi.embedding_files.formats import Form
from juyi.types import Log

_PART = 1 << 20


class Growing(Protocol):
    """What blocks are appended to; see `Draft`."""

    whole: Whole
    path: Path
    finished: Path

    def append(self, data: bytes, ids: bytes, whole: Whole) -> None:
        """A block."""
        ...

    def close(self, head: bytes, tail: bytes) -> None:
        """The first and the last bytes."""
        ...


@contextmanager
def opened_target(
    target: Path | IO[bytes], form: Form, *, beside: bool, settings: Mapping[str, Any] | None, log: Log
) -> Iterator[Growing]:
    """What blocks of a form are appended to; it is whole when the block ends without an error.

    Args:
        target: See `write_embeddings`.
        form: What is written.
        beside: Whether ids lie beside a file.
        settings: What decides about the bytes, of a file that can be continued.
        log: Hears what is kept and continued.

    Raises:
        UsageError: What was kept is of other settings, or a folder is there.
        OutputError: It cannot be written.
    """
    with ExitStack() as files:
        if isinstance(target, Path) and is_stream(target):
            target = files.enter_context(target.open("wb"))
        if not isinstance(target, Path):
            yield from _to_stream(target, form)
        elif settings is not None:
            yield files.enter_context(Drafts(target, has_ids=beside).opened(settings, log))
        else:
            ids = files.enter_context(replaced_file(ids_path(target))) if beside else None
            path = files.enter_context(replaced_file(target))
            draft = Draft(path, ids, Whole(), target)
            files.callback(draft.abandon)
            yield draft
            if draft.finished != path:
                draft.finished.replace(path)


def _to_stream(stream: IO[bytes], form: Form) -> Iterator[Growing]:
    if form.streams:
        yield _Passed(stream)
        return
    with tempfile.TemporaryDirectory() as folder:  # its first or last bytes are known last
        draft = Draft(Path(folder) / "draft", None, Whole(), Path(folder))
        try:
            yield draft
        finally:
            draft.abandon()
        with draft.finished.open("rb") as whole:
            while part := whole.read(_PART):
                _put(stream, part)


class _Passed:
    """An open stream, to which blocks are passed on."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self.whole = stream, Whole()
        self.path = self.finished = Path()

    def append(self, data: bytes, ids: bytes, whole: Whole) -> None:
        _put(self._stream, data)

    def close(self, head: bytes, tail: bytes) -> None:
        _put(self._stream, tail)


def _put(stream: IO[bytes], data: bytes) -> None:
    """Write all of it: a stream without a buffer, as stdout is under PYTHONUNBUFFERED, takes a part and says how much."""
    rest = memoryview(data)
    while rest:
        written = stream.write(rest)
        rest = rest[len(rest) if written is None else written :]
