"""Sentences put together from templates: every one must be a template with its slots filled."""

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
from juyi.experiments.templates import template_texts

DICTIONARY = (
    "苹果\tapple; CL:個",
    "香蕉\t(fruit) banana",
    "游泳\tto swim; swimming",  # both
    "打听\tto ask about, to inquire",
    "告诉\ta gloss of four words; to tell",  # by its second sense
    "香蕉\tto go bananas",  # a second entry adds its senses
    "但是\tbut; however",  # no noun
    "的\tof",  # one character
    "三自爱国教会\tThree-Self",  # six
    "阿门\tamen 阿",  # a gloss that is no plain English
    "长动\tto do it all very slowly",
)
NOUNS, VERBS = ("苹果", "香蕉", "游泳"), ("游泳", "打听", "告诉", "香蕉")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    recipes = tmp_path / "recipes"
    recipes.mkdir()
    write(recipes / "phrases.tsv", "place\t北京", "place\t上海")
    write(recipes / "templates.txt", "{noun}和{noun2}", "在{place}{verb}")
    write(tmp_path / "words.tsv", *DICTIONARY)
    return tmp_path


def write(path: Path, *lines: str) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def source(place: Path, **settings: Any) -> TemplateSource:
    files = {file.split(".")[0]: str(place / "recipes" / file) for file in ("templates.txt", "phrases.tsv")}  # full paths
    return TemplateSource(**{"dictionary": "words.tsv", "rows": 1000, **files, **settings})


def test_all_sentences_and_no_other(place: Path) -> None:
    wanted = {f"{first}和{second}" for first in NOUNS for second in NOUNS}
    wanted |= {f"在{city}{verb}" for city in ("北京", "上海") for verb in VERBS}
    found = template_texts(source(place), place)
    assert set(found) == wanted and len(found) == len(wanted)


def test_so_many_and_the_same_ones_for_one_seed(place: Path) -> None:
    first = template_texts(source(place, rows=3), place)
    assert len(first) == len(set(first)) == 3
    assert first == template_texts(source(place, rows=3), place)
    assert any(first != template_texts(source(place, rows=3, seed=seed), place) for seed in range(5))


def test_frequent_words_are_drawn_more_often(place: Path) -> None:
    write(place / "words.tsv", *DICTIONARY[:2])
    write(place / "recipes" / "templates.txt", "{noun}{place}{noun2}")
    write(place / "recipes" / "phrases.tsv", *(f"place\t{i}" for i in range(3000)))
    write(place / "text.txt", *["我要苹果，吃苹果"] * 50, "香蕉")  # 100 to 1: ten to one by the square root
    write(place / "more.txt", "大香蕉树" * 3)  # inside other words too
    firsts = Counter(text[:2] for text in template_texts(source(place, count=("text.txt",)), place))
    assert 0.87 < firsts["苹果"] / 1000 < 0.94  # 10 to 1
    firsts = Counter(text[:2] for text in template_texts(source(place, count=("text.txt", "more.txt")), place))
    assert 0.79 < firsts["苹果"] / 1000 < 0.87  # 10 to 2
    assert {text[:2] for text in template_texts(source(place, rows=50, count=("text.txt",), min_count=2), place)} == {"苹果"}


def test_templates_are_sifted_like_every_source(place: Path) -> None:
    write(place / "a.tsv", "苹果和香蕉\tApple and banana")
    write(place / "kept.dev.tsv", "在北京游泳！\tx\t1")
    corpus = PairSources((PairFile("a.tsv", columns=(1, 1)),), templates=(source(place),), exclude=("*.dev.tsv",))
    found = read_source_pairs(corpus, place)
    assert found.left_out == 1 and len(found.first) == 1 + 17 - 2  # its copy of the first source, and the one measured on
    assert "在北京游泳" not in found.first and found.first.count("苹果和香蕉") == 1
    assert found.first == found.second and not found.both.any()
    assert len(set(found.groups.tolist())) == 16


