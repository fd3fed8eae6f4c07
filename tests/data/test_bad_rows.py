"""A row that cannot be read ends the reading, or is a blank one with its number: whatever is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from juyi.data import open_texts
from juyi.errors import DataError, UsageError

MANY = "怎么还款\n".encode() * 25_000  # more than is looked at to tell what the file is

CASES: dict[str, tuple[str, bytes, dict[str, Any], list[int]]] = {
    "bytes": ("a.txt", "怎么还款\n".encode() + b"\xff\xfe\n" + "如何改密码\n".encode(), {"encoding": "utf-8"}, [2]),
    "bytes in the middle": ("a.txt", MANY + "还\n".encode()[1:] + MANY, {}, [25_001]),
    "NUL bytes": ("a.txt", MANY + b"a\0b\n" + "如何改密码\n".encode(), {}, [25_001]),
    "bytes at the end": ("a.txt", "怎么还款\n如何改密码\n".encode() + b"\xff\n", {"encoding": "utf-8"}, [3]),
    "columns": ("a.tsv", "text\tid\n怎么还款\t1\n多\t了\t2\n少了\n如何改密码\t3\n".encode(), {"id_column": "id"}, [3, 4]),
    "columns at the end": ("a.tsv", "text\tid\n怎么还款\t1\n如何\t2\n少了\n".encode(), {"id_column": "id"}, [4]),
    "bytes in a table": ("a.csv", MANY.replace(b"\n", b",1\n") + b"\xd5\xff,1\n\xe6\x80\x8e,2\n", {"columns": ["1"]}, [25_001]),
    "bytes in quotes": (
        "a.csv",
        'text,id\n怎么还款,2\n"如何\n'.encode() + b"\xff" + '密码",3\n改密码,4\n'.encode(),
        {"id_column": "id", "encoding": "utf-8"},
        [4],
    ),
    "no JSON": ("a.jsonl", '{"text": "怎么还款"}\n{"text": \n{"text": "如何改密码"}\n'.encode(), {}, [2]),
    "no JSON at first": ("a.jsonl", '{"text": \n{"text": "怎么还款"}\n{"text": "如何改密码"}\n'.encode(), {}, [1]),
    "no JSON at the end": ("a.jsonl", '{"text": "怎么还款"}\n{"text": "如何改密码"}\n{"te'.encode(), {}, [3]),
    "bytes in JSON": ("a.jsonl", b'{"text": "a b"}\n{"text": "\xff"}\n{"text": "c d"}\n', {"encoding": "utf-8"}, [2]),
    "another key": ("a.jsonl", b'{"text": "a b"}\n' * 1200 + b'{"txt": "a"}\n', {}, [1201]),
    "a number": ("a.jsonl", '{"text": "怎么还款"}\n7\n{"text": "如何改密码"}\n'.encode(), {}, [2]),
    "fewer parts": ("a.jsonl", b'["a b", "c d"]\n["a b"]\n["c d", "e f"]\n', {"columns": ["1"]}, [2]),
    "an object": (
        "a.jsonl",
        '{"text": "怎么还款"}\n{"text": {"a": 1}}\n{"text": "改密码"}\n'.encode(),
        {"columns": ["text"]},
        [2],
    ),
    "half of an emoji": ("a.jsonl", b'{"text": "a b"}\n{"text": "\\ud83d"}\n{"text": "c d"}\n', {"columns": ["text"]}, [2]),
    "the second of two columns": (
        "a.jsonl",
        '{"a": "怎么", "b": "还款"}\n{"a": "如何", "b": {"c": 1}}\n{"a": "转账", "b": "限额"}\n'.encode(),
        {"columns": ["a", "b"]},
        [2, 2],
    ),
    "half of an emoji as id": (
        "a.jsonl",
        b'{"text": "a", "id": "x"}\n{"text": "b", "id": "\\ud83d"}\n',
        {"id_column": "id"},
        [2],
    ),
    "no id": ("a.csv", "text,id\n怎么还款,1\n如何改密码,\n转账限额,3\n".encode(), {"id_column": "id"}, [3]),
    "an id that is none": ("a.jsonl", b'{"text": "a", "id": 1}\n{"text": "b", "id": 1.5}\n', {"id_column": "id"}, [2]),
}
"""The file, its bytes, how it is read, and the lines that cannot be read."""


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("keep_empty", [True, False])
def test_it_is_an_error_or_a_blank_row(name: str, keep_empty: bool, tmp_path: Path) -> None:
    file, content, options, bad = CASES[name]
    path = tmp_path / file
    path.write_bytes(content)
    with pytest.raises(DataError) as refused:
        list(open_texts(path, keep_empty=keep_empty, **options))
    assert refused.value.line == bad[0]
    stream = open_texts(path, keep_empty=keep_empty, bad_rows="blank", **options)
    rows = list(stream.rows())
    blank = [row for row in rows if not row.text]
    assert [row.line for row in blank] == (([bad[0] - 1] if name == "bytes in quotes" else bad) if keep_empty else [])
    columns = len(options.get("columns", "1"))
    first = 0 if file.endswith((".txt", ".jsonl")) or "columns" in options else 1  # a header is no row
    if keep_empty and name != "bytes in quotes":
        assert len(rows) == columns * (len(content.splitlines()) - first)
    assert stream.left_out.lines == {"row that cannot be read": sorted(set(bad))}
    assert stream.left_out.first_error is not None and stream.left_out.first_error.line == bad[0]
    if "id_column" in options:
        assert all((row.id is None) == (not row.text) for row in rows)


def test_rows_that_are_blank_need_no_id(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,id\n甲乙,1\n,\n丙丁,2\n", encoding="utf-8")
    stream = open_texts(tmp_path / "a.csv", id_column="id", keep_empty=True)
    assert [(row.text, row.id) for row in stream.rows()] == [("甲乙", "1"), ("", None), ("丙丁", "2")]


def test_a_key_that_comes_late_and_is_not_read_spoils_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "a", "id": 1}\n' * 1200 + '{"text": "b", "id": 2, "more": 3}\n')
    with pytest.raises(DataError, match="the key 'more' is in none of the first 1,000 rows"):
        list(open_texts(tmp_path / "a.jsonl"))
    rows = list(open_texts(tmp_path / "a.jsonl", columns=["text"], id_column="id").rows())
    assert (len(rows), rows[-1].text, rows[-1].id) == (1201, "b", 2)


def test_the_rows_of_a_document_are_not_its_lines(tmp_path: Path) -> None:
    """So that no other row is blanked, what cannot be decoded in a document is an error in any case."""
    rows = ",\n".join('{"text": "怎么还款"}' for _ in range(15_000))
    (tmp_path / "a.json").write_bytes(f"[{rows}".encode() + b',\n{"text": "\xff"}]')
    with pytest.raises(DataError, match="line 15001: byte 0xff"):
        list(open_texts(tmp_path / "a.json", bad_rows="blank"))


def test_an_id_tells_a_header(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("qnr,inhalt\nx1,怎么还款\nx2,如何改密码\n", encoding="utf-8")
    assert [row.id for row in open_texts(tmp_path / "a.csv", id_column="qnr").rows()] == ["x1", "x2"]


def test_a_plain_file_has_no_ids(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("怎么还款\n", encoding="utf-8")
    with pytest.raises(UsageError, match="is a plain text file, so there is no column '1' of ids"):
        open_texts(tmp_path / "a.txt", id_column="1")


@pytest.mark.parametrize("rows", [b"\xff\n\xff\n", b"\xff\n" * 3 + b"a\n" * 2])
def test_a_file_of_bad_rows_is_an_error(rows: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(rows)
    with pytest.raises(DataError, match=r"of the first \d rows cannot be read. The first of them: .*line 1: byte 0xff"):
        list(open_texts(tmp_path / "a.txt", encoding="utf-8", bad_rows="blank", keep_empty=True))


def test_blank_rows_that_are_none_are_not_counted_twice(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("text\tid\n甲乙\t1\n\t\n少\n丙丁\t2\n")
    stream = open_texts(tmp_path / "a.tsv", bad_rows="blank", columns=["text"])
    assert list(stream) == ["甲乙", "丙丁"]
    assert stream.left_out.lines == {"row that cannot be read": [4], "blank row": [3]}
