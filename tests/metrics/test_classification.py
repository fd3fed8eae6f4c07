from __future__ import annotations

import math
from collections.abc import Callable
from itertools import islice
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from juyi.errors import UsageError
from juyi.metrics import Units, resample_counts
from juyi.metrics.classification import BinaryRanking

Example = tuple[NDArray[np.float64], NDArray[np.int64]]

FIGURES: dict[str, Callable[..., Any]] = {
    "average_precision": BinaryRanking.average_precision,
    "auroc": BinaryRanking.auroc,
    "best_f1": BinaryRanking.best_f1,
    "best_accuracy": BinaryRanking.best_accuracy,
    "f1": lambda ranking, counts=None: ranking.f1(0.25, counts),
    "accuracy": lambda ranking, counts=None: ranking.accuracy(0.25, counts),
    "false_positive_rate": lambda ranking, counts=None: ranking.false_positive_rate(0.8, counts),
}


def example(size: int = 200, seed: int = 0, decimals: int | None = None) -> Example:
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(size) % 3 == 0).astype(np.int64)
    scores = labels + rng.normal(size=size)
    return (scores if decimals is None else np.round(scores, decimals)), labels


def columns(rows: list[tuple[int, int]]) -> Example:
    scores, labels = zip(*rows, strict=True)
    return np.array(scores) / 4, np.array(labels)


small = (
    st.lists(st.tuples(st.integers(-4, 4), st.integers(0, 1)), min_size=2, max_size=25)
    .filter(lambda rows: len({label for _, label in rows}) == 2)
    .map(columns)
)


def counted(scores: NDArray[np.float64], labels: NDArray[np.int64], threshold: float) -> tuple[int, int, int, int]:
    """True and false positives, false and true negatives."""
    answers = [(score >= threshold, label == 1) for score, label in zip(scores, labels, strict=True)]
    return tuple(answers.count(cell) for cell in [(True, True), (True, False), (False, True), (False, False)])  # type: ignore[return-value]


def slow_f1(scores: NDArray[np.float64], labels: NDArray[np.int64], threshold: float) -> float:
    hits, alarms, misses, _ = counted(scores, labels, threshold)
    return 2 * hits / (2 * hits + alarms + misses)


def slow_accuracy(scores: NDArray[np.float64], labels: NDArray[np.int64], threshold: float) -> float:
    hits, _, _, passes = counted(scores, labels, threshold)
    return (hits + passes) / len(scores)


@pytest.mark.parametrize("decimals", [None, 1, 0])
@pytest.mark.parametrize("seed", range(4))
def test_areas_equal_sklearn(decimals: int | None, seed: int) -> None:
    oracle = pytest.importorskip("sklearn.metrics")
    scores, labels = example(seed=seed, decimals=decimals)
    ranking = BinaryRanking(scores, labels)
    assert ranking.average_precision() == pytest.approx(oracle.average_precision_score(labels, scores), abs=1e-12)
    assert ranking.auroc() == pytest.approx(oracle.roc_auc_score(labels, scores), abs=1e-12)
    for counts in islice(resample_counts(Units.single(len(scores)), seed=seed), 20):
        wanted = oracle.average_precision_score(labels, scores, sample_weight=counts)
        assert ranking.average_precision(counts) == pytest.approx(wanted, abs=1e-12)
        assert ranking.auroc(counts) == pytest.approx(oracle.roc_auc_score(labels, scores, sample_weight=counts), abs=1e-12)


@settings(deadline=None)
@given(small)
def test_auroc_is_the_share_of_well_ordered_pairs(rows: Example) -> None:
    scores, labels = rows
    pairs = [float(np.sign(p - n) + 1) / 2 for p in scores[labels == 1] for n in scores[labels == 0]]
    assert BinaryRanking(scores, labels).auroc() == pytest.approx(np.mean(pairs), abs=1e-12)


@settings(deadline=None)
@given(small)
def test_best_thresholds_equal_the_slow_loop(rows: Example) -> None:
    scores, labels = rows
    ranking = BinaryRanking(scores, labels)
    for best, slow in ((ranking.best_f1(), slow_f1), (ranking.best_accuracy(), slow_accuracy)):
        figure, threshold = best
        tried = {score: slow(scores, labels, score) for score in scores} | {math.inf: slow(scores, labels, math.inf)}
        assert figure == pytest.approx(max(tried.values()), abs=1e-12)
        assert slow(scores, labels, threshold) == pytest.approx(figure, abs=1e-12)
        good = [score for score, value in tried.items() if value >= figure - 1e-12]
        deciding = max((score for score in good if score < math.inf), default=math.inf)
        lower = max(scores[scores < deciding], default=None)
        above_all = math.nextafter(max(scores), math.inf)
        expected = deciding if lower is None else (deciding + lower) / 2
        assert threshold == (above_all if math.isinf(deciding) else expected)


@settings(deadline=None)
@given(small, st.sampled_from([-math.inf, -1.1, -0.5, 0.0, 0.25, 0.3, 1.0, 1.1, math.inf]))
def test_figures_at_a_threshold_equal_the_slow_loop(rows: Example, threshold: float) -> None:
    scores, labels = rows
    ranking = BinaryRanking(scores, labels)
    assert ranking.f1(threshold) == pytest.approx(slow_f1(scores, labels, threshold), abs=1e-12)
    assert ranking.accuracy(threshold) == pytest.approx(slow_accuracy(scores, labels, threshold), abs=1e-12)


