"""A row that cannot be read ends the reading, or is a blank one with its number: whatever is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from juyi.data import open_texts
from juyi.errors import DataError

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
    assert len(blank) == (len(bad) if keep_empty else 0)
    first = 0 if file.endswith((".txt", ".jsonl")) or "columns" in options else 1  # a header is no row
    if keep_empty and "\n" not in "".join(row.text for row in rows) and name != "bytes in quotes":
        assert len(rows) == len(content.splitlines()) - first and [row.line for row in blank] == bad
    assert stream.left_out.lines == {"row that cannot be read": bad}
    if "id_column" in options:
        assert all((row.id is None) == (not row.text) for row in rows)


def test_a_file_of_bad_rows_alone_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xff\n\xff\n")
    with pytest.raises(DataError, match=r"every cell is empty \(2 rows that cannot be read \(lines 1, 2\)\)"):
        list(open_texts(tmp_path / "a.txt", encoding="utf-8", bad_rows="blank", keep_empty=True))


def test_blank_rows_that_are_none_are_not_counted_twice(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("text\tid\n甲乙\t1\n\t\n少\n丙丁\t2\n")
    stream = open_texts(tmp_path / "a.tsv", bad_rows="blank", columns=["text"])
    assert list(stream) == ["甲乙", "丙丁"]
    assert stream.left_out.lines == {"row that cannot be read": [4], "blank row": [3]}
