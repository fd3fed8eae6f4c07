"""Crop: a stretch of words, anywhere."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy import stats

from juyi.augmentation import Crop, cut_words
from juyi.augmentation.drawing import share_of
from juyi.errors import UsageError


@pytest.mark.parametrize("rate", [0.1, 0.2, 0.3, 0.75])
def test_what_is_left_stands_in_the_text_and_has_the_right_length(rate: float, sentences: list[str]) -> None:
    for text, made in zip(sentences, Crop(rate=rate)(sentences, np.random.default_rng(1)), strict=True):
        count = cut_words(text).count
        assert made in text
        assert cut_words(made).count == count - min(share_of(rate, count), count - 1)


def test_every_place_is_equally_likely() -> None:
    text = "a b c d e f g h i j"
    made = Counter(Crop(rate=0.3)([text] * 8000, np.random.default_rng(2)))
    assert set(made) == {"a b c d e f g", "b c d e f g h", "c d e f g h i", "d e f g h i j"}
    assert stats.chisquare(list(made.values())).pvalue > 0.001


def test_edges() -> None:
    rng = np.random.default_rng(0)
    assert Crop(rate=0.9)(["猫", "cat"], rng) == ["猫", "cat"]
    assert Crop(rate=0.0)([" the  cat "], rng) == [" the  cat "]
    assert Crop()([], rng) == []
    with pytest.raises(UsageError, match="from 0 to below 1"):
        Crop(rate=1.0)
