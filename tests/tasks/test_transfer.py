from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from juyi.baselines import LexicalOverlap
from juyi.data import LabelledPairs, LabelledTexts
from juyi.data.sets import TransferSet
from juyi.errors import UsageError
from juyi.metrics import Bootstrap
from juyi.tasks import Transfer
from juyi.tasks.linear_probe import Data, nested_cross_validation, search_by_folds, search_on_dev
from juyi.types import Embeddings


def encode(texts: Sequence[str]) -> Embeddings:
    """The number at the end of a text, and a fixed random direction of the text."""
    rows = [[float(text.split()[-1]), *np.random.default_rng(list(text.encode())).normal(size=2)] for text in texts]
    return np.array(rows, dtype=np.float32)


def texts(count: int, seed: int) -> LabelledTexts:
    """Sentences whose last number says the class, most of the time."""
    rng = np.random.default_rng(seed)
    labels = [str(label) for label in rng.integers(0, 2, count)]
    numbers = [float(label) + rng.normal(scale=0.6) for label in labels]
    return LabelledTexts(labels, [f"text {seed} {i} {number:.3f}" for i, number in enumerate(numbers)])


def pairs(count: int, seed: int) -> LabelledPairs:
    """Pairs whose last numbers are near each other where the label is 1, most of the time."""
    rng = np.random.default_rng(seed)
    labels = [str(label) for label in rng.integers(0, 2, count)]
    left = rng.normal(size=count)
    right = [number + 2 * (1 - int(label)) + rng.normal(scale=0.9) for number, label in zip(left, labels, strict=True)]
    first = [f"one {i} {number:.3f}" for i, number in enumerate(left)]
    second = [f"two {i} {number:.3f}" for i, number in enumerate(right)]
    return LabelledPairs(first, second, labels)


def data(part: LabelledTexts) -> Data:
    return Data(encode(part.texts), np.array(part.labels))


def test_a_set_without_splits_is_cross_validated() -> None:
    whole = texts(120, 0)
    task = Transfer.of(TransferSet("CR", {"all": whole}))
    (score,) = task.evaluate(encode)
    right = nested_cross_validation(data(whole), jobs=1).labels == np.array(whole.labels)
    assert (score.task, score.split, score.metric, score.count) == ("CR", "10-fold", "accuracy", 120)
    assert score.value == pytest.approx(100 * right.mean())
    assert score.interval is not None
    assert score.interval.low < score.value < score.interval.high
    assert (str(task), len(task)) == ("CR 10-fold", 120)


def test_a_development_split_chooses_and_only_the_test_split_is_scored() -> None:
    splits = {name: texts(count, seed) for name, count, seed in (("train", 80, 1), ("dev", 50, 2), ("test", 40, 3))}
    (score,) = Transfer.of(TransferSet("SST2", splits)).evaluate(encode)
    predicted = search_on_dev(data(splits["train"]), data(splits["dev"]), encode(splits["test"].texts)).labels
    assert (score.split, score.count) == ("test", 40)
    assert score.value == pytest.approx(100 * np.mean(predicted == np.array(splits["test"].labels)))


def test_pairs_have_the_features_of_the_paper_and_f1() -> None:
    splits = {"train": pairs(80, 1), "test": pairs(50, 2)}
    task = Transfer.of(TransferSet("MRPC", splits))
    accuracy, f1 = task.evaluate(encode)

    def features(part: LabelledPairs) -> Embeddings:
        sides = [list(zip(u, v, strict=True)) for u, v in zip(encode(part.first), encode(part.second), strict=True)]
        return np.array([[*(abs(a - b) for a, b in row), *(a * b for a, b in row)] for row in sides], dtype=np.float32)

    train = Data(features(splits["train"]), np.array(splits["train"].labels))
    predicted, gold = search_by_folds(train, features(splits["test"]), jobs=1).labels, splits["test"].labels
    assert accuracy.value == pytest.approx(100 * accuracy_score(gold, predicted))
    assert f1.value == pytest.approx(100 * f1_score(gold, predicted, pos_label="1"))
    assert (f1.metric, f1.count) == ("f1", 50)
    assert sorted(task.texts()) == sorted(text for part in splits.values() for text in (*part.first, *part.second))


def test_f1_is_bootstrapped_over_the_pairs() -> None:
    splits = {"train": pairs(80, 1), "test": pairs(50, 2)}
    task = Transfer("MRPC", "test", TransferSet("MRPC", splits), bootstrap=Bootstrap(resamples=50, seed=4), jobs=1)
    _, f1 = task.measure(encode)
    predicted, gold = task.classify(encode).labels, np.array(splits["test"].labels)
    rng = np.random.default_rng([4, *b"MRPC test"])
    draws = [rng.integers(0, 50, 50) for _ in range(50)]
    assert f1.replicates is not None
    np.testing.assert_allclose(f1.replicates, [100 * f1_score(gold[each], predicted[each], pos_label="1") for each in draws])


def test_what_has_no_vectors_is_refused() -> None:
    with pytest.raises(UsageError, match="LexicalOverlap compares texts and has no vectors"):
        Transfer.of(TransferSet("CR", {"all": texts(40, 0)})).evaluate(LexicalOverlap())


def test_splits_that_no_protocol_has_are_refused() -> None:
    with pytest.raises(UsageError, match="X test has the splits train; transfer needs 'all'"):
        Transfer.of(TransferSet("X", {"train": texts(20, 0)}))
    with pytest.raises(UsageError, match="no sentences to test"):
        Transfer.of(TransferSet("X", {"train": texts(20, 0), "test": LabelledTexts([], [])}))
    with pytest.raises(UsageError, match="pairs in some splits"):
        Transfer.of(TransferSet("X", {"train": texts(20, 0), "test": pairs(20, 0)}))
