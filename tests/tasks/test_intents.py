from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from juyi.data import LabelledTexts
from juyi.errors import UsageError
from juyi.metrics import Bootstrap, Units, resample_counts
from juyi.tasks import Cosine
from juyi.tasks.intents import IntentRecall, check_intents, intent_ranks
from juyi.types import Embeddings

Percentiles = Callable[[Sequence[float], float, float], list[float]]


def encode(texts: Sequence[str]) -> Embeddings:
    """A fixed random direction for each text."""
    return np.stack([np.random.default_rng(list(text.encode())).normal(size=3) for text in texts]).astype(np.float32)


def example(kinds: int = 15) -> tuple[LabelledTexts, LabelledTexts]:
    """Intents of very different sizes: the hits of the largest crowd out the rest."""
    sizes = [120 if kind == 0 else 1 + kind % 4 for kind in range(kinds)]
    train = LabelledTexts([f"意图{kind}" for kind, size in enumerate(sizes) for _ in range(size)], [])
    train.texts.extend(f"例{place}" for place in range(sum(sizes)))
    test = LabelledTexts([f"意图{place % kinds}" for place in range(60)], [f"问{place}" for place in range(60)])
    return train, test


def slow_ranks(train: LabelledTexts, test: LabelledTexts) -> list[int]:
    """How many intents are nearer than the right one, from the full ranking."""
    examples = encode(train.texts).astype(np.float64)
    examples /= np.linalg.norm(examples, axis=1, keepdims=True)
    ranks = []
    for intent, text in zip(test.labels, test.texts, strict=True):
        cosines = examples @ encode([text])[0]
        nearest = {
            name: max(c for c, label in zip(cosines, train.labels, strict=True) if label == name) for name in set(train.labels)
        }
        ranks.append(sum(cosine > nearest[intent] for cosine in nearest.values()))
    return ranks


@pytest.mark.parametrize("hits", [1, 3, 50, 1000])
@pytest.mark.parametrize("kinds", [3, 15])
def test_ranks_equal_the_slow_loop(hits: int, kinds: int) -> None:
    train, test = example(kinds)
    wanted = np.minimum(slow_ranks(train, test), 10)
    assert kinds == 3 or (wanted == 10).any()
    np.testing.assert_array_equal(intent_ranks(Cosine(encode), train, test, asked=hits), wanted)


def test_figures_and_intervals_equal_the_slow_loop(percentiles: Percentiles) -> None:
    train, test = example()
    task = IntentRecall("SMP", "test", train, test, labels=("transductive",), bootstrap=Bootstrap(0.9, 50, 3))
    ranks = np.array(slow_ranks(train, test))
    scores = task.evaluate(encode)
    assert [score.metric for score in scores] == ["accuracy", "recall@3", "recall@5", "recall@10"]
    for score, k in zip(scores, (1, 3, 5, 10), strict=True):
        assert score.value == pytest.approx(100 * np.mean(ranks < k))
        assert (score.task, score.split, score.count, score.labels) == ("SMP", "test", 60, ("transductive",))
        # Four queries of each of fifteen intents, one intent after the other: an intent is drawn with all its queries.
        stream = resample_counts(Units.single(15), seed=3, stream="SMP test")
        drawn = [100 * np.mean(np.repeat(ranks, np.tile(next(stream), 4)) < k) for _ in range(50)]
        assert score.interval is not None
        np.testing.assert_allclose((score.interval.low, score.interval.high), percentiles(drawn, 0.9, 15))
        assert score.units == 15


def test_each_text_is_encoded_once_however_often_hits_are_asked_for() -> None:
    """Two intents of a thousand alike examples each: no fifty hits settle whether the third is near."""
    crowd = LabelledTexts(["a"] * 60 + ["b"] * 60 + ["c"], [f"{i}" for i in range(121)])
    queries = LabelledTexts(["c", "a"], ["q1", "q2"])
    task = IntentRecall("SMP", "test", crowd, queries)
    asked: list[str] = []

    def recording(texts: Sequence[str]) -> Embeddings:
        asked.extend(texts)
        return encode(texts)

    task.measure(recording)
    assert sorted(asked) == sorted(task.texts())
    assert len(task) == 2


def test_intents_without_an_example_are_named() -> None:
    train, test = LabelledTexts(["甲"], ["一"]), LabelledTexts(["甲", "丙", "乙"], ["二", "三", "四"])
    with pytest.raises(UsageError, match=r"SMP test: the training queries lack 2 intents.*'丙' for example"):
        IntentRecall("SMP", "test", train, test)
    with pytest.raises(UsageError, match="no test queries"):
        IntentRecall("SMP", "test", train, LabelledTexts([], []))
    check_intents("SMP", test, train)
