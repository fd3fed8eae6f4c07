"""Meaning and wording together, against a loop over all texts."""

from __future__ import annotations

import numpy as np
import pytest

from juyi.baselines import LexicalOverlap
from juyi.embeddings import unit_rows
from juyi.errors import UsageError
from juyi.evaluation import FusedSimilarity
from juyi.tasks import Cosine

TEXTS = ["怎么还信用卡", "信用卡如何还款", "宽带断网了", "快递三天没动静了", "reset my password", "怎么还 信用卡", "信用卡"]
QUERIES = ["我要还信用卡", "网断了", "password"]
VECTORS = {text: np.random.default_rng(place).normal(size=16) for place, text in enumerate([*TEXTS, *QUERIES])}


def encode(texts: object) -> np.ndarray:
    return np.stack([VECTORS[text] for text in texts]).astype(np.float32)  # type: ignore[attr-defined]


@pytest.mark.parametrize("overlap", [0.0, 0.2, 0.7])
def test_it_is_the_weighted_sum_of_both(overlap: float) -> None:
    fused = FusedSimilarity(encode, overlap)
    expected = np.array([[value(query, text, overlap) for text in TEXTS] for query in QUERIES])
    found = fused.pairs([query for query in QUERIES for _ in TEXTS], TEXTS * len(QUERIES))
    np.testing.assert_allclose(found.reshape(expected.shape), expected, atol=1e-6)
    hits = fused.nearest(QUERIES, TEXTS, 4)
    for row, ids, scores in zip(expected, hits.ids, hits.scores, strict=True):
        assert ids.tolist() == np.argsort(-row, kind="stable")[:4].tolist()
        np.testing.assert_allclose(scores, row[ids], atol=1e-6)


def value(query: str, text: str, overlap: float) -> float:
    one, other = unit_rows(encode([query, text]), "vectors").astype(float)
    return float((1 - overlap) * (one @ other) + overlap * LexicalOverlap().pairs([query], [text])[0])


def test_without_weight_it_is_the_cosine() -> None:
    plain, fused = Cosine(encode), FusedSimilarity(encode, 0.0)
    np.testing.assert_array_equal(plain.nearest(QUERIES, TEXTS, 3).ids, fused.nearest(QUERIES, TEXTS, 3).ids)


def test_equal_texts_keep_their_order_and_missing_hits_are_padded() -> None:
    fused = FusedSimilarity(encode, 0.3)
    corpus = ["宽带断网了", "信用卡", "宽带断网了"]
    hits = fused.nearest(["宽带断网了"], corpus, 5)
    assert hits.ids.tolist() == [[0, 2, 1, -1, -1]]
    assert hits.scores[0, 0] == pytest.approx(1.0, abs=1e-6) and hits.scores[0, 3] == -np.inf


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = FusedSimilarity(encode, 0.4).nearest(QUERIES, TEXTS, 3)
    monkeypatch.setattr("juyi.evaluation.fused_similarity._SCORES_AT_ONCE", 1)
    parts = FusedSimilarity(encode, 0.4).nearest(QUERIES, TEXTS, 3)
    np.testing.assert_array_equal(whole.ids, parts.ids)


@pytest.mark.parametrize("overlap", [-0.1, 1.0, float("nan")])
def test_other_weights_are_refused(overlap: float) -> None:
    with pytest.raises(UsageError, match="weight of word overlap"):
        FusedSimilarity(encode, overlap)


def test_an_empty_corpus_is_refused() -> None:
    with pytest.raises(UsageError, match="corpus is empty"):
        FusedSimilarity(encode, 0.2).nearest(QUERIES, [], 3)
