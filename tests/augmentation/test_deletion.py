"""Deleting words: how many, which, and what is left."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy import stats

from juyi.augmentation import DeleteOne, DeleteWords, cut_words
from juyi.errors import UsageError

TEN = "a b c d e f g h i j"


def is_subsequence(part: str, whole: str) -> bool:
    rest = iter(whole)
    return all(character in rest for character in part)


@pytest.mark.parametrize(("rate", "lost"), [(0.0, 0), (0.04, 1), (0.1, 1), (0.14, 1), (0.15, 2), (0.2, 2), (0.3, 3), (0.99, 9)])
def test_exactly_the_stated_count_is_deleted(rate: float, lost: int) -> None:
    for made in DeleteWords(rate=rate)([TEN] * 50, np.random.default_rng(0)):
        assert len(made.split()) == 10 - lost
        assert is_subsequence(made, TEN)


def test_deleted_words_are_drawn_evenly() -> None:
    kept = Counter("".join(DeleteWords(rate=0.3)([TEN] * 6000, np.random.default_rng(1))).replace(" ", ""))
    # Draws without replacement vary less: scaled by (10 - 1) / (10 - 3) the statistic is chi-square with 9 degrees of freedom.
    deleted = np.array([6000 - kept[word] for word in TEN.split()])
    statistic = ((deleted - 1800) ** 2 / 1800).sum() * 9 / 7
    assert stats.chi2.sf(statistic, 9) > 0.001


def test_one_word_is_deleted_each_equally_often() -> None:
    made = Counter(DeleteOne()(["a b c d e"] * 5000, np.random.default_rng(2)))
    assert set(made) == {"b c d e", "a c d e", "a b d e", "a b c e", "a b c d"}
    assert stats.chisquare(list(made.values())).pvalue > 0.001


@pytest.mark.parametrize("augmentation", [DeleteOne(), DeleteWords(), DeleteWords(rate=0.6)])
def test_sentences_lose_words_and_nothing_else(augmentation: DeleteOne | DeleteWords, sentences: list[str]) -> None:
    for text, made in zip(sentences, augmentation(sentences, np.random.default_rng(3)), strict=True):
        assert is_subsequence(made, text)
        assert made != text or cut_words(text).count == 1
        assert [c for c in made if c in "，。？！,.?!"] == [c for c in text if c in "，。？！,.?!"]


def test_one_word_stays() -> None:
    rng = np.random.default_rng(0)
    for augmentation in (DeleteOne(), DeleteWords(rate=0.99)):
        assert augmentation(["猫", "cat.", "(cat)"], rng) == ["猫", "cat.", "(cat)"]
        assert {*augmentation(["猫睡"] * 50, rng)} == {"猫", "睡"}
        assert augmentation([], rng) == []
    with pytest.raises(UsageError, match="delete-words"):
        DeleteWords(rate=-0.1)
