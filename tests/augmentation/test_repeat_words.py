"""Word repetition as ESimCSE does it."""

from __future__ import annotations

from collections import Counter
from itertools import groupby

import numpy as np
import pytest
from scipy import stats

from juyi.augmentation import RepeatWords, cut_words
from juyi.errors import UsageError


def runs(text: str) -> list[tuple[str, int]]:
    return [(word, len(list(group))) for word, group in groupby(text.split())]


@pytest.mark.parametrize(("count", "most"), [(1, 1), (2, 2), (5, 2), (9, 2), (10, 3), (25, 8), (26, 8)])
def test_how_many_is_uniform_up_to_the_papers_limit(count: int, most: int) -> None:
    text = " ".join(f"w{number}" for number in range(count))
    made = RepeatWords()([text] * 9000, np.random.default_rng(4))
    repeated = Counter(len(each.split()) - count for each in made)
    assert set(repeated) == set(range(most + 1))
    assert stats.chisquare(list(repeated.values())).pvalue > 0.001


def test_each_drawn_word_stands_twice_in_a_row_and_nothing_else_changes() -> None:
    text = " ".join(f"w{number}" for number in range(20))
    chosen: Counter[str] = Counter()
    for made in RepeatWords()([text] * 5000, np.random.default_rng(5)):
        assert [word for word, _ in runs(made)] == text.split()
        assert {times for _, times in runs(made)} <= {1, 2}
        chosen.update(word for word, times in runs(made) if times == 2)
    counts = np.array([chosen[word] for word in text.split()])
    assert abs(counts - 5000 * 3 / 20).max() < 4 * np.sqrt(5000 * 3 / 20)  # 0 to 6 of 20, 3 on average


def test_chinese_words_are_repeated_whole(sentences: list[str]) -> None:
    for text, made in zip(sentences, RepeatWords(rate=1.0)(sentences, np.random.default_rng(6)), strict=True):
        cut = cut_words(text)
        extra = len("".join(made.split())) - len("".join(text.split()))
        words = sorted(len(cut[word]) for word in range(cut.count))
        assert 0 <= extra <= sum(words)
    assert {*RepeatWords()(["信用卡"] * 50, np.random.default_rng(0))} == {"信用卡", "信用卡信用卡"}


def test_rates() -> None:
    assert RepeatWords(rate=1.0).rate == 1.0
    with pytest.raises(UsageError, match="from 0 to 1,"):
        RepeatWords(rate=1.1)
