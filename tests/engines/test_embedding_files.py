"""Vectors written as they come."""

from __future__ import annotations

import io
import json
import os
import tracemalloc
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from juyi.engines import EMBEDDING_FORMATS, WrittenEmbeddings, check_filled, line_list, write_embeddings
from juyi.engines.engine import BLOCK_TEXTS, Engine, EngineKind, Precision
from juyi.errors import DataError, UsageError
from juyi.types import Embeddings


class Lengths(Engine):
    """An engine whose vectors say which text they belong to."""

    kind: EngineKind = "torch"
    precision: Precision = "float32"
    identity = "lengths"
    dim = 3

    def encode(
        self, texts: Sequence[str], *, prompt: object = None, normalise: bool = False, batch_tokens: int = 0
    ) -> Embeddings:
        rows = np.array([[len(text), ord(text[0]), 1 / 3] for text in texts], dtype=np.float32).reshape(-1, 3)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True) if normalise else rows


def some(count: int) -> list[str]:
    return [f"{chr(97 + i % 26)}{i}" for i in range(count)]


def read(content: bytes, form: str, tmp_path: Path) -> Embeddings:
    if form == "npy":
        loaded: Embeddings = np.load(io.BytesIO(content))
        assert loaded.dtype == np.float32
        return loaded
    if form == "jsonl":
        return np.array([json.loads(line)["embedding"] for line in content.decode().splitlines()], dtype=np.float32)
    return np.loadtxt(io.BytesIO(content), delimiter=",", dtype=np.float32, ndmin=2)


@pytest.mark.parametrize("form", EMBEDDING_FORMATS)
@pytest.mark.parametrize("count", [1, 7, BLOCK_TEXTS, BLOCK_TEXTS + 5])
@pytest.mark.parametrize("normalise", [False, True])
def test_a_file_and_a_stream_hold_the_rows_of_encode(form: Any, count: int, normalise: bool, tmp_path: Path) -> None:
    engine, texts = Lengths(), some(count)
    stream = io.BytesIO()
    whole = WrittenEmbeddings(count, 3)
    assert write_embeddings(engine, iter(texts), stream, form, normalise=normalise) == whole
    assert write_embeddings(engine, texts, tmp_path / "deep" / "out", form, normalise=normalise) == whole
    content = (tmp_path / "deep" / "out").read_bytes()
    assert content == stream.getvalue()
    np.testing.assert_allclose(read(content, form, tmp_path), engine.encode(texts, normalise=normalise), rtol=1e-6)
    if form == "jsonl":
        assert [json.loads(line)["text"] for line in content.decode().splitlines()] == texts


def test_no_texts_are_an_empty_array(tmp_path: Path) -> None:
    write_embeddings(Lengths(), [], tmp_path / "out.npy", "npy")
    assert np.load(tmp_path / "out.npy").shape == (0, 3)


@pytest.mark.parametrize("form", EMBEDDING_FORMATS)
def test_a_failure_leaves_what_was_there(form: Any, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("before")

    def broken() -> Iterator[str]:
        yield from some(BLOCK_TEXTS + 1)
        raise OSError("no more")

    with pytest.raises(OSError, match="no more"):
        write_embeddings(Lengths(), broken(), tmp_path / "out", form)
    assert [path.name for path in tmp_path.iterdir()] == ["out"] and (tmp_path / "out").read_text() == "before"
    with pytest.raises(UsageError, match=r"'xyz' is no form of embeddings\. There are npy, jsonl, csv"):
        write_embeddings(Lengths(), [], tmp_path / "out", "xyz")  # type: ignore[arg-type]


@pytest.mark.parametrize("form", EMBEDDING_FORMATS)
def test_memory_does_not_grow_with_the_texts(form: Any, tmp_path: Path) -> None:
    def peak(count: int) -> int:
        tracemalloc.start()
        write_embeddings(Lengths(), (f"a{i}" for i in range(count)), tmp_path / "out", form)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(6 * BLOCK_TEXTS) < 1.5 * peak(2 * BLOCK_TEXTS)


GAPS = ["a", "", "bb", " \u3000", "ccc"]
LINES = [2, 3, 5, 6, 9]


@pytest.mark.parametrize("form", EMBEDDING_FORMATS)
def test_an_empty_text_is_an_error_that_names_its_line(form: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"2 texts are empty, on the lines 3, 6, and a row for it"):
        write_embeddings(Lengths(), GAPS, tmp_path / "out", form, numbers=LINES)
    with pytest.raises(DataError, match="the text of line 4097 is empty"):  # counted from 1, in the second block
        write_embeddings(Lengths(), [*some(BLOCK_TEXTS), ""], tmp_path / "out", form)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", EMBEDDING_FORMATS)
def test_an_empty_text_is_a_row_of_zeros(form: Any, tmp_path: Path) -> None:
    stream = io.BytesIO()
    written = write_embeddings(Lengths(), iter(GAPS), stream, form, empty="zero", normalise=True, numbers=iter(LINES))
    assert written == WrittenEmbeddings(5, 3, (3, 6))
    rows = read(stream.getvalue(), form, tmp_path)
    assert not rows[[1, 3]].any()
    np.testing.assert_allclose(rows[[0, 2, 4]], Lengths().encode(["a", "bb", "ccc"], normalise=True), rtol=1e-6)
    if form == "jsonl":
        assert [json.loads(line)["text"] for line in stream.getvalue().decode().splitlines()] == GAPS


@pytest.mark.parametrize("form", EMBEDDING_FORMATS)
@pytest.mark.parametrize("gaps", [1, BLOCK_TEXTS + 1])
def test_what_is_left_out_is_told_and_the_lines_of_the_rest_are_written(form: Any, gaps: int, tmp_path: Path) -> None:
    texts = ["a", *[""] * gaps, "bb"]
    written = write_embeddings(Lengths(), texts, tmp_path / "x.out", form, empty="drop")
    assert written == WrittenEmbeddings(2, 3, tuple(range(2, 2 + gaps)))
    content = (tmp_path / "x.out").read_bytes()
    np.testing.assert_allclose(read(content, form, tmp_path), Lengths().encode(["a", "bb"]), rtol=1e-6)
    if form == "jsonl":
        assert [json.loads(line)["line"] for line in content.decode().splitlines()] == [1, 2 + gaps]
        assert not (tmp_path / "x.ids.txt").exists()
    else:
        assert (tmp_path / "x.ids.txt").read_text() == f"1\n{2 + gaps}\n"


def test_a_file_is_looked_through_before_the_work() -> None:
    check_filled([(1, "a"), (3, "b")], "x.txt")
    with pytest.raises(DataError, match=r"x.txt, line 3: this text is empty, .*or to drop, which leaves it out") as one:
        check_filled([(1, "a"), (3, "\t")], "x.txt")
    assert one.value.line == 3
    with pytest.raises(DataError, match=r"25 texts are empty, on the lines 1, 2, .*, 20 and 5 others"):
        check_filled([(line, "") for line in range(1, 26)], "x.txt")
    assert line_list(range(1, 4)) == "1, 2, 3"


def test_a_device_is_a_stream(tmp_path: Path) -> None:
    assert write_embeddings(Lengths(), ["a"], Path(os.devnull), "npy") == WrittenEmbeddings(1, 3)
    assert not Path(os.devnull).is_file()
