"""The mean of word vectors: look-up, what stands in for unknown words, and how much was known."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from juyi.baselines import Coverage, WordAverage
from juyi.baselines.word_average import running_words
from juyi.errors import DataError

LINES = """
银行 1 0 0 0
卡 0 1 0 0
片 0 0 1 0
cat 0 0 0 1
Cat 0 0 0 3
NASA 2 2 0 0
nothing 0 0 0 0
"""
CENTRE = np.array([3, 3, 1, 4]) / 7


def average(folder: Path, header: str = "") -> WordAverage:
    path = folder / "vectors.txt"
    path.write_text(header + LINES.lstrip(), encoding="utf-8")
    return WordAverage(path)


@pytest.mark.parametrize("header", ["", "7 4\n"])
def test_a_text_is_the_mean_of_its_words(tmp_path: Path, header: str) -> None:
    found = average(tmp_path, header)
    # As written, then in lower case, and not the other way round; words without a vector, or with one of zeros, are left out.
    given = {
        "cat": [0, 0, 0, 1],
        "Cat!": [0, 0, 0, 3],
        "CAT": [0, 0, 0, 1],
        "nasa": CENTRE,
        "NASA, cat cat": [2 / 3, 2 / 3, 0, 2 / 3],
    }
    given |= {
        "the cat": [0, 0, 0, 1],
        "nothing": CENTRE,
        "Nothing cat": [0, 0, 0, 1],
        "": CENTRE,
        "?!": CENTRE,
        "ｃａｔ": [0, 0, 0, 1],
    }
    vectors = found.encode(list(given))
    assert (vectors.dtype, vectors.shape, found.dim) == (np.float32, (len(given), 4), 4)
    np.testing.assert_allclose(vectors, list(given.values()), rtol=1e-6)
    assert found.encode([]).shape == (0, 4)


def test_characters_stand_in_for_chinese_words(tmp_path: Path) -> None:
    pytest.importorskip("jieba")
    found = average(tmp_path)
    # 卡片 has no vector of its own; of 卡车 only the first character has one; of 天气 none has.
    vectors = found.encode(["银行，卡片", "卡车", "天气", "天气 cat", "银行cat"])
    expected = [[0.5, 0.25, 0.25, 0], [0, 1, 0, 0], CENTRE, [0, 0, 0, 1], [0.5, 0, 0, 0.5]]
    np.testing.assert_allclose(vectors, expected, rtol=1e-6)
    assert found.coverage == Coverage(texts=5, unknown_texts=1, words=8, unknown_words=4)


def test_what_is_unknown_is_counted_over_all_texts(tmp_path: Path) -> None:
    found = average(tmp_path)
    assert found.coverage == Coverage()
    assert found.coverage.out_of_vocabulary_rate is None
    found.encode(["the cat", "the cat", "a dog", "?!"])
    assert found.coverage == Coverage(texts=4, unknown_texts=2, words=6, unknown_words=4)
    found.encode(["cat, Nothing!"])
    assert found.coverage == Coverage(texts=5, unknown_texts=2, words=8, unknown_words=5)
    assert found.coverage.out_of_vocabulary_rate == 5 / 8


def test_chinese_is_cut_by_jieba_and_the_rest_into_runs() -> None:
    pytest.importorskip("jieba")
    assert running_words("我的iPhone15坏了，don't panic") == ["我", "的", "iPhone15", "坏", "了", "don", "t", "panic"]
    assert running_words("办理ＳＩＭ卡") == ["办理", "SIM卡"]
    assert running_words("은행 計画, Привет") == ["은행", "計", "画", "Привет"]
    assert running_words("？ … 🙂") == []


def test_jieba_is_needed_for_chinese_alone(tmp_path: Path) -> None:
    average(tmp_path)
    code = (
        "import sys; sys.modules['jieba'] = None\n"
        "from juyi.baselines import WordAverage; from juyi.errors import MissingExtraError\n"
        f"found = WordAverage({str(tmp_path / 'vectors.txt')!r}); found.encode(['the cat, 은행'])\n"
        "try: found.encode(['银行'])\n"
        "except MissingExtraError as error: print(error)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "pip install 'juyi[zh]'" in out


def test_a_file_that_holds_no_vectors_is_refused(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("cat\n", encoding="utf-8")
    with pytest.raises(DataError, match="there is one column"):
        WordAverage(tmp_path / "words.txt")
    (tmp_path / "words.txt").write_bytes("猫 1 2\n".encode("gb18030"))
    assert WordAverage(tmp_path / "words.txt", encoding="gb18030").dim == 2
