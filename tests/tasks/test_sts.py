from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from scipy import stats

from juyi.data import ScoredPairs
from juyi.errors import UsageError
from juyi.metrics import spearman_interval
from juyi.tasks import STS, Task
from juyi.types import Embeddings


def encode(texts: Sequence[str]) -> Embeddings:
    """A fixed random direction for each text."""
    return np.stack([np.random.default_rng(list(text.encode())).normal(size=5) for text in texts]).astype(np.float32)


def example(count: int = 80) -> ScoredPairs:
    rng = np.random.default_rng(0)
    first = [f"句{i}" for i in rng.integers(0, 40, count)]
    second = [f"句{i}" for i in rng.integers(0, 40, count)]
    return ScoredPairs(first, second, rng.integers(0, 6, count).astype(np.float64))


def slow_similarities(pairs: ScoredPairs) -> list[float]:
    rows = [(encode([a])[0].astype(float), encode([b])[0].astype(float)) for a, b in zip(pairs.first, pairs.second, strict=True)]
    return [x @ y / (np.linalg.norm(x) * np.linalg.norm(y)) for x, y in rows]


def test_score_is_spearman_of_cosine_and_gold() -> None:
    pairs = example()
    task = STS("STS-B", "dev", pairs, labels=("translated",), resamples=50, seed=3, level=0.9)
    (score,) = task.evaluate(encode)
    wanted = stats.spearmanr(slow_similarities(pairs), pairs.scores).statistic
    assert score.value == pytest.approx(100 * wanted, abs=1e-9)
    assert (score.task, score.split, score.metric, score.count, score.subset) == ("STS-B", "dev", "spearman", 80, "")
    assert score.labels == ("translated",)
    interval = spearman_interval(task.similarities(encode), pairs.scores, level=0.9, resamples=50, seed=3)
    assert score.interval is not None
    assert (score.interval.low, score.interval.high) == pytest.approx((100 * interval.low, 100 * interval.high))
    assert score.interval.level == 0.9


def test_similarities_keep_the_order_of_the_pairs_and_encode_each_sentence_once() -> None:
    pairs = example()
    asked: list[str] = []

    def recording(texts: Sequence[str]) -> Embeddings:
        asked.extend(texts)
        return encode(texts)

    got = STS("x", "dev", pairs).similarities(recording)
    np.testing.assert_allclose(got, slow_similarities(pairs), atol=1e-6)
    assert len(asked) == len(set(asked))
    assert set(asked) == {*pairs.first, *pairs.second}


def test_pairs_of_equal_sentences_are_ties() -> None:
    pairs = ScoredPairs(["甲", "乙", "丙", "甲"], ["甲", "乙", "丙", "乙"], np.array([5.0, 4, 5, 0]))
    assert STS("x", "dev", pairs).similarities(encode)[:3].tolist() == [1.0, 1.0, 1.0]


def test_difference_is_in_points_and_signed() -> None:
    pairs = example()
    task = STS("x", "dev", pairs, resamples=100)
    good = pairs.scores + np.random.default_rng(1).normal(size=80)
    fair = task.similarities(encode)
    difference = task.difference(good, fair)
    assert difference.value == pytest.approx(task.score(good).value - task.score(fair).value)
    assert difference.interval.low < difference.value < difference.interval.high
    assert difference.interval.excludes(0)
    assert task.difference(fair, good).value == -difference.value


def test_a_collapsed_encoder_has_no_score() -> None:
    with pytest.raises(UsageError, match="x is constant"):
        STS("x", "dev", example()).evaluate(lambda texts: np.ones((len(texts), 3), dtype=np.float32))
    with pytest.raises(UsageError, match="NaN"):
        STS("x", "dev", example()).evaluate(lambda texts: np.full((len(texts), 3), np.nan, dtype=np.float32))
    with pytest.raises(UsageError, match=r"gave an array of the shape \(1, 3\)"):
        STS("x", "dev", example()).evaluate(lambda texts: np.ones((1, 3), dtype=np.float32))


def test_pairs_that_cannot_be_scored_are_refused() -> None:
    with pytest.raises(UsageError, match="BQ dev has 1 pairs"):
        STS("BQ", "dev", ScoredPairs(["a"], ["b"], np.ones(1)))
    with pytest.raises(UsageError, match="BQ dev has 2 first sentences, 1 second ones and 2 scores"):
        STS("BQ", "dev", ScoredPairs(["a", "b"], ["b"], np.ones(2)))


def test_it_is_a_task_and_prints_short() -> None:
    task = STS("BQ", "dev", example())
    assert isinstance(task, Task)
    assert (str(task), len(task)) == ("BQ dev", 80)
    assert len(repr(task)) < 200
