from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from juyi.data import LabelledTexts
from juyi.data.sets.clinc import read_clinc
from juyi.errors import UsageError
from juyi.metrics import Bootstrap
from juyi.tasks.out_of_scope import OutOfScope, held_out
from juyi.types import Embeddings

Percentiles = Callable[[Sequence[float], float, float], list[float]]

INSIDE, OUTSIDE = 60, 40


def encode(texts: Sequence[str]) -> Embeddings:
    """A direction for each intent, with noise for each text; texts of no intent are all noise."""
    rows = []
    for text in texts:
        rng = np.random.default_rng(list(text.encode()))
        intent = np.eye(6)[int(text[0])] if text[0].isdecimal() else np.zeros(6)
        rows.append(intent + 0.3 * rng.normal(size=6))
    return np.stack(rows).astype(np.float32)


def queries(word: str, count: int) -> LabelledTexts:
    return LabelledTexts([f"意图{place % 6}" for place in range(count)], [f"{place % 6}{word}{place}" for place in range(count)])


def example(validation: LabelledTexts | None, rate: float = 0.1) -> OutOfScope:
    outside = [f"外{place}" for place in range(OUTSIDE)]
    train, test = queries("例", 30), queries("问", INSIDE)
    options: dict[str, Any] = {"labels": ("translated",), "bootstrap": Bootstrap(0.9, 40, 3)}
    return OutOfScope("CLINC150", "test", train, test, outside, validation, rate, **options)


def nearest(task: OutOfScope, texts: Sequence[str]) -> tuple[NDArray[np.float32], list[str]]:
    """The best similarity of each text, and the intent of that example."""
    examples = encode(task.train.texts).astype(np.float64)
    examples /= np.linalg.norm(examples, axis=1, keepdims=True)
    rows = encode(texts).astype(np.float64)
    cosines = rows / np.linalg.norm(rows, axis=1, keepdims=True) @ examples.T
    return cosines.max(axis=1).astype(np.float32), [task.train.labels[place] for place in cosines.argmax(axis=1)]


def slow_threshold(scores: NDArray[np.float32], rate: float) -> float:
    return float(max(score for score in scores if np.mean(scores < score) <= rate))


def draws() -> Iterator[NDArray[np.intp]]:
    """The places of all test queries, and then of the resamples: six intents with all their queries, and as many outside."""
    yield np.arange(INSIDE + OUTSIDE)
    rng = np.random.default_rng([3, *b"CLINC150 test"])
    for _ in range(40):
        intents = rng.integers(0, 6, 6)
        inside = [place for intent in intents for place in range(intent, INSIDE, 6)]
        yield np.concatenate([inside, INSIDE + rng.integers(0, OUTSIDE, OUTSIDE)]).astype(np.intp)


