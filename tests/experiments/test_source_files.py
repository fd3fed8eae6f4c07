"""What is kept out of training: the texts of every format that can be read, and neither numbers nor labels."""

from __future__ import annotations

import gzip
import json
import lzma
from pathlib import Path

import pytest

from juyi.data import normalise, read_lines
from juyi.errors import DataError, UsageError
from juyi.experiments.recipe_files import recipe_names, recipe_tables
from juyi.experiments.source_files import file_digest, read_excluded

PAIRS = [("今天天气很好。", "The sky is blue", 4.5), ("怎么还信用卡", "信用卡如何还款", 5.0), ("ＡＢＣ公司在哪", "你好", 0.0)]
SIDES = {normalise(text) for first, second, _ in PAIRS for text in (first, second)}


def lines(mark: str, head: str = "") -> str:
    return head + "".join(f"{a}{mark}{b}{mark}{score}\n" for a, b, score in PAIRS)


def json_lines(form: str) -> str:
    rows = [{"sentence1": a, "sentence2": b, "score": c} if form == "object" else [a, b, c] for a, b, c in PAIRS]
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


FORMATS = {
    "pairs.tsv": lines("\t"),
    "pairs.data": lines("\t"),
    "with_names.tsv": lines("\t", "sentence1\tsentence2\tscore\n"),
    "tabs.txt": lines("\t"),
    "cnsd.txt": lines("||"),
    "cnsd_with_id.txt": "".join(f"{i}||{a}||{b}||{c}\n" for i, (a, b, c) in enumerate(PAIRS)),
    "pairs.csv": lines(",", "sentence1,sentence2,label\n"),
    "objects.jsonl": json_lines("object"),
    "lists.jsonl": json_lines("list"),
    "sentences.txt": "\n".join(side for a, b, _ in PAIRS for side in (a, b)),
    "sub_tasks.tsv": "".join(f"main\t{a}\t{b}\t{c}\n" for a, b, c in PAIRS * 3),
    "groups.tsv": "".join(f"{i}\t{side}\n" for i, (a, b, _) in enumerate(PAIRS) for side in (a, b)),
    "intents.csv": "intent,text\n" + "".join(f"greeting,{side}\n" for a, b, _ in PAIRS for side in (a, b)),
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_text_of_every_format_and_nothing_else(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(FORMATS[name], encoding="utf-8")
    found = read_excluded([name], tmp_path)
    assert found >= SIDES
    whole = {normalise(line) for line in FORMATS[name].splitlines()} if name == "tabs.txt" else set()
    assert found - SIDES <= whole


@pytest.mark.parametrize("name", ["pairs.tsv.xz", "pairs.csv.gz"])
def test_packed_files(tmp_path: Path, name: str) -> None:
    text = FORMATS[name.rpartition(".")[0]].encode()
    (tmp_path / name).write_bytes(lzma.compress(text) if name.endswith("xz") else gzip.compress(text))
    assert read_excluded([name], tmp_path) == SIDES


def test_parquet(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    first, second, score = zip(*PAIRS, strict=True)
    table = pyarrow.table({"id": [1, 2, 3], "sentence1": first, "sentence2": second, "score": score})
    parquet.write_table(table, tmp_path / "a.parquet")
    assert read_excluded(["a.parquet"], tmp_path) == SIDES


def test_a_side_of_few_different_texts_is_text_all_the_same(tmp_path: Path) -> None:
    rows = [(f"第{i}个问题到底应该怎么办才好呢", f"标准{'甲乙'[i % 2]}", i % 2) for i in range(40)]  # short and few
    (tmp_path / "a.tsv").write_text("".join(f"{a}\t{b}\t{c}\n" for a, b, c in rows), encoding="utf-8")
    assert read_excluded(["*.tsv"], tmp_path) == {normalise(text) for a, b, _ in rows for text in (a, b)}


def test_what_holds_no_text_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("1\t2\n3\t4\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"a\.tsv.*no column holds text"):
        read_excluded(["a.tsv"], tmp_path)
    with pytest.raises(UsageError, match=r"sources\.exclude=\[\]"):
        read_excluded(["b.tsv"], tmp_path)
    with pytest.raises(DataError, match=r"b\.tsv: the file cannot be read"):
        file_digest(tmp_path / "b.tsv")


EXCLUDED = sorted({pattern for name in recipe_names() for pattern in recipe_tables(name).get("sources", {}).get("exclude", ())})


@pytest.mark.shared
@pytest.mark.parametrize("pattern", EXCLUDED)
def test_the_sentences_of_the_measured_sets_are_kept_out(shared_data: Path, pattern: str) -> None:
    lines = [line for file in shared_data.glob(pattern) for _, line in read_lines(file)]
    cells = {cell for line in lines for cell in line.split("\t")}
    text = (cell for cell in cells if not cell.startswith("{") and (not cell.isascii() or " " in cell.strip()))
    sentences = set(map(normalise, text))  # the other cells are numbers, labels and the slots of an intent, as JSON
    assert len(sentences) > 1000 and sentences - {""} <= read_excluded([pattern], shared_data)
