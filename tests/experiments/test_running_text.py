from __future__ import annotations

import lzma
from pathlib import Path

import numpy as np
import pytest

from juyi.errors import UsageError
from juyi.experiments.running_text import pack, read_running_text
from juyi.experiments.sources import TextFile, TextSources
from juyi.tokenization import SubwordTokenizer, train_wordpiece


@pytest.fixture(scope="module")
def tokenizer() -> SubwordTokenizer:
    return train_wordpiece(["春天来了", "花开了", "the quick brown fox"] * 3, size=80, min_frequency=1)


def test_lines_come_in_the_order_of_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text("一\n\n  \n二\n", encoding="utf-8")
    (tmp_path / "a.txt.xz").write_bytes(lzma.compress("三\n四\n".encode()))
    found = read_running_text(TextSources((TextFile("b.txt"), TextFile("a.txt.xz"))), tmp_path)
    assert found == ([["一", "二"], ["三", "四"]], 0)


def test_missing_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("一\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"lacks b\.txt, c\.txt, which the recipe reads"):
        read_running_text(TextSources((TextFile("b.txt"), TextFile("a.txt"), TextFile("c.txt"))), tmp_path)


@pytest.mark.parametrize(
    ("lines", "rows", "taken"),
    [(1000, 0, 1000), (1000, 200, 192), (1000, 1000, 1000), (1000, 2000, 1000), (1000, 9, 64), (50, 9, 50)],
)
def test_a_part_of_a_file_is_blocks_of_neighbours_from_all_over_it(tmp_path: Path, lines: int, rows: int, taken: int) -> None:
    (tmp_path / "a.txt").write_text("".join(f"{i}\n" for i in range(lines)), encoding="utf-8")
    ((found,), _) = read_running_text(TextSources((TextFile("a.txt", rows=rows),)), tmp_path)
    numbers = [int(line) for line in found]
    assert len(numbers) == taken and numbers == sorted(set(numbers))
    starts = [0, *(i for i in range(1, taken) if numbers[i] != numbers[i - 1] + 1)]
    if taken == 192:
        assert [numbers[i] for i in starts] == [0, 468, 936]


def test_a_column_of_a_table(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("一\ttwo\t三\n四\t \t六\n七\teight\n", encoding="utf-8")
    for column, wanted in ((0, ["一\ttwo\t三", "四\t \t六", "七\teight"]), (1, ["一", "四", "七"]), (2, ["two", "eight"])):
        assert read_running_text(TextSources((TextFile("a.tsv", column=column),)), tmp_path) == ([wanted], 0)
    with pytest.raises(UsageError, match=r"a\.tsv: 1 of 3 lines have no column 3"):
        read_running_text(TextSources((TextFile("a.tsv", column=3),)), tmp_path)


def test_a_part_of_a_column(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("".join(f"{i}\t{-i}\n" for i in range(300)), encoding="utf-8")
    ((found,), _) = read_running_text(TextSources((TextFile("a.tsv", rows=128, column=2),)), tmp_path)
    assert found == [str(-i) for i in (*range(64), *range(236, 300))]


@pytest.mark.parametrize("changes", [{"rows": -1}, {"column": -1}])
def test_a_source_that_cannot_be(changes: dict[str, int]) -> None:
    with pytest.raises(UsageError, match=r"a\.txt: rows and column must be at least 0"):
        TextFile("a.txt", **changes)


def test_what_will_be_measured_on_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "measure").mkdir()
    for name, text in (
        ("one.dev.tsv", "今天天气很好。\tThe sky is blue\t4.5\n"),
        ("two.test.tsv", "ＡＢＣ公司\t你好\t3\n"),
        ("two.train.tsv", "这一句可以学\t这一句也可以\t1\n"),
    ):
        (tmp_path / "measure" / name).write_text(text, encoding="utf-8")
    leaked = ["今天天气很好", "今天，天气很好！", "the sky is BLUE.", "abc公司", "你 好"]
    kept = ["这一句可以学", "今天天气", "45", "4.5", "3", "the sky"]
    lines = [line for pair in zip(leaked, kept, strict=False) for line in pair] + kept[5:]
    (tmp_path / "a.txt").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "b.txt").write_text("你好！\n再见\n", encoding="utf-8")
    (tmp_path / "c.tsv").write_text("1\t你好\n2\t早\n", encoding="utf-8")
    sources = (TextFile("a.txt"), TextFile("b.txt"), TextFile("c.tsv", column=2))
    patterns = ("measure/*.dev.tsv", "measure/*.test.tsv")
    assert read_running_text(TextSources(sources, exclude=patterns), tmp_path) == ([kept, ["再见"], ["早"]], 7)
    assert read_running_text(TextSources(sources), tmp_path) == ([lines, ["你好！", "再见"], ["你好", "早"]], 0)


def test_a_pattern_that_finds_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("一\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"holds no file measure/\*\.tsv, whose sentences the recipe keeps out"):
        read_running_text(TextSources((TextFile("a.txt"),), exclude=("a.*", "measure/*.tsv")), tmp_path)


@pytest.mark.parametrize("length", [3, 5, 16])
def test_packing_equals_the_loop(tokenizer: SubwordTokenizer, length: int) -> None:
    sources = [["春天来了", "the fox", "花"], ["花"], ["quick brown", "开了 fox", "天"] * 4]
    special, wanted = tokenizer.special, []
    for lines in sources:
        stream = [i for line in lines for i in (*tokenizer.pieces([line])[0], special.sep)]
        while len(stream) >= length - 2:
            wanted.append([special.cls, *stream[: length - 2], special.sep])
            stream = stream[length - 2 :]
    rows = pack(tokenizer, sources, length)
    assert rows.dtype == np.int32 and rows.shape == (len(wanted), length)
    assert rows.tolist() == wanted
    assert pack(tokenizer, [[], *sources], length).tolist() == wanted


def test_many_lines_are_packed_as_one(tokenizer: SubwordTokenizer) -> None:
    lines = ["花开了", "春天 fox"] * 3000  # more than are tokenized at once
    rows = pack(tokenizer, [lines], 32)
    stream = [i for row in tokenizer.pieces(lines) for i in (*row, tokenizer.special.sep)]
    assert rows[:, 1:-1].ravel().tolist() == stream[: len(stream) // 30 * 30]
