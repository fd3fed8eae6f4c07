"""`juyi augment`: side by side for people, one object a line for machines, one paragraph for mistakes."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from juyi.cli.augment import KINDS

TEXTS = ["怎么还信用卡？", "今天天气很好，我们去公园。", "The cat sat on the mat."]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "texts.txt"
    path.write_text("\n".join(TEXTS) + "\n", encoding="utf-8")
    return path


def rows(output: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in output.splitlines()]


def test_the_kinds_are_those_of_the_package() -> None:
    import typing

    from juyi import augmentation

    parts = {part.kind: part.__name__ for part in typing.get_args(augmentation.AnyAugmentation)}
    assert parts == KINDS


def test_without_names_all_that_need_no_file_are_shown(juyi, file: Path) -> None:
    done = juyi("augment", file)
    assert done.returncode == 0, done.stderr
    assert all(name in done.stdout for name in ("crop", "delete-words", "delete-one", "repeat-words"))
    assert not any(name in done.stdout for name in ("synonyms", "mlm"))
    assert all(done.stdout.count(text) >= 4 for text in TEXTS)
    assert "epoch" not in done.stdout
    assert done.stderr == f"{file}: txt, utf-8; {len(TEXTS)} texts.\n"


def test_machines_get_one_object_a_line(juyi, file: Path) -> None:
    arguments = ["augment", file, "--with", "delete-one", "--with", "crop", "--epochs", 2, "--format", "jsonl"]
    found = rows(juyi(*arguments).stdout)
    assert [tuple(row) for row in found] == [("text", "augmentation", "epoch", "augmented")] * 12
    keys = [(row["text"], row["augmentation"], row["epoch"]) for row in found]
    assert keys == [(text, kind, epoch) for text in TEXTS for kind in ("delete-one", "crop") for epoch in (1, 2)]
    assert found == rows(juyi(*arguments).stdout)
    assert found != rows(juyi(*arguments, "--seed", 7).stdout)
    drawings = {epoch: [row["augmented"] for row in found if row["epoch"] == epoch] for epoch in (1, 2)}
    assert drawings[1] != drawings[2]
    # What one makes does not depend on the others that are asked for.
    alone = rows(juyi("augment", file, "--with", "crop", "--format", "jsonl").stdout)
    assert alone == [row for row in found if row["augmentation"] == "crop" and row["epoch"] == 1]
    assert json.loads(juyi(*arguments[:-1], "json").stdout) == found
    table = list(csv.DictReader(io.StringIO(juyi(*arguments[:-1], "csv").stdout)))
    assert [row["augmented"] for row in table] == [row["augmented"] for row in found]


def test_settings_reach_those_that_take_them(juyi, file: Path, tmp_path: Path) -> None:
    (tmp_path / "table.tsv").write_text("公园\t园林\ncat\tkitten\n", encoding="utf-8")
    done = juyi("augment", file, "--table", tmp_path / "table.tsv", "--rate", 0.5, "--format", "jsonl")
    found = {(row["text"], row["augmentation"]): str(row["augmented"]) for row in rows(done.stdout)}
    assert found[TEXTS[1], "synonyms"] == "今天天气很好，我们去园林。"
    assert found[TEXTS[2], "synonyms"] == "The kitten sat on the mat."
    assert len(found[TEXTS[2], "delete-words"].split()) == 3
    (tmp_path / "vectors.txt").write_text("cat 1 0\nkitten 1 0.1\n", encoding="utf-8")
    done = juyi("augment", file, "--with", "synonyms", "--vectors", tmp_path / "vectors.txt", "--format", "jsonl")
    assert [row["augmented"] for row in rows(done.stdout)] == [*TEXTS[:2], "The kitten sat on the mat."]


def test_limit_columns_encoding_and_stdin(juyi, tmp_path: Path) -> None:
    path = tmp_path / "texts.tsv"
    path.write_bytes("".join(f"{number}\t信用卡怎么还{number}\n" for number in range(30)).encode("gb18030"))
    arguments = ["augment", path, "--encoding", "gb18030", "--column", "2", "--with", "none", "--format", "jsonl"]
    done = juyi(*arguments)
    assert len(rows(done.stdout)) == 20
    assert "The first 20 of 30 texts" in done.stderr
    done = juyi(*arguments, "--limit", 0)
    assert [row["augmented"] for row in rows(done.stdout)] == [f"信用卡怎么还{number}" for number in range(30)]
    done = juyi("augment", "-", "--with", "delete-one", "--format", "jsonl", stdin="the cat\n")
    assert rows(done.stdout)[0]["augmented"] in ("the", "cat")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--with", "delete_one"], "Did you mean 'delete-one'?"),
        (["--with", "eda"], "They are: none, crop, delete-words"),
        (["--with", "crop", "--rate", "1.5"], "The rate of crop is 1.5; it is a share of the words from 0 to below 1"),
        (["--with", "synonyms"], "neither is given"),
        (["--with", "mlm-substitute"], "google-bert/bert-base-chinese"),
        (["--with", "crop", "--table", "x.tsv"], "--table is for synonyms"),
        (["--with", "delete-one", "--rate", "0.2"], "--rate is for crop and delete-words"),
        (["--seed", "-1"], "The seed is -1"),
        (["--epochs", "0"], "--epochs"),
    ],
)
def test_wrong_use_is_one_paragraph_and_exit_code_2(juyi, file: Path, arguments: list[str], words: str) -> None:
    done = juyi("augment", file, *arguments)
    assert done.returncode == 2
    assert words in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_failures_name_the_file_and_the_line(juyi, file: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "table.tsv").write_text("高兴\t开心\n难过\n", encoding="utf-8")
    for arguments, words in (
        ([tmp_path / "empty.txt"], "empty.txt: the file is empty"),
        ([tmp_path / "none.txt"], "there is no such file"),
        ([file, "--table", tmp_path / "table.tsv"], "table.tsv, line 2: there is one column, '难过'"),
        ([file, "--table", tmp_path / "none.tsv"], "none.tsv: there is no such file"),
        ([file, "-m", "mini"], "is no masked language model"),
    ):
        done = juyi("augment", *arguments)
        assert done.returncode == 1, done.stderr
        assert words in " ".join(done.stderr.split())
        assert "Traceback" not in done.stderr
        assert done.stdout == ""


def test_help_shows_what_each_one_does(juyi) -> None:
    shown = juyi("augment", "--help").stdout
    assert all(name in shown for name in KINDS)
    assert "银行卡" in shown


@pytest.mark.shared
@pytest.mark.parametrize("name", ["zh_sts/stsb.dev.tsv", "en_sts/stsb.dev.tsv"])
def test_real_sentences(juyi, shared_data: Path, name: str) -> None:
    done = juyi("augment", shared_data / name, "--limit", 0, "--format", "jsonl")
    found = rows(done.stdout)
    assert len(found) > 8000
    for row in found:
        text, made = str(row["text"]), str(row["augmented"])
        assert made.strip()
        assert "  " not in made or "  " in text
        if row["augmentation"] == "crop":
            assert made in text
