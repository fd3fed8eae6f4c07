"""A file that grows block by block under another name, and goes on where a process that was stopped left it.

Beside `x.npy` lies `x.npy.part`, with its ids as `x.npy.ids.part` where there are any, and `x.npy.part.json`: how much of them is
done, which texts are in it, and the settings that decide about the bytes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Any

from juyi.atomic import check_output_file
from juyi.embedding_files.formats import TURNED, Form
from juyi.errors import OutputError, UsageError
from juyi.locks import locked_folder
from juyi.types import Log


@dataclass(frozen=True)
class Done:
    """How much of a draft is done.

    Attributes:
        texts: Texts that are in it, or were left out.
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
        done: What is in it already; whatever stands behind is cut off.
        target: What errors name.
        note: Is told after each block how much is done; the block is on the disk then.

    Attributes:
        done: See above; grows.
        finished: The file that is wanted, once it is closed.

    Raises:
        OutputError: It cannot be written.
    """

    def __init__(
        self, path: Path, ids: Path | None, done: Done, target: Path, note: Callable[[Done], None] | None = None
    ) -> None:
        self._path, self._ids, self._target, self._note = path, ids, target, note
        self.done, self.finished = done, path
        with _errors(target):
            self._stream = _opened(path, done.size)
            self._ids_stream = None if ids is None else _opened(ids, done.ids_size)

    def append(self, data: bytes, ids: bytes, done: Done) -> None:
        """Put a block behind the others.

        Args:
            data: The block.
            ids: Its ids.
            done: What is in the draft then; the sizes are counted here.

        Raises:
            OutputError: The disk is full, say.
        """
        with _errors(self._target):
            for stream, more in ((self._stream, data), (self._ids_stream, ids)):
                if stream is not None:
                    stream.write(more)
                    if self._note is not None:
                        stream.flush()
                        os.fsync(stream.fileno())
            after = replace(done, size=self.done.size + len(data), ids_size=self.done.ids_size + len(ids))
            if self._note is not None:
                self._note(after)
        self.done = after

    def close(self, form: Form, rows: int) -> None:
        """Put the last bytes behind and the first ones in their place, and turn the whole into its last form.

        Raises:
            OutputError: The disk is full, say.
        """
        with _errors(self._target):
            self._stream.write(form.tail())
            self._stream.seek(0)
            self._stream.write(form.head(rows))
            for stream in (self._stream, self._ids_stream):
                if stream is not None:
                    stream.flush()
                    os.fsync(stream.fileno())
                    stream.close()
            self.finished = form.finish(self._path)

    def abandon(self) -> None:
        """Close it as it is."""
        for stream in (self._stream, self._ids_stream):
            if stream is not None:
                with suppress(OSError):  # what could not be written does not count as done
                    stream.close()


@contextmanager
def _errors(target: Path) -> Iterator[None]:
    try:
        yield
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(target, error) from error


def _opened(path: Path, size: int) -> IO[bytes]:
    stream = path.open("r+b" if size else "w+b")
    stream.truncate(size)
    stream.seek(size)
    return stream


def ids_path(target: Path) -> Path:
    """Where the line numbers or ids of the rows of `x.npy` lie: `x.ids.txt`."""
    return target.with_suffix(".ids.txt")


class Drafts:
    """What lies beside a target while it is written.

    Args:
        target: The file that is wanted; what it links to is written.
        has_ids: Whether ids lie beside it.
    """

    def __init__(self, target: Path, *, has_ids: bool) -> None:
        self._named, self._target = target, target.resolve()
        self._final_ids = ids_path(self._target) if has_ids else None
        self._part, self._ids, self._state = (self._beside(ending) for ending in (".part", ".ids.part", ".part.json"))
        self._shown = self._part if target.is_symlink() else target.with_name(self._part.name)

    def _beside(self, ending: str) -> Path:
        return self._target.with_name(f"{self._target.name}{ending}")

    @contextmanager
    def opened(self, settings: Mapping[str, Any], log: Log, *, restart: bool = False) -> Iterator[Draft]:
        """The draft, begun or continued; it takes its place when the block ends without an error.

        After an error or an interrupt the blocks that are done stay, and the log hears it; where there are none, nothing stays.

        Args:
            settings: What decides about the bytes.
            log: Hears what is continued and what is kept.
            restart: Begin anew, whatever an earlier run left.

        Raises:
            UsageError: There is a draft that was begun with other settings, or nobody knows with which.
            BusyError: Somebody else writes it.
            OutputError: It cannot be written.
        """
        for path in (self._target, self._final_ids):
            if path is not None:
                check_output_file(path)
        with locked_folder(self._target):
            if restart:
                self._remove()
            done, draft = self._found(settings), None
            try:
                if done.rows:
                    log(f"Going on behind row {done.rows:,}: {self._shown} is of an earlier run.")
                else:
                    self._keep(Done(), settings)  # before there is a draft: one without it cannot be told from a stranger's file
                ids = None if self._final_ids is None else self._ids
                draft = Draft(self._part, ids, done, self._named, lambda after: self._keep(after, settings))
                yield draft
                self._put_in_place(draft, settings)
            except BaseException as error:
                self._stop(draft, done, error, log)
                raise
            self._remove()

    def _stop(self, draft: Draft | None, before: Done, error: BaseException, log: Log) -> None:
        """Keep the blocks that are done, and say so; where there are none, leave nothing."""
        done = before
        if draft is not None:
            draft.abandon()
            done = draft.done
        if not done.rows:
            self._remove()
        elif done != before or not isinstance(error, UsageError):
            log(f"Kept: {done.rows:,} rows in {self._shown}; the same command goes on there.")

    def _keep(self, done: Done, settings: Mapping[str, Any], moved: Mapping[str, int] | None = None) -> None:
        """Write down how much is done; `moved` are the inodes of the files that are about to take their places."""
        state = {"settings": dict(settings), "done": asdict(done), "moved": moved or {}}
        fresh = self._state.with_name(f"{self._state.name}.new")
        with _errors(self._named), fresh.open("w", encoding="utf-8") as stream:
            json.dump(state, stream, ensure_ascii=False, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        with _errors(self._named):
            fresh.replace(self._state)

    def _remove(self) -> None:
        """Delete whatever lies there."""
        for path in (self._part, self._beside(f".part{TURNED}"), self._ids, self._beside(".part.json.new"), self._state):
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def _found(self, settings: Mapping[str, Any]) -> Done:
        """What is done of an earlier run's draft; nothing where there is none."""
        if not self._state.exists() and not self._part.exists():
            return Done()
        try:
            state = json.loads(self._state.read_text(encoding="utf-8"))
            before, done, moved = dict(state["settings"]), Done(**state["done"]), dict(state["moved"])
            self._move_back(moved)
            sizes = [(self._part, done.size), (self._ids, done.ids_size)]
            short = next((path for path, size in sizes if size and (not path.exists() or path.stat().st_size < size)), None)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise self._unusable(f"{self._state} cannot be read ({error})") from error
        if not done.rows:
            return Done()
        if short:
            raise self._unusable(f"{short} is shorter than {self._state.name} says, or gone")
        if other := [key for key in {**before, **settings} if before.get(key) != settings.get(key)]:
            differ = "; ".join(f"{key}: {_said(before.get(key))}, now {_said(settings.get(key))}" for key in other)
            raise self._unusable(f"{self._shown} holds {done.rows:,} rows with other settings ({differ})")
        return done

    def _unusable(self, reason: str) -> UsageError:
        return UsageError(
            f"What a run that was stopped left cannot be gone on with: {reason}. Repeat that run as it was, name another output, "
            "or begin anew with --restart (restart=True), which deletes it."
        )

    def _put_in_place(self, draft: Draft, settings: Mapping[str, Any]) -> None:
        """Rename the file and its ids; a process that is killed between the two finds both again by their inodes."""
        with _errors(self._named):
            pairs = [(draft.finished, self._target), *([(self._ids, self._final_ids)] if self._final_ids else [])]
            self._keep(draft.done, settings, {str(path): path.stat().st_ino for path, _ in pairs})
            for path, final in pairs:
                path.replace(final)
            _sync_folder(self._target.parent)

    def _move_back(self, moved: Mapping[str, int]) -> None:
        finals = {str(self._part): self._target, str(self._ids): self._final_ids}
        for name, inode in moved.items():
            final = finals.get(name)
            if final is not None and not Path(name).exists() and final.exists() and final.stat().st_ino == inode:
                final.replace(name)


def _sync_folder(folder: Path) -> None:
    """Let renames outlive a power cut, where the system can."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            with suppress(OSError):
                os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _said(value: object) -> str:
    text = "none" if value in (None, "") else str(value)
    return text if len(text) <= 40 else f"{text[:12]}…"
