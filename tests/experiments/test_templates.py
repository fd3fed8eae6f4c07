"""Sentences put together from frames: every one must be a frame with its slots filled the same way in both languages."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from juyi.data import read_lines
from juyi.errors import DataError, UsageError
from juyi.experiments import frames
from juyi.experiments.corpus import corpus_digests
from juyi.experiments.pairs import read_corpus_pairs
from juyi.experiments.recipe import FrameSource, PairCorpus, PairSource
from juyi.experiments.recipe_files import RECIPES
from juyi.experiments.templates import frame_pairs

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
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    recipes = tmp_path / "recipes"
    recipes.mkdir()
    monkeypatch.setattr(frames, "RECIPES", recipes)
    monkeypatch.setattr("juyi.experiments.recipe.RECIPES", recipes)
    write(recipes / "phrases.tsv", "place\t北京\tBeijing", "place\t上海\tShanghai")
    write(recipes / "frames.tsv", "{noun}和{noun2}\t{noun} and {noun2}", "在{place}{verb}\tto {verb} in {place}")
    write(tmp_path / "words.tsv", *DICTIONARY)
    return tmp_path


def write(path: Path, *lines: str) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def source(**settings: Any) -> FrameSource:
    return FrameSource("words.tsv", **{"rows": 1000, "frames": "frames.tsv", "phrases": "phrases.tsv", **settings})


def test_all_sentences_and_no_other(place: Path) -> None:
    nouns, verbs = {"苹果": "apple", "香蕉": "banana"}, {"游泳": "swim", "打听": "ask about"}
    cities = {"北京": "Beijing", "上海": "Shanghai"}
    wanted = {f"{a}和{b}": f"{nouns[a]} and {nouns[b]}" for a in nouns for b in nouns}
    wanted |= {f"在{c}{v}": f"to {verbs[v]} in {cities[c]}" for c in cities for v in verbs}
    found = frame_pairs(source(), place)
    assert dict(found) == wanted and len(found) == len(wanted)


def test_so_many_and_the_same_ones_for_one_seed(place: Path) -> None:
    first = frame_pairs(source(rows=3), place)
    assert len(first) == len(set(first)) == 3
    assert first == frame_pairs(source(rows=3), place)
    assert any(first != frame_pairs(source(rows=3, seed=seed), place) for seed in range(5))


def test_frequent_words_are_drawn_more_often(place: Path) -> None:
    write(place / "recipes" / "frames.tsv", "{noun}{place}{noun2}\t{noun}{place}{noun2}")
    write(place / "recipes" / "phrases.tsv", *(f"place\t{i}\t{i}" for i in range(3000)))
    write(place / "text.txt", *["我要苹果，吃苹果"] * 50, "香蕉")  # 100 to 1: ten to one by the square root
    write(place / "more.txt", "大香蕉树" * 3)  # inside other words too
    counted = Counter(second.split("apple")[0] != second for _, second in frame_pairs(source(count=("text.txt",)), place))
    assert counted[True] > 950  # of 1 − (1/11)² = 99 %
    firsts = Counter(first[:2] for first, _ in frame_pairs(source(count=("text.txt", "more.txt")), place))
    assert 0.75 < firsts["苹果"] / 1000 < 0.9  # 10 to 2
    assert {first[:2] for first, _ in frame_pairs(source(rows=50, count=("text.txt",), min_count=2), place)} == {"苹果"}


def test_frames_are_sifted_like_every_source(place: Path) -> None:
    write(place / "a.tsv", "苹果和香蕉\tApple and banana")
    write(place / "kept.dev.tsv", "在北京游泳！\tx\t1")
    corpus = PairCorpus((PairSource("a.tsv"),), frames=source(both=True), exclude=("*.dev.tsv",))
    found = read_corpus_pairs(corpus, place)
    assert found.left_out == 1 and len(found.first) == 1 + 8 - 2  # its copy of the first source, and the one measured on
    assert "在北京游泳" not in found.first and found.first.count("苹果和香蕉") == 1
    assert found.both.tolist() == [False] + [True] * 6
    assert len(set(found.groups.tolist())) == 7


def test_a_run_knows_by_its_digests_what_was_read(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("juyi.experiments.corpus.RECIPES", place / "recipes")
    write(place / "a.tsv", "一\tone")
    write(place / "text.txt", "苹果")
    write(place / "kept.dev.tsv", "二\ttwo")
    corpus = PairCorpus((PairSource("a.tsv"),), frames=source(count=("text.txt",)), exclude=("*.dev.tsv",))
    before = corpus_digests(corpus, place)
    assert set(before) == {"a.tsv", "words.tsv", "text.txt", "kept.dev.tsv", "frames.tsv", "phrases.tsv"}
    for file in ("a.tsv", "words.tsv", "text.txt", "kept.dev.tsv", "recipes/frames.tsv", "recipes/phrases.tsv"):
        write(place / file, "三\tthree\t3")
        after = corpus_digests(corpus, place)
        assert [name for name in before if before[name] != after[name]] == [Path(file).name]
        before = after


def test_bad_frames_are_named(place: Path) -> None:
    write(place / "recipes" / "frames.tsv", "{noun}多少钱\thow much is {verb}")
    with pytest.raises(UsageError, match="same slots"):
        frame_pairs(source(), place)
    write(place / "recipes" / "frames.tsv", "{colour}的花\t{colour} flowers")
    with pytest.raises(UsageError, match=r"nothing fills \{colour\}.*There is: noun, place, verb"):
        frame_pairs(source(), place)
    write(place / "recipes" / "frames.tsv", "没有英文")
    with pytest.raises(DataError, match=r"(?s)frames\.tsv.*1 of 2 columns"):
        frame_pairs(source(), place)
    write(place / "recipes" / "frames.tsv", "{Noun}多少钱\thow much is {Noun}")
    with pytest.raises(UsageError, match=r"nothing fills \{Noun\}"):
        frame_pairs(source(), place)
    with pytest.raises(UsageError, match=r"no gone\.tsv beside the recipes"):
        source(frames="gone.tsv")
    with pytest.raises(UsageError, match="rows is 0"):
        source(rows=0)
    with pytest.raises(UsageError, match="names no file to count in"):
        source(min_count=3)
    lost = FrameSource("nowhere.tsv", 5, frames="frames.tsv", phrases="phrases.tsv")
    with pytest.raises(UsageError, match=r"lacks nowhere\.tsv"):
        read_corpus_pairs(PairCorpus((PairSource("words.tsv"),), frames=lost), place)


def test_the_frames_that_ship_are_whole() -> None:
    """Both sides, the same slots, each one filled by the phrases or the dictionary; nothing twice."""
    phrases = [tuple(line.split("\t")) for _, line in read_lines(RECIPES / "mini" / "phrases.tsv")]
    shipped = [tuple(line.split("\t")) for _, line in read_lines(RECIPES / "mini" / "frames.tsv")]
    assert {len(cells) for cells in phrases} == {3} and {len(cells) for cells in shipped} == {2}
    kinds = {kind for kind, *_ in phrases} | {"noun", "verb"}
    for first, second in shipped:
        slots = set(re.findall(r"\{(\w+)\}", first))
        assert slots == set(re.findall(r"\{(\w+)\}", second)) and slots
        assert {slot.removesuffix("2") for slot in slots} <= kinds
    assert len(set(shipped)) == len(shipped) and len({(kind, first) for kind, first, _ in phrases}) == len(phrases)
