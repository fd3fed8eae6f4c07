"""Cutting loses nothing, and what is put together again reads as text."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from juyi.augmentation import cut_words

LATIN = ["the", "cat", "Sat", "don't", "e-mail", "3.5", "50%", "C++", "U.S.", "iPhone15", "naïve", "x.com", "$5"]
CHINESE = ["今天", "天气", "很", "好", "我们", "去", "公园", "信用卡", "怎么办", "U盘", "SIM卡", "〇"]
MARKS = ["，", "。", "？", "“", "”", "（", "）", ",", ".", "!", "(", ")", '"', "😂", "……", "-", "#"]
MIXED = st.lists(st.sampled_from([*LATIN, *CHINESE, *MARKS, " "]), max_size=20).map("".join)
TEXTS = st.one_of(MIXED, st.text(max_size=30))
# Words with single spaces, and the marks that English puts right behind or before one.
SENTENCES = st.lists(
    st.tuples(st.sampled_from(["", "", "(", '"']), st.sampled_from(LATIN), st.sampled_from(["", "", ",", ".", ")", "?!"])),
    min_size=1,
    max_size=12,
).map(lambda words: " ".join(map("".join, words)))


def words_of(text: str) -> list[str]:
    cut = cut_words(text)
    return [cut[word] for word in range(cut.count)]


@settings(deadline=None, max_examples=400)
@given(TEXTS)
def test_the_pieces_are_the_text(text: str) -> None:
    cut = cut_words(text)
    assert "".join(cut.pieces) == text
    assert all(cut.pieces)
    assert list(cut.words) == sorted({*cut.words})
    between = [piece for place, piece in enumerate(cut.pieces) if place not in cut.words]
    assert not any(character.isalnum() for piece in between for character in piece)
    assert not any(any(map(str.isspace, word)) for word in words_of(text))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("the cat sat", ["the", "cat", "sat"]),
        ("Hello, (big) world!", ["Hello", "big", "world"]),
        ("don't e-mail x.com: 3.5 or 50%?", ["don't", "e-mail", "x.com", "3.5", "or", "50%"]),
        ("“Don’t,” she said—twice…", ["Don’t", "she", "said", "twice"]),
        ("The U.S. economy. The U.S.", ["The", "U.S.", "economy", "The", "U.S."]),
        ("C++ costs $5 + tax", ["C++", "costs", "$5", "tax"]),
        ("今天天气很好，我们去公园。", ["今天天气", "很", "好", "我们", "去", "公园"]),
        ("我的iPhone15手机", ["我", "的", "iPhone15", "手机"]),
        ("SIM卡和U盘，T恤", ["SIM卡", "和", "U盘", "T恤"]),
        ("15k工资", ["15k", "工资"]),
        ("用Python编程", ["用", "Python", "编程"]),
        ("好看😂cat", ["好看", "cat"]),
        ("cafe\u0301 au", ["cafe\u0301", "au"]),
        ("……！", []),
        ("", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_jiebas_words_are_the_words_of_a_chinese_stretch(sentences: list[str]) -> None:
    import jieba

    for sentence in sentences:
        for stretch in re.findall("[\u4e00-\u9fff]+", sentence):
            assert words_of(stretch) == jieba.lcut(stretch, HMM=False)


@pytest.mark.parametrize(
    ("text", "words", "left"),
    [
        ("the cat sat", [1], "the sat"),
        ("the cat sat", [0], "cat sat"),
        ("the cat sat", [2], "the cat"),
        ("the cat sat", [0, 1], "sat"),
        ("the cat, sat.", [1], "the, sat."),
        ("the cat sat.", [1, 2], "the."),
        ("the (cat) sat", [1], "the () sat"),
        ("the (cat sat)", [1], "the (sat)"),
        ("a cat - sat", [1], "a - sat"),
        ("我吃鱼", [1], "我鱼"),
        ("使用 Python 编程", [1], "使用 编程"),
        ("用Python和Java", [2], "用Python Java"),
        ("#话题# 今天", [0], "## 今天"),
        ("你好，世界。", [1], "你好，。"),
        ("  the  cat", [1], "the"),
    ],
)
def test_without(text: str, words: list[int], left: str) -> None:
    assert cut_words(text).without(words) == left


@pytest.mark.parametrize(
    ("text", "words", "made"),
    [
        ("the cat sat", [1], "the cat cat sat"),
        ("the cat, sat", [1, 2], "the cat cat, sat sat"),
        ("今天天气很好", [1], "今天天气很很好"),
        ("用Python编程", [1], "用Python Python编程"),
        ("SIM卡", [0], "SIM卡SIM卡"),
    ],
)
def test_repeating(text: str, words: list[int], made: str) -> None:
    assert cut_words(text).repeating(words) == made


def test_replacing_keeps_latin_words_apart() -> None:
    cut = cut_words("用Python和Java")
    assert cut.replacing({2: "or"}) == "用Python or Java"
    assert cut.replacing({2: "与", 1: "语言"}) == "用语言与Java"
    assert cut.replacing({}) == "用Python和Java"


def test_span_takes_the_outer_punctuation_with_the_outermost_words() -> None:
    cut = cut_words("(The cat, sat.)")
    assert [cut.span(0, 2), cut.span(1, 2), cut.span(1, 3), cut.span(0, 3)] == [
        "(The cat",
        "cat",
        "cat, sat.)",
        "(The cat, sat.)",
    ]


@settings(deadline=None, max_examples=300)
@given(st.one_of(SENTENCES, MIXED), st.data())
def test_what_is_made_of_a_well_formed_text_is_well_formed(text: str, data: st.DataObject) -> None:
    text = re.sub(" +", " ", text).strip()
    cut = cut_words(text)
    if not cut.count:
        return
    chosen = data.draw(st.sets(st.integers(0, cut.count - 1), max_size=cut.count - 1))
    kept = [word for place, word in enumerate(words_of(text)) if place not in chosen]
    for made in (cut.without(chosen), cut.repeating(chosen), cut.span(0, 1), cut.span(cut.count // 2, cut.count)):
        assert made
        assert made == made.strip()
        assert "  " not in made
    letters = "".join(filter(str.isalnum, cut.without(chosen)))
    assert letters == "".join(filter(str.isalnum, "".join(kept)))


@settings(deadline=None)
@given(SENTENCES, st.data())
def test_english_words_stay_the_same_words(text: str, data: st.DataObject) -> None:
    cut, words = cut_words(text), words_of(text)
    chosen = data.draw(st.sets(st.integers(0, cut.count - 1), max_size=cut.count - 1))
    made = words_of(cut.repeating(chosen))
    assert made == [word for place, word in enumerate(words) for _ in range(1 + (place in chosen))]


def test_text_without_chinese_needs_no_jieba() -> None:
    code = (
        "import sys; sys.modules['jieba'] = None\n"
        "from juyi.augmentation import DeleteOne\n"
        "import numpy as np\n"
        "print(DeleteOne()(['the cat'], np.random.default_rng(1)))\n"
        "try: DeleteOne()(['猫在睡觉'], np.random.default_rng(1))\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", code], capture_output=True, text=True, encoding="utf-8", check=True
    )
    first, second = done.stdout.splitlines()
    assert first in ("['the']", "['cat']")
    assert second.startswith("MissingExtraError")
    assert "juyi[zh]" in second


def test_a_text_is_cut_once() -> None:
    assert cut_words("今天天气很好") is cut_words("今天天气很好")
    assert cut_words.cache_info().maxsize