def test_a_run_knows_by_its_digests_what_was_read(place: Path) -> None:
    write(place / "a.tsv", "一\tone")
    write(place / "text.txt", "苹果")
    write(place / "kept.dev.tsv", "二\ttwo")
    corpus = PairSources((PairFile("a.tsv"),), templates=(source(place, count=("text.txt",)),), exclude=("*.dev.tsv",))
    before = source_digests(corpus, place)
    assert set(before) == {
        "a.tsv",
        "words.tsv",
        "text.txt",
        "kept.dev.tsv",
        f"{place}/recipes/templates.txt",
        f"{place}/recipes/phrases.tsv",
    }
    for file in ("a.tsv", "words.tsv", "text.txt", "kept.dev.tsv", "recipes/templates.txt", "recipes/phrases.tsv"):
        write(place / file, "三\tthree\t3")
        after = source_digests(corpus, place)
        changed = f"{place}/{file}" if file.startswith("recipes/") else file
        assert [name for name in before if before[name] != after[name]] == [changed]
        before = after


def test_bad_templates_are_named(place: Path) -> None:
    for template in ("{colour}的花", "{nouns}多少钱"):
        write(place / "recipes" / "templates.txt", template)
        with pytest.raises(UsageError, match=rf"nothing fills {template[: template.index('}')]}.*There is: noun, place, verb"):
            template_texts(source(place), place)
    write(place / "recipes" / "phrases.tsv", "noun")
    with pytest.raises(DataError, match=r"(?s)phrases\.tsv.*1 of 2 columns"):
        template_texts(source(place), place)
    with pytest.raises(UsageError, match=r"no gone\.tsv beside the recipes"):
        source(place, templates="gone.tsv")
    with pytest.raises(UsageError, match="rows is 0"):
        source(place, rows=0)
    with pytest.raises(UsageError, match="names no file to count in"):
        source(place, min_count=3)
    with pytest.raises(UsageError, match="no dictionary has words to count"):
        source(place, dictionary="", count=("text.txt",))
    lost = dataclasses.replace(source(place), dictionary="nowhere.tsv")
    with pytest.raises(UsageError, match=r"lacks nowhere\.tsv"):
        read_source_pairs(PairSources((PairFile("words.tsv"),), templates=(lost,)), place)


def test_phrases_alone_need_no_dictionary(place: Path) -> None:
    write(place / "recipes" / "templates.txt", "{place}和{place2}")
    made = source(place, dictionary="")
    assert set(template_texts(made, place)) == {"北京和上海", "上海和北京", "北京和北京", "上海和上海"}
    assert made.data_files == ()
    write(place / "recipes" / "templates.txt", "{noun}和{place}")
    with pytest.raises(UsageError, match=r"nothing fills \{noun\}.*There is: place;"):
        template_texts(made, place)


def test_a_capital_begins_a_sentence_with_any_filling(place: Path) -> None:
    write(place / "recipes" / "phrases.tsv", "animal\ta dog", "animal\téclair")
    write(place / "recipes" / "templates.txt", "{Animal} sees {animal2}.")
    found = template_texts(source(place, dictionary=""), place)
    assert set(found) == {f"{first} sees {second}." for first in ("A dog", "Éclair") for second in ("a dog", "éclair")}


def test_several_templates_and_a_longest_of_their_own(place: Path) -> None:
    write(place / "a.tsv", "一\tone")
    write(place / "recipes" / "more.txt", "在{place}的每一天")
    more = source(place, dictionary="", templates=str(place / "recipes" / "more.txt"))
    both = PairSources((PairFile("a.tsv", columns=(1, 1)),), templates=(source(place), more), longest=5)
    assert len(read_source_pairs(both, place).first) == 1 + 17
    longer = dataclasses.replace(both, templates=(source(place), dataclasses.replace(more, longest=7)))
    found = read_source_pairs(longer, place)
    assert {"在北京的每一天", "在上海的每一天"} <= set(found.first) and len(found.first) == 1 + 17 + 2


@pytest.mark.parametrize("which", ["", "longer_", "english_"])
def test_the_templates_that_ship_are_whole(which: str) -> None:
    """Every slot is filled by the phrases or the dictionary, every kind of phrase is used; nothing twice."""
    phrases = [tuple(line.split("\t")) for _, line in read_lines(RECIPES / "mini" / f"{which}phrases.tsv")]
    shipped = [line for _, line in read_lines(RECIPES / "mini" / f"{which}templates.txt")]
    assert {len(cells) for cells in phrases} == {2} and not any("\t" in line for line in shipped)
    kinds = {kind for kind, _ in phrases}
    slots = {slot for line in shipped for slot in re.findall(r"\{(\w+)\}", line)}
    used = {slot[0].lower() + slot[1:].removesuffix("2") for slot in slots}
    assert kinds <= used <= kinds | (set() if which else {"noun", "verb"})
    assert len(set(shipped)) == len(shipped) and len(set(phrases)) == len(phrases)
