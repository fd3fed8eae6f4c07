"""Lexical overlap: cosines and BM25 against slow loops, ties, and what is counted in mixed texts."""

from __future__ import annotations

import math
import subprocess
import sys
import unicodedata
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from juyi.baselines import LexicalOverlap, gram_counts, grams
from juyi.errors import UsageError

CHINESE = list("怎么办卡卡")
MIXED = ["怎么", "办", "卡", "ab", "A", "b15", "，", "! ", " "]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def drawn(rng: np.random.Generator, pieces: Sequence[str], count: int, longest: int = 8) -> list[str]:
    return ["".join(rng.choice(list(pieces), rng.integers(0, longest + 1))) for _ in range(count)]


def bag(text: str) -> Counter[tuple[str, ...]]:
    """Units and pairs of neighbours, character by character, by the names that Unicode gives them."""
    units, word = [], ""
    for character in f"{unicodedata.normalize('NFKC', text).lower()} ":
        whole = unicodedata.name(character, "").startswith(("CJK UNIFIED", "HIRAGANA", "KATAKANA LETTER", "HANGUL"))
        if whole or not (character.isalnum() or character == "_"):
            units += [word] if word else []
            word = ""
            units += [character] if whole else []
        else:
            word += character
    return Counter([*((unit,) for unit in units), *pairwise(units)])


def parts(first: str, second: str) -> tuple[int, int]:
    """The product of the counts, and of the squared lengths."""
    a, b = bag(first), bag(second)
    squares = [sum(count * count for count in counts.values()) for counts in (a, b)]
    return sum(a[gram] * b[gram] for gram in a), math.prod(squares)


def slow_cosine(first: str, second: str) -> float:
    dot, squares = parts(first, second)
    return dot / math.sqrt(squares) if squares else 0.0


def slow_bm25(query: str, text: str, corpus: Sequence[str]) -> float:
    bags = [bag(each) for each in corpus]
    average = sum(each.total() for each in bags) / len(bags)
    own, terms = bag(text), []
    for gram, asked in bag(query).items():
        frequency = sum(gram in each for each in bags)
        idf = math.log(1 + (len(bags) - frequency + 0.5) / (frequency + 0.5))
        held_back = 1.2 * (1 - 0.75 + 0.75 * own.total() / average)
        terms.append(asked * idf * own[gram] * (1.2 + 1) / (own[gram] + held_back))
    return math.fsum(terms)


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("我的iPhone15坏了", ["我", "的", "iphone15", "坏", "了"]),
        ("信用卡，怎么 还款？", list("信用卡怎么还款")),
        ("Don't stop: Mini-Base!", ["don", "t", "stop", "mini", "base"]),
        ("ＷｉＦｉ　２.４Ｇ", ["wifi", "2", "4g"]),
        ("ｶﾞｽ代を払う", list("ガス代を払う")),
        ("서울 은행 ATM", [*"서울은행", "atm"]),
        ("ラーメン屋が人々に𠮷〇", list("ラーメン屋が人々に𠮷〇")),
        ("Čeština и русский", ["čeština", "и", "русский"]),
        ("，。！？ … 🙂", []),
        ("", []),
    ],
)
def test_units_are_characters_of_east_asia_and_words_of_the_rest(text: str, units: list[str]) -> None:
    assert grams(text) == [*units, *(f"{a} {b}" for a, b in pairwise(units))]


def test_grams_are_those_of_a_slow_loop(sentences: list[str], rng: np.random.Generator) -> None:
    for text in [*sentences, *drawn(rng, MIXED, 100)]:
        assert Counter(grams(text)) == Counter({" ".join(gram): count for gram, count in bag(text).items()})


def test_counts_are_those_of_a_slow_loop(sentences: list[str]) -> None:
    counts = gram_counts(sentences)
    assert counts.shape == (len(sentences), len({gram for text in sentences for gram in bag(text)}))
    for row, text in zip(counts.toarray(), sentences, strict=True):
        assert sorted(row[row > 0].tolist()) == sorted(bag(text).values())
    assert gram_counts([]).shape[0] == 0


@pytest.mark.parametrize("pieces", [CHINESE, ["ab ", "a ", "b, ", "BC ", "c!"], MIXED])
def test_cosines_are_those_of_a_slow_loop(rng: np.random.Generator, pieces: list[str]) -> None:
    first, second = drawn(rng, pieces, 60), drawn(rng, pieces, 60)
    expected = [slow_cosine(a, b) for a, b in zip(first, second, strict=True)]
    found = LexicalOverlap().pairs(first, second)
    assert (found.dtype, found.shape) == (np.float64, (60,))
    np.testing.assert_allclose(found, expected, atol=1e-11)
    assert len({round(value, 9) for value in expected}) > 20


