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
from pyarrow import ipc, parquet

from juyi.data import TextRow, open_texts
from juyi.embedding_files import (
    EMBEDDING_FORMATS,
    NUMBER_TYPES,
    EmbeddingFormat,
    OutputOptions,
    WrittenEmbeddings,
    check_source,
    line_list,
    stored_numbers,
    write_embeddings,
)
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


def read(content: bytes, form: str) -> Any:
    """The vectors of a file, read by the library that knows the form."""
    match form:
        case "npy":
            return np.load(io.BytesIO(content))
        case "jsonl":
            return np.array([json.loads(line)["embedding"] for line in content.decode().splitlines()])
        case "csv":
            return np.loadtxt(io.BytesIO(content), delimiter=",", ndmin=2)
        case _:
            return np.array(table(content, form)["embedding"].to_pylist())


def table(content: bytes, form: str) -> Any:
    return parquet.read_table(io.BytesIO(content)) if form == "parquet" else ipc.open_stream(io.BytesIO(content)).read_all()


def file(form: EmbeddingFormat, **options: Any) -> OutputOptions:
    return OutputOptions(format=form, **options)


@pytest.mark.parametrize("form", EMBEDDING_FORMATS)
@pytest.mark.parametrize("count", [1, 7, BLOCK_TEXTS, BLOCK_TEXTS + 5])
@pytest.mark.parametrize("normalise", [False, True])
def test_a_file_and_a_stream_hold_the_rows_of_encode(form: Any, count: int, normalise: bool, tmp_path: Path) -> None:
    engine, texts = Lengths(), some(count)
    stream = io.BytesIO()
    whole = WrittenEmbeddings(count, 3)
    assert write_embeddings(engine, iter(texts), stream, file(form, normalise=normalise)) == whole
    for resume in (False, True):
        target = tmp_path / "deep" / f"out{resume}"
        assert write_embeddings(engine, texts, target, file(form, normalise=normalise), resume=resume) == whole
        content = target.read_bytes()
        assert content == stream.getvalue() and len(list(target.parent.iterdir())) == 1
        target.unlink()
    np.testing.assert_allclose(read(content, form), engine.encode(texts, normalise=normalise), rtol=1e-6)
    if form == "jsonl":
        assert [json.loads(line)["text"] for line in content.decode().splitlines()] == texts
    if form in ("parquet", "arrow"):
        held = table(content, form)
        assert held.schema.names == ["line", "text", "embedding"] and held["text"].to_pylist() == texts
        assert held["line"].to_pylist() == list(range(1, count + 1))


class Sipping(io.RawIOBase):
    """A stream without a buffer, which takes a few bytes at a time: stdout to a pipe under PYTHONUNBUFFERED."""

    def __init__(self) -> None:
        self.content = b""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.content += bytes(data[:1000])
        return min(len(data), 1000)


@pytest.mark.parametrize("form", EMBEDDING_FORMATS)
def test_a_stream_that_takes_a_part_gets_the_rest(form: Any, tmp_path: Path) -> None:
    stream = Sipping()
    write_embeddings(Lengths(), some(200), stream, file(form))  # type: ignore[arg-type]
    write_embeddings(Lengths(), some(200), tmp_path / "out", file(form))
    assert stream.content == (tmp_path / "out").read_bytes() and len(stream.content) > 2000


@pytest.mark.parametrize("form", EMBEDDING_FORMATS)
def test_no_texts_are_an_empty_file_of_the_form(form: Any, tmp_path: Path) -> None:
    write_embeddings(Lengths(), [], tmp_path / "out", file(form))
    content = (tmp_path / "out").read_bytes()
    assert content == b"" if form in ("csv", "jsonl") else len(read(content, form)) == 0


