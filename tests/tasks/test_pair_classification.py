from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from juyi.data import ScoredPairs
from juyi.errors import UsageError
from juyi.metrics import Bootstrap, resample_counts
from juyi.tasks import PairClassification, Task
from juyi.types import Hits, Score

Percentiles = Callable[[Sequence[float], float, float], list[float]]

Vector = NDArray[np.float64]


class Given:
    """Compares texts that are their own similarity: '0.7' with anything has 0.7."""

    def pairs(self, first: Sequence[str], second: Sequence[str]) -> Vector:
        return np.array([float(text) for text in first])

    def nearest(self, queries: Sequence[str], corpus: Sequence[str], k: int) -> Hits:
        raise AssertionError


def pairs_of(similarities: Sequence[float], labels: Sequence[float]) -> ScoredPairs:
    return ScoredPairs(
        [f"{value}{' ' * place}" for place, value in enumerate(similarities)],
        [f"other {place}" for place in range(len(labels))],
        np.array(labels, dtype=np.float64),
    )


PAIRS = pairs_of([1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1], [1, 1, 0, 1, 1, 0, 1, 0, 0, 0])
# One threshold parts these without an error, midway between 0.65 and 0.77.
DEVELOPMENT = pairs_of([0.95, 0.77, 0.65, 0.05], [1, 1, 0, 0])


def by_metric(task: PairClassification) -> dict[str, Score]:
    return {score.metric: score for score in task.evaluate(Given())}


def test_figures_with_oracle_thresholds_by_hand() -> None:
    scores = by_metric(PairClassification("BQ", "dev", PAIRS, labels=("transductive",)))
    assert {metric: score.value for metric, score in scores.items()} == pytest.approx(
        {
            # The positives stand at ranks 1, 2, 4, 5 and 7.
            "average-precision": 100 * (1 / 1 + 2 / 2 + 3 / 4 + 4 / 5 + 5 / 7) / 5,
            # The first seven taken: 5 right, 2 wrong, 0 missed.
            "f1": 100 * 2 * 5 / (2 * 5 + 2 + 0),
            "f1-threshold": 0.35,
            # The first five taken: 4 right there, 4 of the others; the first seven are right 8 times too, but come later.
            "accuracy": 100 * (4 + 4) / 10,
            "accuracy-threshold": 0.55,
        }
    )
    for metric, score in scores.items():
        assert (score.task, score.split, score.count, score.subset) == ("BQ", "dev", 10, "")
        assert score.labels == (("transductive",) if metric == "average-precision" else ("transductive", "oracle-threshold"))
        assert (score.interval is None) == metric.endswith("threshold")


def test_figures_with_thresholds_from_development_pairs_by_hand() -> None:
    scores = by_metric(PairClassification("BQ", "test", PAIRS, DEVELOPMENT))
    assert {metric: score.value for metric, score in scores.items()} == pytest.approx(
        {
            "average-precision": 100 * (1 / 1 + 2 / 2 + 3 / 4 + 4 / 5 + 5 / 7) / 5,
            # The first three taken: 2 right, 1 wrong, 3 missed.
            "f1": 100 * 2 * 2 / (2 * 2 + 1 + 3),
            "f1-threshold": 0.71,
            "accuracy": 100 * (2 + 4) / 10,
            "accuracy-threshold": 0.71,
        }
    )
    assert {score.labels for metric, score in scores.items() if metric != "average-precision"} == {("dev-threshold",)}
    assert scores["average-precision"].labels == ()
    assert {score.count for score in scores.values()} == {10}


def slow_f1(similarities: Vector, labels: Vector, threshold: float) -> float:
    taken = similarities >= threshold
    return float(2 * (taken & (labels == 1)).sum() / (taken.sum() + (labels == 1).sum()))


def slow_accuracy(similarities: Vector, labels: Vector, threshold: float) -> float:
    return float(((similarities >= threshold) == (labels == 1)).mean())


@pytest.mark.parametrize("development", [None, DEVELOPMENT], ids=["oracle", "dev"])
def test_intervals_equal_the_slow_loop(development: ScoredPairs | None, percentiles: Percentiles) -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 60).astype(np.float64)
    similarities = np.round(labels / 3 + rng.normal(size=60) / 2, 1)
    task = PairClassification(
        "x", "test", pairs_of(similarities.tolist(), labels.tolist()), development, bootstrap=Bootstrap(0.8, 40, 2)
    )
    # An oracle chooses its threshold anew on each resample; one from development pairs stays.
    thresholds = [*sorted(set(similarities)), np.inf] if development is None else [0.71]
    figures: dict[str, Callable[[Vector, Vector], float]] = {
        "average-precision": lambda x, y: float(average_precision_score(y, x)),
        "f1": lambda x, y: max(slow_f1(x, y, threshold) for threshold in thresholds),
        "accuracy": lambda x, y: max(slow_accuracy(x, y, threshold) for threshold in thresholds),
    }
    scores = by_metric(task)
    for metric, figure in figures.items():
        drawn = [np.repeat(np.arange(60), counts) for counts in islice(resample_counts(task.units, seed=2, stream="x test"), 40)]
        wanted = percentiles([100 * figure(similarities[items], labels[items]) for items in drawn], 0.8, task.units.effective())
        interval = scores[metric].interval
        assert interval is not None
        np.testing.assert_allclose((interval.low, interval.high), wanted)
        assert scores[metric].value == pytest.approx(100 * figure(similarities, labels))


def test_pairs_that_share_a_sentence_are_one_unit() -> None:
    pairs = ScoredPairs(["甲", "乙", "丙", "丁", "戊"], ["己", "庚", "乙。", "辛", "丁"], np.array([0.0, 1, 0, 1, 0]))
    assert PairClassification("x", "test", pairs).units.of.tolist() == [0, 1, 1, 2, 2]


def test_the_texts_of_the_development_pairs_are_asked_for_too() -> None:
    assert set(PairClassification("x", "test", PAIRS).texts()) == {*PAIRS.first, *PAIRS.second}
    task = PairClassification("x", "test", PAIRS, DEVELOPMENT)
    assert set(task.texts()) == {*PAIRS.first, *DEVELOPMENT.first, *PAIRS.second}
    assert isinstance(task, Task)
    assert (len(task), str(task)) == (10, "x test")
    assert len(repr(task)) < 200


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([0, 1, 2, 1], "labels are 0, 1, 2;"),
        ([0, 0.5, 1, 1], r"labels are 0, 0\.5, 1;"),
        ([1, 1, 1, 1], "labels are 1;"),
        ([], "missing"),
    ],
)
def test_labels_other_than_0_and_1_are_refused(labels: list[float], words: str) -> None:
    broken = pairs_of([0.1, 0.2, 0.3, 0.4][: len(labels)], labels)
    with pytest.raises(
        UsageError, match=f"BQ test: the {words}.*pair classification needs 0 and 1, and both" if labels else words
    ):
        PairClassification("BQ", "test", broken)
    with pytest.raises(UsageError, match="BQ test, development pairs: the labels are"):
        PairClassification("BQ", "test", PAIRS, broken)