def test_pairs_with_the_same_cosine_are_ties(rng: np.random.Generator) -> None:
    first, second = (drawn(rng, "怎么办", 400, longest=5) for _ in range(2))
    # Two fractions a / sqrt(b) are equal when their squares are.
    exact = {Fraction(dot * dot, max(squares, 1)) for dot, squares in map(parts, first, second)}
    assert len(set(LexicalOverlap().pairs(first, second).tolist())) == len(exact)


def test_equal_texts_are_ties_and_empty_ones_are_zero() -> None:
    overlap = LexicalOverlap()
    texts = ["信用卡怎么还款", "Mini Base", "一 二 三 三"]
    assert overlap.pairs(texts, ["信用卡 怎么还款", "mini-base", "一二三三"]).tolist() == [1.0, 1.0, 1.0]
    assert overlap.pairs(["?!", "a", ""], ["a", "?!", ""]).tolist() == [0.0, 0.0, 0.0]
    assert overlap.pairs([], []).shape == (0,)
    with pytest.raises(UsageError, match="2 first texts and 1 second"):
        overlap.pairs(["a", "b"], ["a"])


def test_many_queries_are_ranked_as_each_alone(rng: np.random.Generator) -> None:
    """More scores than are held at once, so that queries come in blocks."""
    texts = drawn(rng, CHINESE, 2200, longest=6)
    together = LexicalOverlap().nearest(texts, texts, 3)
    for place in (0, 1, *range(1890, 1920), 2199):
        alone = LexicalOverlap().nearest([texts[place]], texts, 3)
        assert together.ids[place].tolist() == alone.ids[0].tolist()
        assert together.scores[place].tolist() == alone.scores[0].tolist()


@pytest.mark.parametrize("pieces", [CHINESE, MIXED])
def test_bm25_is_that_of_a_slow_loop(rng: np.random.Generator, pieces: list[str]) -> None:
    corpus, queries = drawn(rng, pieces, 40, longest=12), [*drawn(rng, pieces, 12), "別語 zzz"]
    hits = LexicalOverlap().nearest(queries, corpus, 7)
    assert (hits.ids.dtype, hits.scores.dtype, hits.ids.shape) == (np.int64, np.float32, (13, 7))
    for query, ids, scores in zip(queries, hits.ids, hits.scores, strict=True):
        exact = [slow_bm25(query, text, corpus) for text in corpus]
        best = sorted(range(len(corpus)), key=lambda place: (-np.float32(exact[place]), place))[:7]
        assert ids.tolist() == best
        np.testing.assert_allclose(scores, [exact[place] for place in best], rtol=1e-6)
    assert hits.ids[-1].tolist() == list(range(7))
    assert hits.scores[-1].tolist() == [0.0] * 7


def test_equal_scores_put_the_smaller_id_first(rng: np.random.Generator) -> None:
    # Each of the first forty texts holds one word of each kind, and words of a kind are equally rare: their scores are equal, but
    # the terms come in another order, and sums of floats depend on it.
    tied = [" ".join(rng.permutation([f"{kind}{number}" for kind in "abcde"])) for number in range(40)]
    others = [f"{kind}{number} in a longer text" for number in range(40) for kind in "bccddddeeeeeeee"]
    query = " ".join(f"{kind}{number}" for kind in "abcde" for number in range(40))
    hits = LexicalOverlap().nearest([query], [*tied, *others], 40)
    assert hits.ids.tolist() == [list(range(40))]
    assert len(set(hits.scores[0].tolist())) == 1


def test_a_score_depends_on_nothing_but_query_and_corpus(rng: np.random.Generator) -> None:
    corpus, queries = drawn(rng, MIXED, 50), drawn(rng, MIXED, 9)
    overlap = LexicalOverlap()
    together = overlap.nearest(queries, corpus, 5)
    for place, query in enumerate(queries):
        alone = overlap.nearest([query], corpus, 5)
        np.testing.assert_array_equal(alone.ids[0], together.ids[place])
        np.testing.assert_array_equal(alone.scores[0], together.scores[place])


def test_what_is_not_there_is_padded() -> None:
    overlap = LexicalOverlap()
    hits = overlap.nearest(["还款", "?"], ["办卡", "还款"], 3)
    assert hits.ids.tolist() == [[1, 0, -1], [0, 1, -1]]
    assert hits.scores[0, 0] > 0
    assert hits.scores[:, 1:].tolist() == [[0, -np.inf], [0, -np.inf]]
    assert overlap.nearest(["还款"], [], 2).ids.tolist() == [[-1, -1]]
    assert overlap.nearest(["还款"], ["?", ""], 1).ids.tolist() == [[0]]
    assert overlap.nearest([], ["还款"], 2).ids.shape == (0, 2)
    with pytest.raises(UsageError, match="k is 0"):
        overlap.nearest(["还款"], ["办卡"], 0)


def test_the_baselines_need_no_torch() -> None:
    code = "from juyi.baselines import *; import sys; print({'torch', 'transformers', 'jieba', 'juyi.encoder'} & {*sys.modules})"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
