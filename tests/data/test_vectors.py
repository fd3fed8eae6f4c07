"""Reading word vectors: with and without a header, packed, repeated words, and what is refused."""

from __future__ import annotations

import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from juyi.data.vectors import read_word_vectors
from juyi.errors import DataError


@pytest.mark.parametrize(("name", "pack"), [("v.txt", bytes), ("v.txt.gz", gzip.compress), ("v.txt.xz", lzma.compress)])
@pytest.mark.parametrize("header", ["", "9 5\n"])
def test_words_and_vectors_are_those_of_the_file(tmp_path: Path, name: str, pack: Callable[[bytes], bytes], header: str) -> None:
    words = ["the", "，", "New York", "中国", "3", "a b c", "...", "naïve", "the end"]
    numbers = np.random.default_rng(0).normal(size=(9, 5)).astype(np.float32)
    lines = [f"{word} {' '.join(map(str, row.tolist()))}\n" for word, row in zip(words, numbers, strict=True)]
    lines.insert(4, "the 9 9 9 9 9 \r\n")  # the second vector of this word, with a space and another end of the line
    (tmp_path / name).write_bytes(pack((header + "".join(lines)).encode()))
    found, rows = read_word_vectors(tmp_path / name)
    assert found == words
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(rows, numbers)


@pytest.mark.parametrize("count", [1023, 1024, 1025, 5000])
def test_files_larger_than_the_first_room(tmp_path: Path, count: int) -> None:
    numbers = np.random.default_rng(0).normal(size=(count, 2)).astype(np.float32)
    lines = [f"w{place} {' '.join(map(str, row.tolist()))}\n" for place, row in enumerate(numbers)]
    (tmp_path / "v.txt").write_text("".join(lines) + "w0 9 9\n", encoding="utf-8")
    found, rows = read_word_vectors(tmp_path / "v.txt")
    assert found == [f"w{place}" for place in range(count)]
    np.testing.assert_array_equal(rows, numbers)


def test_the_encoding_is_heeded(tmp_path: Path) -> None:
    path = tmp_path / "v.txt"
    path.write_bytes("猫 1 -2e-3\n".encode("gb18030"))
    words, rows = read_word_vectors(path, encoding="gb18030")
    assert words == ["猫"]
    np.testing.assert_allclose(rows, [[1, -0.002]], rtol=1e-6)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("cat 1 2\ndog 1\n", "line 2: a word and 2 finite numbers are needed, but there are 1"),
        ("cat 1 2\ndog 1 x\n", "line 2: a word and 2 numbers are needed: could not convert"),
        ("cat 1 2\ncat 1 x\n", "line 2: a word and 2 numbers are needed"),
        ("cat 1 nan\n", "line 1: .* one is not finite"),
        ("cat 1 1e39\n", "line 1: .* one is not finite"),
        ("2 99999999999\ncat 1 2\n", "line 2: a word and 99999999999 finite numbers are needed, but there are 2"),
        ("cat\n", "line 1: there is one column"),
        ("2 3\n", "there is a header and no word"),
        ("", "the file is empty"),
    ],
)
def test_bad_files_are_named_with_their_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "v.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=words):
        read_word_vectors(path)
