"""A file's sentences one at a time are those of `read_texts`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from juyi.data import open_texts, read_texts
from juyi.errors import DataError, UsageError

FILES = {
    "plain.txt": "怎么还款\n\n如何还款\n",
    "cnsd.txt": "怎么还款||如何还款||1\n天气好||天气不好||0\n",
    "table.tsv": "text\tlabel\n怎么还款\ta\n\tb\n如何还款\tc\n",
    "bare.csv": "怎么还款,0\n如何还款,1\n",
    "rows.jsonl": "".join(json.dumps({"question": f"第{i}句", "id": i}) + "\n" for i in range(1500)),
}


@pytest.mark.parametrize("name", FILES)
def test_they_are_the_same(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(FILES[name], encoding="utf-8")
    whole, stream = read_texts(tmp_path / name), open_texts(tmp_path / name)
    assert list(stream) == whole.texts
    assert (stream.columns, stream.skipped, stream.source, stream.count) == (
        whole.columns,
        whole.skipped,
        whole.source,
        len(whole),
    )


def test_rows_are_read_as_they_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(FILES["rows.jsonl"] + "not JSON\n", encoding="utf-8")
    stream = open_texts(path)
    assert [text for text, _ in zip(stream, range(1200), strict=False)][-1] == "第1199句"
    with pytest.raises(DataError, match="line 1501"):
        list(stream)


@pytest.mark.parametrize(
    ("content", "options", "error", "words"),
    [
        ("text\n", {}, DataError, "only a header"),
        ("text,other\n,a\n,b\n", {"columns": ["text"]}, DataError, r"every cell is empty in the columns \['text'\]"),
        ("text,other\na,b\n", {"columns": ["nowhere"]}, UsageError, "nowhere"),
    ],
)
def test_what_cannot_be_read_is_told(
    content: str, options: dict[str, Any], error: type[Exception], words: str, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(error, match=words):
        list(open_texts(tmp_path / "a.csv", **options))


@pytest.mark.parametrize(
    ("name", "content", "rows"),
    [
        ("a.txt", "甲\n\n 乙\n　\n丙\n", [(1, "甲"), (2, ""), (3, " 乙"), (4, ""), (5, "丙")]),
        ("a.txt", "甲\n乙\n\n", [(1, "甲"), (2, "乙")]),  # blank lines at the very end are none
        ("a.txt", "甲\n\n\n", [(1, "甲")]),
        ("a.txt", "\n甲\n", [(1, ""), (2, "甲")]),
        ("a.txt", "甲||乙||1\n\n丙||丁||0\n", [(1, "甲"), (1, "乙"), (3, "丙"), (3, "丁")]),
        ("a.tsv", "text\tlabel\n甲\ta\n\tb\n乙\tc\n\td\n", [(2, "甲"), (3, ""), (4, "乙"), (5, "")]),
        ("a.csv", "question,answer\n甲,\n,乙\n", [(2, "甲"), (2, ""), (3, ""), (3, "乙")]),
        ("a.jsonl", '{"text": "甲"}\n{"text": null}\n{"text": "  "}\n', [(1, "甲"), (2, ""), (3, "")]),
    ],
)
def test_empty_cells_and_lines_are_kept_in_step(name: str, content: str, rows: list[tuple[int, str]], tmp_path: Path) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    columns = ["question", "answer"] if name.endswith("csv") else None
    found = open_texts(tmp_path / name, columns=columns, keep_empty=True).rows()
    assert [(row.line, row.text) for row in found] == rows
    assert list(open_texts(tmp_path / name, columns=columns, keep_empty=True)) == [text for _, text in rows]
    assert list(open_texts(tmp_path / name, columns=columns)) == [text for _, text in rows if text]