def slow_figures(task: OutOfScope) -> dict[str, list[float]]:
    """Each figure on all test queries and on each resample."""
    oracle = pytest.importorskip("sklearn.metrics")
    scores, found = nearest(task, [*task.test.texts, *task.outside_test])
    right = np.array([*map(str.__eq__, found[:INSIDE], task.test.labels), *[False] * OUTSIDE])
    names = ("auroc", "aupr-in", "aupr-out", "fpr@95", "in-scope accuracy", "out-of-scope recall")
    figures: dict[str, list[float]] = {name: [] for name in names}
    for drawn in draws():
        inside, score = drawn < INSIDE, scores[drawn]
        at = slow_threshold(
            score[inside] if task.validation is None else nearest(task, task.validation.texts)[0], task.rejection_rate
        )
        recall_95 = max(value for value in score if np.mean(score[inside] >= value) >= 0.95)
        figures["auroc"].append(oracle.roc_auc_score(inside, score))
        figures["aupr-in"].append(oracle.average_precision_score(inside, score))
        figures["aupr-out"].append(oracle.average_precision_score(~inside, -score))
        figures["fpr@95"].append(np.mean(score[~inside] >= recall_95))
        figures["in-scope accuracy"].append(np.mean(right[drawn][inside] & (score[inside] >= at)))
        figures["out-of-scope recall"].append(np.mean(score[~inside] < at))
    return figures


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.3])
@pytest.mark.parametrize("validated", [False, True])
def test_figures_and_intervals_equal_the_slow_loop(validated: bool, rate: float, percentiles: Percentiles) -> None:
    task = example(queries("验", 50) if validated else None, rate)
    *scores, threshold = task.evaluate(encode)
    wanted = slow_figures(task)
    assert [score.metric for score in scores] == list(wanted)
    label = "dev-threshold" if validated else "oracle-threshold"
    for score in scores:
        value, *resampled = wanted[score.metric]
        assert score.value == pytest.approx(100 * value, abs=1e-9)
        assert score.interval is not None
        # Of both classes Welch's number, each with its own; six intents inside, forty queries outside.
        both = 1 + (1 / 6 + 1 / 40) ** 2 / (1 / 6**2 / 5 + 1 / 40**2 / 39)
        units = {"in-scope accuracy": 6, "out-of-scope recall": OUTSIDE}.get(score.metric, both)
        low, high = percentiles([100 * figure for figure in resampled], 0.9, units)
        assert score.units == (6 + OUTSIDE if units == both else units)
        assert (score.interval.low, score.interval.high, score.interval.level) == pytest.approx((low, high, 0.9), abs=1e-9)
        at_threshold = score.metric in ("in-scope accuracy", "out-of-scope recall")
        assert score.labels == (("translated", label) if at_threshold else ("translated",))
        assert score.count == {"in-scope accuracy": INSIDE, "out-of-scope recall": OUTSIDE}.get(score.metric, INSIDE + OUTSIDE)
    known = task.test if task.validation is None else task.validation
    assert threshold.value == pytest.approx(slow_threshold(nearest(task, known.texts)[0], rate), abs=1e-6)
    assert (threshold.metric, threshold.labels, threshold.interval) == ("threshold", ("translated", label), None)
    assert threshold.count == len(known)


def test_a_rejected_query_is_no_right_answer() -> None:
    accuracies = [example(None, rate).evaluate(encode)[4].value for rate in (0.0, 0.5)]
    assert accuracies[1] <= 50 < accuracies[0]


def test_two_encoders_are_compared_on_the_same_resamples() -> None:
    task = example(None)
    for first, second in zip(task.measure(encode), task.measure(lambda texts: 2 * encode(texts)), strict=True):
        difference = first.difference(second)
        if first.score.metric == "threshold":
            assert difference is None
        else:
            assert difference is not None
            assert (difference.value, difference.interval.low, difference.interval.high) == pytest.approx((0, 0, 0))


def test_intents_are_units_and_so_are_repeats_outside_or_the_intents_that_were_held_out() -> None:
    train, test = queries("例", 6), queries("问", 8)
    outside = ["外一", "外二", "外 一！", "外三"]
    assert OutOfScope("x", "test", train, test, outside).units.of.tolist() == [0, 1, 2, 3, 4, 5, 0, 1, 6, 7, 6, 8]
    held = OutOfScope("x", "test", train, test, outside, outside_intents=["甲", "乙", "乙", "意图0"])
    assert (held.units.of.tolist(), held.units.classes) == ([0, 1, 2, 3, 4, 5, 0, 1, 6, 7, 7, 8], (6, 3))


def test_every_text_is_named_beforehand() -> None:
    task = example(queries("验", 50))
    asked: list[str] = []

    def recording(texts: Sequence[str]) -> Embeddings:
        asked.extend(texts)
        return encode(texts)

    task.measure(recording)
    assert sorted(asked) == sorted(task.texts())
    assert len(task) == INSIDE + OUTSIDE


