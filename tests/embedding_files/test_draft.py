"""A run that was stopped, by whatever, goes on, and its bytes are those of a run that was not."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from juyi.data import TextRow
from juyi.embedding_files import EMBEDDING_FORMATS, OutputOptions, write_embeddings
from juyi.engines.engine import BLOCK_TEXTS, Engine, EngineKind, Precision
from juyi.errors import BusyError, NonFiniteError, OutputError, UsageError
from juyi.locks import locked_folder
from juyi.types import Embeddings

COUNT = 3 * BLOCK_TEXTS + 5


class Counting(Engine):
    """An engine that counts what it encodes, and is stopped before a number of texts."""

    kind: EngineKind = "torch"
    precision: Precision = "float32"
    dim = 3

    def __init__(self, limit: int | None = None, identity: str = "counting", error: BaseException | None = None) -> None:
        self.limit, self._identity, self.error = limit, identity, error or KeyboardInterrupt()
        self.encoded = 0

    @property
    def identity(self) -> str:
        return self._identity

    def encode(
        self, texts: Sequence[str], *, prompt: object = None, normalise: bool = False, batch_tokens: int = 0
    ) -> Embeddings:
        if self.limit is not None and self.encoded + len(texts) > self.limit:
            raise self.error
        self.encoded += len(texts)
        together = sum(map(len, texts))  # as with a network, what is encoded together may move the last digits
        return np.array([[len(text), ord(text[-1]), 1 / together] for text in texts], dtype=np.float32).reshape(-1, 3)


def rows(count: int = COUNT, ids: bool = False) -> Iterator[TextRow]:
    for i in range(count):
        yield TextRow(i + 1, "" if i % 1000 == 7 else f"text {i}", f"q{i}" if ids else None)


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def options(form: Any = "npy", **more: Any) -> OutputOptions:
    return OutputOptions(**{"format": form, "empty": "drop", **more})


@pytest.mark.parametrize("form", EMBEDDING_FORMATS)
@pytest.mark.parametrize("limits", [[BLOCK_TEXTS], [2 * BLOCK_TEXTS, 0, BLOCK_TEXTS], [COUNT - 15]])
@pytest.mark.parametrize("ids", [False, True])
def test_stopped_and_continued_it_is_the_same(form: Any, limits: list[int], ids: bool, tmp_path: Path) -> None:
    whole = write_embeddings(Counting(), rows(ids=ids), tmp_path / "whole" / "x.out", options(form), resume=True)
    said: list[str] = []
    encoded = 0
    for limit in limits:
        engine = Counting(limit)
        with pytest.raises(KeyboardInterrupt):
            write_embeddings(engine, rows(ids=ids), tmp_path / "x" / "x.out", options(form), resume=True, log=said.append)
        encoded += engine.encoded
        with (tmp_path / "x" / "x.out.part").open("ab") as part:
            part.write(b"half a block that was being written")
    last = Counting()
    assert write_embeddings(last, rows(ids=ids), tmp_path / "x" / "x.out", options(form), resume=True, log=said.append) == whole
    assert content(tmp_path / "x") == content(tmp_path / "whole")
    assert encoded + last.encoded == whole.rows  # nothing twice
    kept = [line for line in said if line.startswith("Kept")]
    assert len(kept) == len(limits) and f"rows in {tmp_path / 'x' / 'x.out.part'}; the same command goes on there" in kept[0]
    assert [line for line in said if line.startswith("Going on behind row")]


def test_killed_while_the_last_form_is_made_it_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The draft is whole, but its last form is not: nothing is encoded twice."""
    write_embeddings(Counting(), rows(), tmp_path / "whole.parquet", options("parquet"))
    with monkeypatch.context() as patch:
        patch.setattr("pyarrow.parquet.ParquetWriter.write_table", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            write_embeddings(Counting(), rows(), tmp_path / "x.parquet", options("parquet"), resume=True)
    engine = Counting()
    write_embeddings(engine, rows(), tmp_path / "x.parquet", options("parquet"), resume=True)
    assert engine.encoded == 0
    assert content(tmp_path)["x.parquet"] == content(tmp_path)["whole.parquet"] and len(content(tmp_path)) == 2


@pytest.mark.parametrize("error", [OSError("the disk"), NonFiniteError(["a"], 1), MemoryError(), KeyboardInterrupt()])
def test_before_a_block_is_whole_nothing_is_kept(error: BaseException, tmp_path: Path) -> None:
    with pytest.raises(type(error)):
        write_embeddings(Counting(0, error=error), rows(), tmp_path / "x.npy", options(), resume=True)
    assert content(tmp_path) == {}


def stopped(target: Path, **more: Any) -> None:
    with pytest.raises(KeyboardInterrupt):
        write_embeddings(Counting(BLOCK_TEXTS), rows(), target, options(**more), resume=True)


@pytest.mark.parametrize("at", ["state", "block"])
def test_a_full_disk_after_some_blocks_keeps_them(at: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped(tmp_path / "x.npy")
    said: list[str] = []
    full = OSError(errno.ENOSPC, "No space left on device")
    with monkeypatch.context() as patch:
        if at == "state":
            patch.setattr("juyi.embedding_files.draft.json.dump", lambda *_, **__: (_ for _ in ()).throw(full))
        else:
            patch.setattr("juyi.embedding_files.draft.os.fsync", lambda *_: (_ for _ in ()).throw(full))
        with pytest.raises(OutputError, match=r"x\.npy cannot be written: the disk is full"):
            write_embeddings(Counting(), rows(), tmp_path / "x.npy", options(), resume=True, log=said.append)
    first = BLOCK_TEXTS - len([row for row in rows(BLOCK_TEXTS) if not row.text])
    assert said[-1].startswith(f"Kept: {first:,} rows")  # not the block of which nobody knows
    engine = Counting()
    whole = write_embeddings(engine, rows(), tmp_path / "x.npy", options(), resume=True)
    write_embeddings(Counting(), rows(), tmp_path / "y.npy", options())
    assert engine.encoded == whole.rows - first
    assert content(tmp_path)["x.npy"] == content(tmp_path)["y.npy"]


@pytest.mark.parametrize("place", [1, 2])
def test_killed_between_the_renames_it_finds_both_files_again(
    place: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process ends before the first, or the second, of the vectors and their ids takes its place."""
    (tmp_path / "x.npy").write_text("before")
    (tmp_path / "x.ids.txt").write_text("before")
    renames = iter(range(1, 100))
    replace = Path.replace

    def killed(self: Path, target: Path) -> Path:
        if not self.name.endswith(".new") and next(renames) == place:
            raise KeyboardInterrupt
        return replace(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        patch.setattr("juyi.embedding_files.draft.Drafts._remove", lambda _: None)
        with pytest.raises(KeyboardInterrupt):
            write_embeddings(Counting(), rows(), tmp_path / "x.npy", options(), resume=True)
    engine = Counting()
    write_embeddings(engine, rows(), tmp_path / "x.npy", options(), resume=True)
    assert engine.encoded == 0 and sorted(content(tmp_path)) == ["x.ids.txt", "x.npy"]
    write_embeddings(Counting(), rows(), tmp_path / "y.npy", options())
    assert content(tmp_path)["x.npy"] == content(tmp_path)["y.npy"]
    assert content(tmp_path)["x.ids.txt"] == content(tmp_path)["y.ids.txt"]


def test_what_is_linked_to_is_written(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "x.npy").symlink_to(tmp_path / "disk" / "far.npy")
    stopped(tmp_path / "x.npy")
    assert sorted(content(tmp_path / "disk")) == ["far.npy.ids.part", "far.npy.part", "far.npy.part.json"]
    write_embeddings(Counting(), rows(), tmp_path / "x.npy", options(), resume=True)
    assert (tmp_path / "x.npy").is_symlink() and sorted(content(tmp_path / "disk")) == ["far.ids.txt", "far.npy"]


@pytest.mark.parametrize(
    ("engine", "changed", "words"),
    [
        (Counting(identity="another"), {}, "model and pooling: counting, now another"),
        (Counting(), {"normalise": True}, "normalise: False, now True"),
        (Counting(), {"dim": 2}, "dim: none, now 2"),
        (Counting(), {"number_type": "int8"}, "number type: float32, now int8"),
        (Counting(), {"form": "csv"}, "format: npy, now csv"),
        (Counting(), {"empty": "zero", "prompt": "问："}, "prompt: none, now 问：; empty: drop, now zero"),
    ],
)
def test_what_was_kept_of_other_settings_is_not_mixed(
    engine: Counting, changed: dict[str, Any], words: str, tmp_path: Path
) -> None:
    stopped(tmp_path / "x.npy")
    before, said = content(tmp_path), list[str]()
    with pytest.raises(UsageError, match=re.escape(words)):
        write_embeddings(engine, rows(), tmp_path / "x.npy", options(**changed), resume=True, log=said.append)
    assert content(tmp_path) == before and said == []  # nothing is lost, and nothing is promised
    write_embeddings(engine, rows(), tmp_path / "x.npy", options(**changed), resume=True, restart=True)
    assert not [name for name in content(tmp_path) if "part" in name]


@pytest.mark.parametrize("other", ["changed", "shorter", "other lines"])
def test_other_texts_are_refused(other: str, tmp_path: Path) -> None:
    stopped(tmp_path / "x.npy")
    before, said = content(tmp_path), list[str]()
    texts: Iterator[TextRow] = {
        "changed": (TextRow(row.line, row.text.replace("text 3", "text 4")) for row in rows()),
        "shorter": rows(100),
        "other lines": (TextRow(row.line + 1, row.text) for row in rows()),
    }[other]
    with pytest.raises(UsageError, match="are not those of the run that was stopped"):
        write_embeddings(Counting(), texts, tmp_path / "x.npy", options(), resume=True, log=said.append)
    assert content(tmp_path) == before and not [line for line in said if line.startswith("Kept")]


SPOILT: dict[str, tuple[Callable[[Path], object], str]] = {
    "the draft is cut": (lambda path: (path / "x.npy.part").write_bytes(b""), "x.npy.part is shorter"),
    "the ids are gone": (lambda path: (path / "x.npy.ids.part").unlink(), "x.npy.ids.part is shorter"),
    "the state is damaged": (lambda path: (path / "x.npy.part.json").write_text("{"), "x.npy.part.json cannot be read"),
    "the state is of something else": (lambda path: (path / "x.npy.part.json").write_text("[1]"), "cannot be read"),
    "the state is gone": (lambda path: (path / "x.npy.part.json").unlink(), "x.npy.part.json cannot be read"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_what_cannot_be_gone_on_with_is_told_and_not_deleted(name: str, tmp_path: Path) -> None:
    stopped(tmp_path / "x.npy")
    spoil, words = SPOILT[name]
    spoil(tmp_path)
    before = content(tmp_path)
    with pytest.raises(UsageError, match=words):
        write_embeddings(Counting(), rows(), tmp_path / "x.npy", options(), resume=True)
    assert content(tmp_path) == before
    write_embeddings(Counting(), rows(), tmp_path / "x.npy", options(), resume=True, restart=True)
    assert sorted(content(tmp_path)) == ["x.ids.txt", "x.npy"]


def test_two_do_not_write_one_file(tmp_path: Path) -> None:
    with locked_folder(tmp_path / "x.npy"), pytest.raises(BusyError):
        write_embeddings(Counting(), rows(), tmp_path / "x.npy", options(), resume=True)


def test_drafts_of_one_stem_are_kept_apart(tmp_path: Path) -> None:
    for name, form in (("x.npy", "npy"), ("x.csv", "csv")):
        stopped(tmp_path / name, form=form)
    assert len(content(tmp_path)) == 6
    for name, form in (("x.npy", "npy"), ("x.csv", "csv")):
        engine = Counting()
        whole = write_embeddings(engine, rows(), tmp_path / name, options(form), resume=True)
        assert engine.encoded < whole.rows