@pytest.mark.parametrize("form", EMBEDDING_FORMATS)
@pytest.mark.parametrize("number_type", NUMBER_TYPES)
def test_every_form_holds_every_type_of_numbers(form: Any, number_type: Any, tmp_path: Path) -> None:
    texts = some(9)
    write_embeddings(Lengths(), texts, tmp_path / "out", file(form, number_type=number_type))
    found, wanted = read((tmp_path / "out").read_bytes(), form), stored_numbers(Lengths().encode(texts), number_type)
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=1e-7)
    if form == "npy":
        assert found.dtype == wanted.dtype
    if form in ("parquet", "arrow"):
        kinds = {"float32": "float", "float16": "halffloat", "int8": "int8", "binary": "uint8"}
        embedding = table((tmp_path / "out").read_bytes(), form).schema.field("embedding").type
        assert (str(embedding.value_type), embedding.list_size) == (kinds[number_type], wanted.shape[1])


def test_a_vector_is_cut_and_then_normalised(tmp_path: Path) -> None:
    texts = some(5)
    for normalise in (False, True):
        written = write_embeddings(Lengths(), texts, tmp_path / "out", OutputOptions(dim=2, normalise=normalise))
        wanted = Lengths().encode(texts)[:, :2]
        wanted = wanted / np.linalg.norm(wanted, axis=1, keepdims=True) if normalise else wanted
        np.testing.assert_allclose(np.load(tmp_path / "out"), wanted, rtol=1e-6)
        assert written.width == 2
    with pytest.raises(UsageError, match="dim is 4, and the model's vectors have 3 numbers"):
        write_embeddings(Lengths(), texts, tmp_path / "out", OutputOptions(dim=4))


@pytest.mark.parametrize("form", EMBEDDING_FORMATS)
def test_a_failure_leaves_what_was_there(form: Any, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("before")

    def broken() -> Iterator[str]:
        yield from some(BLOCK_TEXTS + 1)
        raise OSError("no more")

    with pytest.raises(OSError, match="no more"):
        write_embeddings(Lengths(), broken(), tmp_path / "out", file(form))
    assert [path.name for path in tmp_path.iterdir()] == ["out"] and (tmp_path / "out").read_text() == "before"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"format": "xyz"}, r"'xyz' is no form of embeddings\. There are npy, jsonl, csv, parquet, arrow"),
        ({"number_type": "int4"}, r"'int4' is no type of numbers\. There are float32, float16, int8, binary"),
        ({"empty": "skip"}, r"'skip' is no thing that can be done with an empty text"),
        ({"dim": 0}, r"dim is 0; a vector has at least one number"),
    ],
)
def test_a_choice_that_is_none_is_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        OutputOptions(**wrong)


@pytest.mark.parametrize("form", EMBEDDING_FORMATS)
def test_memory_does_not_grow_with_the_texts(form: Any, tmp_path: Path) -> None:
    def peak(count: int) -> int:
        tracemalloc.start()
        write_embeddings(Lengths(), (f"a{i}" for i in range(count)), tmp_path / "out", file(form))
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(1)  # what is imported on first use
    assert peak(6 * BLOCK_TEXTS) < 1.5 * peak(2 * BLOCK_TEXTS)


