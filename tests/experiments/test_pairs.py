"""The pairs of a recipe, against what one would write down by hand."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from juyi.errors import DataError, UsageError
from juyi.experiments.pairs import SourcePairs, both_sides, read_source_pairs
from juyi.experiments.sources import PairFile, PairSources


def write(folder: Path, name: str, *lines: str) -> None:
    (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def read(folder: Path, *sources: PairFile, **settings: Any) -> SourcePairs:
    return read_source_pairs(PairSources(sources, **settings), folder)


def pairs_of(pairs: SourcePairs) -> list[tuple[str, str]]:
    return list(zip(pairs.first, pairs.second, strict=True))


def test_two_columns_in_the_order_of_the_recipe(tmp_path: Path) -> None:
    write(tmp_path, "a.tsv", "一\tone\tuno", "", " 二 \ttwo\tdue", "三\t\ttre")
    write(tmp_path, "b.tsv", "四\tfour")
    assert pairs_of(read(tmp_path, PairFile("b.tsv"), PairFile("a.tsv"))) == [("四", "four"), ("一", "one"), ("二", "two")]
    found = read(tmp_path, PairFile("a.tsv", columns=(3, 1)))
    assert pairs_of(found) == [("uno", "一"), ("due", "二"), ("tre", "三")]  # an empty cell of another column does not matter
    assert found.groups.tolist() == [0, 1, 2] and found.both.tolist() == [False] * 3 and found.left_out == 0


def test_pairs_with_one_first_side_are_one_group_and_sources_share_none(tmp_path: Path) -> None:
    write(tmp_path, "a.tsv", "猫\tcat", "狗\tdog", "猫\tpussycat", "猫！\tkitty")
    found = read(tmp_path, PairFile("a.tsv"), PairFile("a.tsv", columns=(2, 1)))
    first, second, third, fourth, *others = found.groups.tolist()
    assert first == third == fourth != second
    assert len({first, second, *others}) == 2 + len(others) and len(others) == 4


def test_neighbours_are_pairs_and_so_many_lines_one_document(tmp_path: Path) -> None:
    write(tmp_path, "a.txt", *"甲乙丙丁", "", *"戊己庚")
    write(tmp_path, "b.txt", "子", "丑")
    found = read(tmp_path, PairFile("a.txt", neighbours=3), PairFile("b.txt", neighbours=3))
    assert pairs_of(found) == [*zip("甲乙丙丁戊己", "乙丙丁戊己庚", strict=True), ("子", "丑")]
    document = {letter: i // 3 for i, letter in enumerate("甲乙丙丁戊己庚")} | {"子": 9}
    wanted = [document[first] for first in found.first]
    numbers = found.groups.tolist()
    assert [[a == b for a in numbers] for b in numbers] == [[a == b for a in wanted] for b in wanted]


def test_a_text_and_itself(tmp_path: Path) -> None:
    write(tmp_path, "a.txt", "一", "二", "一！")
    write(tmp_path, "b.tsv", "三\tthree", "四\tfour")
    found = read(tmp_path, PairFile("a.txt", columns=(1, 1)), PairFile("b.tsv", columns=(2, 2)))
    assert pairs_of(found) == [("一", "一"), ("二", "二"), ("three", "three"), ("four", "four")]
    assert len(set(found.groups.tolist())) == 4


def test_lines_in_a_row_are_one_text(tmp_path: Path) -> None:
    write(tmp_path, "a.txt", "今天下雨。", "", "带伞吧！", "好", "Yes.", "三", "落单")
    found = read(tmp_path, PairFile("a.txt", columns=(1, 1), lines=2))
    assert pairs_of(found) == [(text, text) for text in ("今天下雨。带伞吧！", "好Yes.", "三落单")]
    write(
        tmp_path, "b.tsv", "一\tOne.", "二\t“Two.”", "空\t", "三\tThree", "四\tFour.", "五\tFive."
    )  # the last one has no partner
    found = read(tmp_path, PairFile("b.tsv", lines=2))
    assert pairs_of(found) == [("一二", "One. “Two.”"), ("三四", "Three Four.")]


def test_a_line_that_will_be_measured_on_is_joined_to_none(tmp_path: Path) -> None:
    write(tmp_path, "a.tsv", "一\tOne", "二\tTwo", "三\tThree", "四\tFour", "五\tFive", "六\tSix")
    write(tmp_path, "kept.dev.tsv", "二！\tx\t1", "x\tfive\t0")
    found = read(tmp_path, PairFile("a.tsv", lines=2), exclude=("*.dev.tsv",))
    assert pairs_of(found) == [("一三", "One Three"), ("四六", "Four Six")]
    assert found.left_out == 2


def test_a_tab_in_running_text_is_text(tmp_path: Path) -> None:
    write(tmp_path, "a.txt", "一\t二", "三")
    assert pairs_of(read(tmp_path, PairFile("a.txt", neighbours=1))) == [("一\t二", "三")]


def test_a_file_may_have_a_longest_of_its_own(tmp_path: Path) -> None:
    write(tmp_path, "a.tsv", "一二三\tone two three", "一二三四\tone")
    english = PairFile("a.tsv", columns=(2, 2), longest=13)
    assert pairs_of(read(tmp_path, PairFile("a.tsv", columns=(1, 1)), english, longest=3)) == [
        ("一二三", "一二三"),
        ("one two three", "one two three"),
        ("one", "one"),
    ]
    with pytest.raises(UsageError, match="longest at least 0"):
        PairFile("a.tsv", longest=-1)


def test_repeated_pairs_come_as_often_as_the_recipe_says(tmp_path: Path) -> None:
    write(tmp_path, "a.tsv", "一\tone", "二\ttwo")
    write(tmp_path, "b.tsv", "三\tthree")
    found = read(tmp_path, PairFile("a.tsv", repeat=3, both=True), PairFile("b.tsv"))
    assert sorted(pairs_of(found)) == sorted([("一", "one"), ("二", "two")] * 3 + [("三", "three")])
    assert dict(zip(found.first, found.both.tolist(), strict=True)) == {"一": True, "二": True, "三": False}
    of_one = {int(group) for text, group in zip(found.first, found.groups, strict=True) if text == "一"}
    assert len(of_one) == 1 and len(set(found.groups.tolist())) == 3


def test_a_part_is_blocks_of_neighbours(tmp_path: Path) -> None:
    write(tmp_path, "a.tsv", *(f"{i}\tn{i}" for i in range(500)))
    found = read(tmp_path, PairFile("a.tsv", rows=130, repeat=2))
    assert found.first == tuple(str(i) for i in (*range(64), *range(436, 500))) * 2


def test_duplicates_equal_sides_and_long_ones_are_dropped(tmp_path: Path) -> None:
    write(tmp_path, "a.tsv", "猫在睡觉。\tA cat.", "猫在睡觉\ta CAT", "ＡＢＣ\tabc!", "长" * 9 + "\tlong", "长\t" + "l" * 9)
    write(tmp_path, "b.tsv", "猫在睡觉\tＡ ｃａｔ", "猫在睡觉\tthe cat", "长" * 8 + "\tx")
    found = read(tmp_path, PairFile("a.tsv"), PairFile("b.tsv"), longest=8)
    assert pairs_of(found) == [("猫在睡觉。", "A cat."), ("猫在睡觉", "the cat"), ("长" * 8, "x")]
    assert found.left_out == 0


def test_what_will_be_measured_on_is_left_out_and_counted(tmp_path: Path) -> None:
    write(tmp_path, "sts.test.tsv", "你好！\t您好\t4.5", "a man sings\tsomeone sings\t3")
    write(tmp_path, "a.tsv", "你，好\thello", "唱歌\tA MAN sings.", "再见\tbye", "四十五\t4.5", "您好\thi")
    found = read(tmp_path, PairFile("a.tsv"), exclude=("*.test.tsv",))
    assert pairs_of(found) == [("再见", "bye"), ("四十五", "4.5")]
    assert found.left_out == 3
    assert len(read(tmp_path, PairFile("a.tsv")).first) == 5


def test_too_few_columns_name_file_and_line(tmp_path: Path) -> None:
    write(tmp_path, "a.tsv", "一\tone", "", "二")
    with pytest.raises(DataError, match=r"a\.tsv, line 3: 1 column\(s\), and the recipe reads column 2"):
        read(tmp_path, PairFile("a.tsv"))
    with pytest.raises(DataError, match=r"line 1: 2 column\(s\), and the recipe reads column 4"):
        read(tmp_path, PairFile("a.tsv", columns=(4, 1)))


def test_files_that_are_not_there_and_nothing_left(tmp_path: Path) -> None:
    write(tmp_path, "a.tsv", "一\tone")
    with pytest.raises(UsageError, match=r"lacks b\.tsv, c\.tsv, which"):
        read(tmp_path, PairFile("c.tsv"), PairFile("a.tsv"), PairFile("b.tsv"))
    with pytest.raises(UsageError, match=r"holds no file x\*"):
        read(tmp_path, PairFile("a.tsv"), exclude=("x*",))
    with pytest.raises(DataError, match="give no pair"):
        read(tmp_path, PairFile("a.tsv"), longest=2)
    write(tmp_path, "one.txt", "一")
    with pytest.raises(DataError, match="give no pair"):
        read(tmp_path, PairFile("one.txt", neighbours=4))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"columns": (0, 1)}, r"a\.tsv: columns are \[0, 1\]; they are counted from 1"),
        ({"repeat": 0}, r"a\.tsv: repeat and lines must be at least 1"),
        ({"lines": 0}, "repeat and lines must be at least 1"),
        ({"lines": 2, "neighbours": 3}, "lines is 2 and neighbours 3"),
        ({"neighbours": -1}, "neighbours, rows and longest at least 0"),
        ({"rows": -1}, "neighbours, rows and longest at least 0"),
    ],
)
def test_a_source_that_cannot_be(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        PairFile("a.tsv", **changes)
    with pytest.raises(UsageError, match="files is empty"):
        PairSources(())


def test_both_sides_are_read_where_the_source_says_so(tmp_path: Path) -> None:
    write(tmp_path, "a.tsv", "一\tone", "壹\tone", "二\ttwo")
    write(tmp_path, "b.tsv", "三\tthree")
    found = read(tmp_path, PairFile("a.tsv", both=True, repeat=2), PairFile("b.tsv"))
    texts, targets = both_sides(found)
    assert list(zip(texts, targets, strict=True)) == [*pairs_of(found), ("one", "one"), ("two", "two")]
    assert both_sides(dataclasses.replace(found, both=found.both & False)) == (list(found.first), list(found.second))