def test_incomplete_problems_are_refused() -> None:
    some, none = queries("例", 6), LabelledTexts([], [])
    strange = LabelledTexts(["别的"], ["甲"])
    for parts, words in (
        ((none, some, ["外"]), "no training queries"),
        ((some, none, ["外"]), "no in-scope test queries"),
        ((some, some, []), "no out-of-scope test queries"),
        ((some, some, ["外"], none), "no validation queries"),
        ((some, strange, ["外"]), "the training queries lack 1 intents.*'别的'"),
        ((some, some, ["外"], strange), "the training queries lack 1 intents.*'别的'"),
        ((some, some, ["外"], None, 1.0), "rejection_rate is 1.0"),
        ((some, some, ["外"], None, -0.1), "rejection_rate is -0.1"),
        ((some, some, ["外"], None, 0.1, ["甲", "乙"]), "2 intents for 1 out-of-scope queries"),
    ):
        with pytest.raises(UsageError, match=words):
            OutOfScope("x", "test", *parts)  # type: ignore[arg-type]


def test_held_out_intents_lie_outside_and_the_rest_is_dealt_out() -> None:
    texts = LabelledTexts([f"意图{place % 8}" for place in range(203)], [f"问{place}" for place in range(203)])
    parts = held_out(texts, 0.25, seed=1)
    assert len(set(parts.outside.labels)) == 2
    for part in (parts.train, parts.validation, parts.test):
        assert set(part.labels) == set(texts.labels) - set(parts.outside.labels)
    rows = [
        row
        for part in (parts.train, parts.validation, parts.test, parts.outside)
        for row in zip(part.labels, part.texts, strict=True)
    ]
    assert sorted(rows) == sorted(zip(texts.labels, texts.texts, strict=True))
    # 25 or 26 queries an intent: 15 or 16 train, 5 test, 5 validate.
    assert {parts.test.labels.count(intent) for intent in set(parts.test.labels)} == {5}
    assert {parts.validation.labels.count(intent) for intent in set(parts.test.labels)} == {5}
    OutOfScope("SMP", "test", parts.train, parts.test, parts.outside.texts, parts.validation)


def test_held_out_depends_on_the_seed_alone() -> None:
    texts = queries("问", 60)
    assert held_out(texts, seed=4) == held_out(texts, seed=4)
    assert held_out(texts, seed=4) != held_out(texts, seed=5)
    assert len({frozenset(held_out(texts, seed=seed).outside.labels) for seed in range(20)}) > 5


def test_small_intents_train_first_and_repeats_count_once() -> None:
    sizes = {"一": 1, "二": 2, "三": 3, "四": 4}
    labels = [intent for intent, size in sizes.items() for _ in range(size)]
    texts = [f"{intent}{place}" for intent, size in sizes.items() for place in range(size)]
    # With one intent held out in turn, the others are always dealt alike.
    for seed in range(10):
        parts = held_out(LabelledTexts(labels + labels, texts + texts), seed=seed)
        for intent in sorted(set(labels) - set(parts.outside.labels)):
            counts = tuple(part.labels.count(intent) for part in (parts.train, parts.test, parts.validation))
            assert counts == {"一": (1, 0, 0), "二": (1, 1, 0), "三": (2, 1, 0), "四": (2, 1, 1)}[intent]


@pytest.mark.parametrize("share", [0.0, 1.0, -0.5, 0.9])
def test_shares_that_leave_nothing_are_refused(share: float) -> None:
    with pytest.raises(UsageError, match=f"share is {share} of 4 intents"):
        held_out(LabelledTexts(list("甲乙丙丁"), list("一二三四")), share)


@pytest.mark.shared
def test_clinc_is_an_out_of_scope_problem(shared_data: Path) -> None:
    splits = read_clinc(shared_data / "faq" / "clinc150.data_small.tsv")
    task = OutOfScope("CLINC150", "test", splits["train"], splits["test"], splits["oos_test"].texts, splits["val"])
    assert len(task) == 5500
