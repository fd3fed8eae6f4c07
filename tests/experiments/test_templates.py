"""Sentences put together from templates: every one must be a template with its slots filled the same way in both languages."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from juyi.data import read_lines
from juyi.errors import DataError, UsageError
from juyi.experiments.pairs import read_source_pairs
from juyi.experiments.recipe_files import RECIPES
from juyi.experiments.source_files import source_digests
from juyi.experiments.sources import PairFile, PairSources, TemplateSource
from juyi.experiments.templates import template_pairs

DICTIONARY = (
    "苹果\tapple; CL:個",
    "香蕉\t(fruit) banana",
    "游泳\tto swim; swimming",
    "打听\tto ask about, to inquire",
    "苹果\tApple company",  # a second entry of a word is not read
    "的\tof",  # one character
    "三自爱国教会\tThree-Self",  # six
    "阿门\tamen 阿",  # a gloss that is no plain English
    "长词\ta gloss of four words",
    "长动\tto do it all very slowly",
)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    recipes = tmp_path / "recipes"
    recipes.mkdir()
    write(recipes / "phrases.tsv", "place\t北京\tBeijing", "place\t上海\tShanghai")
    write(recipes / "templates.tsv", "{noun}和{noun2}\t{noun} and {noun2}", "在{place}{verb}\tto {verb} in {place}")
    write(tmp_path / "words.tsv", *DICTIONARY)
    return tmp_path


def write(path: Path, *lines: str) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def source(place: Path, **settings: Any) -> TemplateSource:
    files = {name: str(place / "recipes" / f"{name}.tsv") for name in ("templates", "phrases")}  # a full path is taken as it is
    return TemplateSource("words.tsv", **{"rows": 1000, **files, **settings})


def test_all_sentences_and_no_other(place: Path) -> None:
    nouns, verbs = {"苹果": "apple", "香蕉": "banana"}, {"游泳": "swim", "打听": "ask about"}
    cities = {"北京": "Beijing", "上海": "Shanghai"}
    wanted = {f"{a}和{b}": f"{nouns[a]} and {nouns[b]}" for a in nouns for b in nouns}
    wanted |= {f"在{c}{v}": f"to {verbs[v]} in {cities[c]}" for c in cities for v in verbs}
    found = template_pairs(source(place), place)
    assert dict(found) == wanted and len(found) == len(wanted)


def test_so_many_and_the_same_ones_for_one_seed(place: Path) -> None:
    first = template_pairs(source(place, rows=3), place)
    assert len(first) == len(set(first)) == 3
    assert first == template_pairs(source(place, rows=3), place)
    assert any(first != template_pairs(source(place, rows=3, seed=seed), place) for seed in range(5))


def test_frequent_words_are_drawn_more_often(place: Path) -> None:
    write(place / "recipes" / "templates.tsv", "{noun}{place}{noun2}\t{noun}{place}{noun2}")
    write(place / "recipes" / "phrases.tsv", *(f"place\t{i}\t{i}" for i in range(3000)))
    write(place / "text.txt", *["我要苹果，吃苹果"] * 50, "香蕉")  # 100 to 1: ten to one by the square root
    write(place / "more.txt", "大香蕉树" * 3)  # inside other words too
    counted = Counter(
        second.split("apple")[0] != second for _, second in template_pairs(source(place, count=("text.txt",)), place)
    )
    assert counted[True] > 950  # of 1 − (1/11)² = 99 %
    firsts = Counter(first[:2] for first, _ in template_pairs(source(place, count=("text.txt", "more.txt")), place))
    assert 0.75 < firsts["苹果"] / 1000 < 0.9  # 10 to 2
    assert {first[:2] for first, _ in template_pairs(source(place, rows=50, count=("text.txt",), min_count=2), place)} == {"苹果"}


def test_templates_are_sifted_like_every_source(place: Path) -> None:
    write(place / "a.tsv", "苹果和香蕉\tApple and banana")
    write(place / "kept.dev.tsv", "在北京游泳！\tx\t1")
    corpus = PairSources((PairFile("a.tsv"),), templates=source(place, both=True), exclude=("*.dev.tsv",))
    found = read_source_pairs(corpus, place)
    assert found.left_out == 1 and len(found.first) == 1 + 8 - 2  # its copy of the first source, and the one measured on
    assert "在北京游泳" not in found.first and found.first.count("苹果和香蕉") == 1
    assert found.both.tolist() == [False] + [True] * 6
    assert len(set(found.groups.tolist())) == 7


def test_a_run_knows_by_its_digests_what_was_read(place: Path) -> None:
    write(place / "a.tsv", "一\tone")
    write(place / "text.txt", "苹果")
    write(place / "kept.dev.tsv", "二\ttwo")
    corpus = PairSources((PairFile("a.tsv"),), templates=source(place, count=("text.txt",)), exclude=("*.dev.tsv",))
    before = source_digests(corpus, place)
    assert set(before) == {
        "a.tsv",
        "words.tsv",
        "text.txt",
        "kept.dev.tsv",
        "sources.templates.templates",
        "sources.templates.phrases",
    }
    for file in ("a.tsv", "words.tsv", "text.txt", "kept.dev.tsv", "recipes/templates.tsv", "recipes/phrases.tsv"):
        write(place / file, "三\tthree\t3")
        after = source_digests(corpus, place)
        changed = f"sources.templates.{Path(file).stem}" if file.startswith("recipes/") else file
        assert [name for name in before if before[name] != after[name]] == [changed]
        before = after


def test_bad_templates_are_named(place: Path) -> None:
    write(place / "recipes" / "templates.tsv", "{noun}多少钱\thow much is {verb}")
    with pytest.raises(UsageError, match="same slots"):
        template_pairs(source(place), place)
    write(place / "recipes" / "templates.tsv", "{colour}的花\t{colour} flowers")
    with pytest.raises(UsageError, match=r"nothing fills \{colour\}.*There is: noun, place, verb"):
        template_pairs(source(place), place)
    write(place / "recipes" / "templates.tsv", "没有英文")
    with pytest.raises(DataError, match=r"(?s)templates\.tsv.*1 of 2 columns"):
        template_pairs(source(place), place)
    write(place / "recipes" / "templates.tsv", "{Noun}多少钱\thow much is {Noun}")
    with pytest.raises(UsageError, match=r"nothing fills \{Noun\}"):
        template_pairs(source(place), place)
    with pytest.raises(UsageError, match=r"no gone\.tsv beside the recipes"):
        source(place, templates="gone.tsv")
    with pytest.raises(UsageError, match="rows is 0"):
        source(place, rows=0)
    with pytest.raises(UsageError, match="names no file to count in"):
        source(place, min_count=3)
    lost = dataclasses.replace(source(place), dictionary="nowhere.tsv")
    with pytest.raises(UsageError, match=r"lacks nowhere\.tsv"):
        read_source_pairs(PairSources((PairFile("words.tsv"),), templates=lost), place)


def test_the_templates_that_ship_are_whole() -> None:
    """Both sides, the same slots, each one filled by the phrases or the dictionary; nothing twice."""
    phrases = [tuple(line.split("\t")) for _, line in read_lines(RECIPES / "mini" / "phrases.tsv")]
    shipped = [tuple(line.split("\t")) for _, line in read_lines(RECIPES / "mini" / "templates.tsv")]
    assert {len(cells) for cells in phrases} == {3} and {len(cells) for cells in shipped} == {2}
    kinds = {kind for kind, *_ in phrases} | {"noun", "verb"}
    for first, second in shipped:
        slots = set(re.findall(r"\{(\w+)\}", first))
        assert slots == set(re.findall(r"\{(\w+)\}", second)) and slots
        assert {slot.removesuffix("2") for slot in slots} <= kinds
    assert len(set(shipped)) == len(shipped) and len({(kind, first) for kind, first, _ in phrases}) == len(phrases)