@settings(deadline=None)
@given(small, st.sampled_from([0.05, 0.07, 0.5, 0.8, 0.95, 1.0]))
def test_false_positive_rate_equals_the_slow_loop(rows: Example, recall: float) -> None:
    scores, labels = rows
    rates = []
    for threshold in sorted(set(scores), reverse=True):
        hits, alarms, misses, passes = counted(scores, labels, threshold)
        if hits / (hits + misses) >= recall:
            rates.append(alarms / (alarms + passes))
    assert BinaryRanking(scores, labels).false_positive_rate(recall) == rates[0]


def test_a_recall_that_is_reached_exactly_counts_as_reached() -> None:
    # 0.07 * 100 is more than 7 in floating point.
    ranking = BinaryRanking(np.arange(101, 0, -1), [1] * 7 + [0] + [1] * 93)
    assert ranking.false_positive_rate(0.07) == 0


@pytest.mark.parametrize("name", FIGURES)
@settings(deadline=None)
@given(rows=small, seed=st.integers(0, 5))
def test_a_resample_equals_its_items_written_out(name: str, rows: Example, seed: int) -> None:
    scores, labels = rows
    counts = next(resample_counts(Units.single(len(scores)), seed=seed))
    got = FIGURES[name](BinaryRanking(scores, labels), counts)
    drawn = np.repeat(np.arange(len(scores)), counts)
    if len(set(labels[drawn])) < 2:
        assert np.isnan(got).all()
    else:
        assert got == pytest.approx(FIGURES[name](BinaryRanking(scores[drawn], labels[drawn])), abs=1e-12)
        np.testing.assert_array_equal(FIGURES[name](BinaryRanking(scores, labels), counts.astype(np.float64)), got)


@pytest.mark.parametrize("name", FIGURES)
def test_no_counts_means_every_item_once_and_one_class_no_figure(name: str) -> None:
    scores, labels = example(decimals=1)
    ranking = BinaryRanking(scores, labels)
    assert FIGURES[name](ranking) == FIGURES[name](ranking, np.ones(len(scores), dtype=np.int64))
    for empty in (labels, 1 - labels, 0 * labels):
        assert np.isnan(FIGURES[name](ranking, empty)).all()
    with pytest.raises(UsageError, match=r"counts has the shape \(3,\); \(200,\)"):
        FIGURES[name](ranking, np.ones(3))


def test_a_perfect_order() -> None:
    ranking = BinaryRanking([0.9, 0.8, 0.2, 0.1], [True, True, False, False])
    assert (ranking.average_precision(), ranking.auroc(), ranking.false_positive_rate()) == (1, 1, 0)
    assert ranking.best_f1() == (1, 0.5)
    assert ranking.best_accuracy() == (1, 0.5)


def test_thresholds_at_both_ends() -> None:
    assert BinaryRanking([3, 2, 1], [0, 0, 1]).best_f1() == (0.5, 1)
    assert BinaryRanking([3, 2, 1], [0, 0, 1]).best_accuracy() == (2 / 3, math.nextafter(3.0, math.inf))
    # Accepting both is as good as accepting nothing: a threshold among the scores is the better answer.
    assert BinaryRanking([2, 1], [0, 1]).best_accuracy() == (0.5, 1)


@pytest.mark.parametrize(("low", "high"), [(0.0, 5e-324), (1.0, math.nextafter(1, 2)), (-1e308, 1.7e308)])
def test_the_threshold_parts_neighbouring_floats(low: float, high: float) -> None:
    ranking = BinaryRanking([low, high], [0, 1])
    figure, threshold = ranking.best_f1()
    assert figure == 1
    assert low < threshold <= high
    assert ranking.f1(threshold) == ranking.accuracy(threshold) == 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.bool_])
def test_labels_of_any_numeric_type_and_inputs_stay_as_they_are(dtype: type) -> None:
    scores, labels = example()
    given = labels.astype(dtype)
    before = scores.copy(), given.copy()
    assert BinaryRanking(scores, given).auroc() == BinaryRanking(scores, labels).auroc()
    np.testing.assert_array_equal(scores, before[0])
    np.testing.assert_array_equal(given, before[1])


@pytest.mark.parametrize(
    ("scores", "labels", "words"),
    [
        ([1, 2, 3], [0, 1], "3 scores for 2 labels"),
        ([1, math.nan], [0, 1], "scores has 1 values that are NaN.*position 1"),
        ([1, 2], [0, math.nan], "labels has 1 values that are NaN"),
        ([1, 2, 3], [0, 1, 2], "labels has 2 at position 2; 0 and 1 are allowed"),
        ([1, 2], [-1, 1], "labels has -1 at position 0"),
        ([1, 2], [1, 1], "2 ones and 0 zeros"),
        ([1, 2], [0, 0], "0 ones and 2 zeros"),
        ([], [], "0 ones and 0 zeros"),
        ([[1, 2]], [0, 1], r"scores has the shape \(1, 2\)"),
        ([1, 2], ["a", "b"], "real numbers"),
    ],
)
def test_unusable_items_are_refused(scores: Any, labels: Any, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        BinaryRanking(scores, labels)


def test_unusable_options_are_refused() -> None:
    ranking = BinaryRanking([1, 2], [0, 1])
    for recall in (0, -0.5, 1.01, math.nan):
        with pytest.raises(UsageError, match="recall is"):
            ranking.false_positive_rate(recall)
    for figure in (ranking.f1, ranking.accuracy):
        with pytest.raises(UsageError, match="threshold is NaN"):
            figure(math.nan)
