"""Pairs of sentences without labels, and whether two encoders find the same ones alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from scipy.stats import spearmanr

from juyi.baselines import LexicalOverlap
from juyi.errors import DataError
from juyi.evaluation import SentencePairs
from juyi.types import Embeddings

TEXTS = ["怎么还信用卡", "信用卡怎么还", "花呗怎么还款", "花呗如何还款", "明天会下雨吗", "后天会下雨吗"]


def pairs() -> SentencePairs:
    return SentencePairs.drawn(TEXTS, np.random.default_rng(0))


def random_vectors(seed: int) -> Embeddings:
    return np.random.default_rng(seed).normal(size=(len(TEXTS), 8)).astype(np.float32)


def test_each_sentence_meets_its_neighbour_and_one_that_is_drawn() -> None:
    places = pairs().places
    assert places.shape == (2 * len(TEXTS), 2) and (places[:, 0] != places[:, 1]).all()
    np.testing.assert_array_equal(places[: len(TEXTS), 1], [1, 0, 3, 2, 5, 4])
    np.testing.assert_array_equal(places[:, 0], [*range(len(TEXTS))] * 2)
    overlaps = pairs().overlaps()
    first, second = TEXTS[places[3, 0]], TEXTS[places[3, 1]]
    assert overlaps[3] == pytest.approx(LexicalOverlap().pairs([first], [second])[0])


def test_a_sentence_that_says_the_same_twice_is_not_its_own_neighbour() -> None:
    doubled = SentencePairs.drawn(["还款", "还款。", "还款！", "天气"], np.random.default_rng(0))
    assert (doubled.places[:, 0] != doubled.places[:, 1]).all()


def test_agreement_is_the_rank_correlation_of_the_cosines() -> None:
    drawn = pairs()

    def first(texts: Sequence[str]) -> Embeddings:
        return random_vectors(1)

    def cosine(vectors: Embeddings) -> list[float]:
        rows = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return [float(rows[a] @ rows[b]) for a, b in drawn.places]

    others = drawn.cosines(lambda texts: random_vectors(2))
    wanted = spearmanr(cosine(random_vectors(1)), cosine(random_vectors(2))).statistic
    assert drawn.agreement(first, others) == pytest.approx(wanted)
    assert drawn.agreement(first, drawn.cosines(first)) == pytest.approx(1)
    assert drawn.agreement(lambda texts: 3 * random_vectors(1), drawn.cosines(first)) == pytest.approx(1)


def test_an_encoder_that_collapsed_agrees_with_nothing() -> None:
    collapsed = pairs().agreement(
        lambda texts: np.ones((len(TEXTS), 4), np.float32), pairs().cosines(lambda _: random_vectors(1))
    )
    assert collapsed is None


def test_one_sentence_is_no_pair() -> None:
    with pytest.raises(DataError, match="two sentences at least; there is 1"):
        SentencePairs.drawn(["甲"], np.random.default_rng(0))
