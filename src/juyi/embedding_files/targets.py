"""Where vectors go: a file that can be continued, a file that is whole or not there, or a stream."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, Protocol

from juyi.atomic import check_output_file, is_stream, replaced_file
from juyi.embedding_files.draft import Done, Draft, Drafts, ids_path
from juyi.embedding_files.formats import Form
from juyi.types import Log

_PART = 1 << 20


class Target(Protocol):
    """What blocks are appended to; see `Draft`.

    Attributes:
        done: What is in it already.
    """

    done: Done

    def append(self, data: bytes, ids: bytes, done: Done) -> None:
        """Put a block behind the others."""
        ...

    def close(self, form: Form, rows: int) -> None:
        """Make it whole."""
        ...


def streamed(target: Path | IO[bytes]) -> bool:
    """Whether a target is written from the first byte to the last: an open stream, or a device or a pipe with a name."""
    return not isinstance(target, Path) or is_stream(target)


@contextmanager
def opened_target(
    target: Path | IO[bytes], form: Form, *, beside: bool, settings: Mapping[str, Any] | None, restart: bool, log: Log
) -> Iterator[Target]:
    """What blocks of a form are appended to; it is whole when the block ends without an error.

    Args:
        target: See `write_embeddings`.
        form: What is written.
        beside: Whether ids lie beside a file.
        settings: What decides about the bytes, of a file that can be continued.
        restart: See `write_embeddings`.
        log: Hears what is kept and continued.

    Raises:
        UsageError: What was kept is of other settings, or a folder is there.
        OutputError: It cannot be written.
    """
    with ExitStack() as files:
        if streamed(target):
            stream = files.enter_context(target.open("wb")) if isinstance(target, Path) else target
            yield from _to_stream(stream, form)
            return
        assert isinstance(target, Path)
        if settings is not None:
            yield files.enter_context(Drafts(target, has_ids=beside).opened(settings, log, restart=restart))
            return
        if beside:
            check_output_file(ids_path(target))
        ids = files.enter_context(replaced_file(ids_path(target))) if beside else None
        path = files.enter_context(replaced_file(target))
        draft = Draft(path, ids, Done(), target)
        files.callback(draft.abandon)
        yield draft
        if draft.finished != path:
            draft.finished.replace(path)


def _to_stream(stream: IO[bytes], form: Form) -> Iterator[Target]:
    if form.streams:
        yield _Passed(stream)
        return
    with tempfile.TemporaryDirectory() as folder:  # its first or last bytes are known last
        draft = Draft(Path(folder) / "draft", None, Done(), Path(folder))
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
        self._stream, self.done = stream, Done()

    def append(self, data: bytes, ids: bytes, done: Done) -> None:
        _put(self._stream, data)

    def close(self, form: Form, rows: int) -> None:
        _put(self._stream, form.tail())


def _put(stream: IO[bytes], data: bytes) -> None:
    """Write all of it: a stream without a buffer, as stdout is under PYTHONUNBUFFERED, takes a part and says how much."""
    rest = memoryview(data)
    while rest:
        written = stream.write(rest)
        rest = rest[len(rest) if written is None else written :]