def test_nor_with_the_empty_ones(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        tracemalloc.start()
        write_embeddings(Lengths(), ("a" if i % 2 else "" for i in range(count)), tmp_path / "out", file("npy", empty="drop"))
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(1)
    assert peak(12 * BLOCK_TEXTS) < 1.2 * peak(4 * BLOCK_TEXTS)


GAPS = [TextRow(line, text) for line, text in ((2, "a"), (3, ""), (5, "bb"), (6, " \u3000"), (9, "ccc"))]


@pytest.mark.parametrize("form", EMBEDDING_FORMATS)
def test_an_empty_text_is_an_error_that_names_its_line(form: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"2 texts are empty, on the lines 3, 6, and a row for it"):
        write_embeddings(Lengths(), GAPS, tmp_path / "out", file(form))
    with pytest.raises(DataError, match="the text of line 4097 is empty"):  # counted from 1, in the second block
        write_embeddings(Lengths(), [*some(BLOCK_TEXTS), ""], tmp_path / "out", file(form))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", EMBEDDING_FORMATS)
def test_an_empty_text_is_a_row_of_zeros(form: Any) -> None:
    stream = io.BytesIO()
    written = write_embeddings(Lengths(), iter(GAPS), stream, file(form, empty="zero", normalise=True))
    assert written == WrittenEmbeddings(5, 3, 2, (3, 6))
    rows = read(stream.getvalue(), form)
    assert not rows[[1, 3]].any()
    np.testing.assert_allclose(rows[[0, 2, 4]], Lengths().encode(["a", "bb", "ccc"], normalise=True), rtol=1e-6)
    if form == "jsonl":
        assert [json.loads(line)["text"] for line in stream.getvalue().decode().splitlines()] == [row.text for row in GAPS]


@pytest.mark.parametrize("form", EMBEDDING_FORMATS)
@pytest.mark.parametrize("gaps", [1, BLOCK_TEXTS + 1])
def test_what_is_left_out_is_told_and_the_lines_of_the_rest_are_written(form: Any, gaps: int, tmp_path: Path) -> None:
    texts = ["a", *[""] * gaps, "bb"]
    written = write_embeddings(Lengths(), texts, tmp_path / "x.out", file(form, empty="drop"))
    assert written == WrittenEmbeddings(2, 3, gaps, tuple(range(2, 2 + min(gaps, 20))))
    content = (tmp_path / "x.out").read_bytes()
    np.testing.assert_allclose(read(content, form), Lengths().encode(["a", "bb"]), rtol=1e-6)
    assert (tmp_path / "x.ids.txt").exists() == (form in ("npy", "csv"))
    match form:
        case "jsonl":
            lines = [json.loads(line)["line"] for line in content.decode().splitlines()]
        case "parquet" | "arrow":
            lines = table(content, form)["line"].to_pylist()
        case _:
            lines = [int(line) for line in (tmp_path / "x.ids.txt").read_text().splitlines()]
    assert lines == [1, 2 + gaps]


@pytest.mark.parametrize("form", EMBEDDING_FORMATS)
@pytest.mark.parametrize("ids", [["q7", "q8", "q9"], [7, 8, 9]])
def test_ids_stay_with_their_rows(form: Any, ids: list[str] | list[int], tmp_path: Path) -> None:
    rows = [TextRow(line, text, id) for line, (text, id) in enumerate(zip(["a", "", "bb"], ids, strict=True), start=2)]
    for empty, kept in (("zero", ids), ("drop", ids[::2])):
        write_embeddings(Lengths(), rows, tmp_path / "x.out", file(form, empty=empty))
        content = (tmp_path / "x.out").read_bytes()
        match form:
            case "jsonl":
                found = [json.loads(line)["id"] for line in content.decode().splitlines()]
            case "parquet" | "arrow":
                found = table(content, form)["id"].to_pylist()
            case _:
                found = [type(ids[0])(line) for line in (tmp_path / "x.ids.txt").read_text().splitlines()]
        assert found == kept


@pytest.mark.parametrize(
    ("form", "ids", "words"),
    [
        ("parquet", [1, "b"], r"the id 'b' of line 2 is a text, and those before it are whole numbers"),
        ("arrow", ["a", 2], r"the id 2 of line 2 is a whole number, and those before it are texts"),
        ("npy", ["a", "b\nc"], r"the id 'b\\nc' of line 2 holds a line break"),
        ("csv", ["a", "b\rc"], r"the id 'b\\rc' of line 2 holds a line break"),
        ("parquet", [1, 2**63], r"the id 9223372036854775808 of line 2 is beyond the 64 bits"),
        ("jsonl", ["a", 1.5], r"the id 1.5 of line 2 is of the type float; ids are texts or whole numbers"),
        ("parquet", [True], r"the id True of line 1 is of the type bool"),
    ],
)
def test_an_id_that_does_not_go_with_the_form_is_an_error(form: Any, ids: list[Any], words: str, tmp_path: Path) -> None:
    rows = [TextRow(line, "a", id) for line, id in enumerate(ids, start=1)]
    with pytest.raises(DataError, match=words):
        write_embeddings(Lengths(), rows, tmp_path / "out", file(form))
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_looked_through_before_the_work(tmp_path: Path) -> None:
    def look(content: str, form: EmbeddingFormat = "npy", empty: Any = "error", **options: Any) -> int:
        (tmp_path / "x.csv").write_text(content, encoding="utf-8")
        return check_source(open_texts(tmp_path / "x.csv", keep_empty=True, **options), form, empty)

    ids: dict[str, Any] = {"columns": ["text"], "id_column": "id"}
    assert look("text,id\n甲,1\n乙,2\n", **ids) == 2
    with pytest.raises(DataError, match=r"x.csv, line 3: this text is empty, .*or to drop, which leaves it out") as one:
        look("text,id\n甲,1\n,2\n", **ids)
    assert one.value.line == 3
    assert look("text,id\n甲,1\n,2\n", empty="zero", **ids) == 2
    with pytest.raises(DataError, match=r"25 texts are empty, on the lines 2, 3, .*, 21 and 5 others"):
        look("text,id\n" + ",1\n" * 25 + "甲,1\n", **ids)
    with pytest.raises(DataError, match=r"2 texts are empty, on the lines 3, 5"):  # of two columns a line counts once
        look("a,b\n甲,甲\n,\n乙,乙\n,丙\n丁,丁\n", columns=["a", "b"])
    with pytest.raises(DataError, match=r"1 row that cannot be read \(line 3\), and counted as empty"):
        look("text,id\n甲,1\n乙\n丙,2\n", bad_rows="blank", **ids)
    with pytest.raises(DataError, match=r"x\.csv: the id '1.n2' of line 3 holds a line break"):
        look('text,id\n甲,0\n乙,"1\n2"\n', **ids)
    assert line_list(range(1, 4)) == "1, 2, 3"


def test_a_stream_of_a_file_brings_its_lines_and_ids(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("text,id\n甲,q1\n,q2\n乙,q3\n", encoding="utf-8")
    texts = open_texts(tmp_path / "x.csv", columns=["text"], id_column="id", keep_empty=True)
    write_embeddings(Lengths(), texts, tmp_path / "out", OutputOptions(format="jsonl", empty="drop"))
    records = [json.loads(line) for line in (tmp_path / "out").read_text(encoding="utf-8").splitlines()]
    assert [(record["id"], record["line"]) for record in records] == [("q1", 2), ("q3", 4)]


def test_ids_that_come_late_are_ids(tmp_path: Path) -> None:
    """The first block may hold nothing but rows that could not be read."""
    bad = "{\n" * 400 + '{"text": "a", "id": "q"}\n' * 600  # few enough of those that are looked at first
    more = "{\n" * (2 * BLOCK_TEXTS) + '{"text": "b", "id": "r"}\n'
    (tmp_path / "x.jsonl").write_text(bad + more)
    texts = open_texts(tmp_path / "x.jsonl", columns=["text"], id_column="id", keep_empty=True, bad_rows="blank")
    write_embeddings(Lengths(), texts, tmp_path / "out.npy", OutputOptions(empty="drop"))
    assert (tmp_path / "out.ids.txt").read_text() == "q\n" * 600 + "r\n"


@pytest.mark.parametrize("form", ["npy", "csv"])
def test_a_stream_of_numbers_has_no_place_for_ids(form: Any) -> None:
    with pytest.raises(UsageError, match=f"{form} on a stream has no place for the ids. Write jsonl"):
        write_embeddings(Lengths(), [TextRow(1, "a", "q")], io.BytesIO(), file(form))
    stream = io.BytesIO()
    written = write_embeddings(Lengths(), ["a", *[""] * 30], stream, file(form, empty="drop"))
    assert written == WrittenEmbeddings(1, 3, 30, tuple(range(2, 32)))  # all, for they are written nowhere


def test_a_device_is_a_stream(tmp_path: Path) -> None:
    assert write_embeddings(Lengths(), ["a"], Path(os.devnull)) == WrittenEmbeddings(1, 3)
    assert not Path(os.devnull).is_file()
