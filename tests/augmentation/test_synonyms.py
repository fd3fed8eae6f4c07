"""Synonyms from a table and from word vectors."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from juyi.augmentation import Synonyms, cut_words
from juyi.augmentation.word_vectors import read_vectors
from juyi.errors import DataError, UsageError


def written(folder: Path, text: str | bytes, name: str = "file.tsv") -> str:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def test_a_table_replaces_words(tmp_path: Path) -> None:
    table = written(tmp_path, "\ufeffcat\tkitten\tpuss\n\nsat\trested\r\n怎么\t如何\n怎么\t怎样\n")
    rng = np.random.default_rng(0)
    made = Counter(Synonyms(table=table)(["the cat sat."] * 4000, rng))
    assert set(made) == {"the kitten sat.", "the puss sat.", "the cat rested."}
    assert abs(made["the cat rested."] - 2000) < 150
    assert abs(made["the puss sat."] - 1000) < 150
    assert {*Synonyms(table=table, count=5)(["the cat sat."] * 99, rng)} == {"the kitten rested.", "the puss rested."}
    assert {*Synonyms(table=table)(["怎么还信用卡"] * 99, rng)} == {"如何还信用卡", "怎样还信用卡"}
    assert Synonyms(table=table)(["nothing here", "没有"], rng) == ["nothing here", "没有"]


def test_capitals_are_followed(tmp_path: Path) -> None:
    table = written(tmp_path, "cat\tkitten\nCAT\tscan\n")
    assert Synonyms(table=table)(["Cat", "cat", "CAT"], np.random.default_rng(0)) == ["Kitten", "kitten", "scan"]


def test_the_word_itself_is_no_synonym(tmp_path: Path) -> None:
    table = written(tmp_path, "cat\tcat\tCat\ndog\tdog\n")
    assert Synonyms(table=table)(["cat", "Cat", "dog"], np.random.default_rng(0)) == ["Cat", "Cat", "dog"]


def test_a_changed_table_is_read_again(tmp_path: Path) -> None:
    table = written(tmp_path, "cat\tkitten\n")
    assert Synonyms(table=table)(["cat"], np.random.default_rng(0)) == ["kitten"]
    written(tmp_path, "cat\ttomcat\n")
    assert Synonyms(table=table)(["cat"], np.random.default_rng(0)) == ["tomcat"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("cat\tkitten\nalone\n", "line 2: there is one column, 'alone'"),
        ("cat\tkitten\t\n", "line 1: a cell is empty"),
        ("\tkitten\n", "line 1: a cell is empty"),
        ("\n\n", "the file is empty"),
        (b"\xff\xff\n", "line 1: byte 0xff at position 1 of the line is not utf-8"),
    ],
)
def test_bad_tables_are_named_with_their_line(tmp_path: Path, text: str | bytes, words: str) -> None:
    with pytest.raises(DataError, match=words):
        Synonyms(table=written(tmp_path, text))(["cat"], np.random.default_rng(0))


def test_missing_files_and_wrong_use(tmp_path: Path) -> None:
    for settings in ({"table": str(tmp_path / "none.tsv")}, {"vectors": str(tmp_path)}):
        with pytest.raises(DataError, match=r"no such file|a folder"):
            Synonyms(**settings)(["cat"], np.random.default_rng(0))
    with pytest.raises(DataError, match="cannot be unpacked"):
        Synonyms(table=written(tmp_path, gzip.compress(b"cat\tkitten\n")[:-9], "t.gz"))(["cat"], np.random.default_rng(0))
    for wrong in ({}, {"table": "a", "vectors": "b"}, {"table": "a", "count": 0}):
        with pytest.raises(UsageError):
            Synonyms(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("header", ["", "61 8\n"])
def test_the_nearest_word_is_that_of_a_slow_search(tmp_path: Path, header: str) -> None:
    rng = np.random.default_rng(8)
    words = [*(f"w{number}" for number in range(56)), "W3", "，", "...", "New York", "zero"]
    vectors = rng.normal(size=(len(words), 8)) * rng.uniform(0.1, 9, size=(len(words), 1))
    vectors[-1] = 0
    vectors[56] = vectors[3] + 1e-3  # W3, which is w3
    vectors[57] = vectors[5] + 1e-3  # punctuation
    rows = "".join(f"{word} {' '.join(map(repr, row.tolist()))}\n" for word, row in zip(words, vectors, strict=True))
    packed = gzip.compress((header + rows).encode())
    found = read_vectors(written(tmp_path, packed, "v.txt.gz"), "utf-8").nearest([*words, "stranger"])
    unit = vectors.astype(np.float32).astype(float)
    assert "zero" not in found
    for place, word in enumerate(words[:-1]):
        cosines = {
            other: float(unit[place] @ row / np.linalg.norm(unit[place]) / np.linalg.norm(row))
            for other, row in zip(words, unit, strict=True)
            if row.any() and other.casefold() != word.casefold() and any(map(str.isalnum, other))
        }
        assert found[word] == (max(cosines, key=cosines.__getitem__),)
    assert "stranger" not in found


def test_vectors_replace_words(tmp_path: Path) -> None:
    vectors = written(tmp_path, "cat 1 0\nkitten 0.9 0.1\n猫 -1 0.1\n狗 -1 0\n")
    made = Synonyms(vectors=vectors, count=9)(["the Cat", "猫和狗", "unknown"], np.random.default_rng(0))
    assert made == ["the Kitten", "狗和猫", "unknown"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("cat 1 2\ndog 1\n", "line 2: a word and 2 finite numbers are needed, but there are 1"),
        ("cat 1 2\ndog 1 x\n", "line 2: a word and 2 numbers are needed: could not convert"),
        ("cat 1 nan\n", "line 1: .* one is not finite"),
        ("cat\n", "line 1: there is one column"),
        ("2 3\n", "there is a header and no word"),
        ("", "the file is empty"),
    ],
)
def test_bad_vectors_are_named_with_their_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        Synonyms(vectors=written(tmp_path, text))(["cat"], np.random.default_rng(0))


def test_only_the_counted_words_change(sentences: list[str]) -> None:
    table = str(Path(__file__).with_name("synonyms.tsv"))
    for text, made in zip(sentences, Synonyms(table=table)(sentences, np.random.default_rng(0)), strict=True):
        old, new = cut_words(text).pieces, cut_words(made).pieces
        if len(old) == len(new):
            assert sum(a != b for a, b in zip(old, new, strict=True)) <= 1


def test_the_encoding_of_a_table_is_heeded(tmp_path: Path) -> None:
    table = written(tmp_path, "高兴\t开心\n".encode("gb18030"))
    assert Synonyms(table=table, encoding="gb18030")(["我很高兴"], np.random.default_rng(0)) == ["我很开心"]
