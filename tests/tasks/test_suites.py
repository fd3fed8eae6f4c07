from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from juyi.errors import UsageError
from juyi.tasks import averages, evaluate_suite
from juyi.types import Embeddings, Encode, Interval, Score


@dataclass(frozen=True)
class Fixed:
    """A task that encodes its texts and gives scores that are known."""

    name: str
    scores: tuple[Score, ...]
    texts: tuple[str, ...] = ("a",)

    def evaluate(self, encode: Encode) -> Sequence[Score]:
        encode(self.texts)
        return self.scores


def score(task: str, split: str, value: float, count: int, **more: object) -> Score:
    return Score(task=task, split=split, metric="spearman", value=value, count=count, **more)  # type: ignore[arg-type]


def ones(texts: Sequence[str]) -> Embeddings:
    return np.ones((len(texts), 2), dtype=np.float32)


TASKS = [
    Fixed("BQ", (score("BQ", "dev", 40.0, 100, interval=Interval(30, 50), labels=("dev-selected",)),), ("a", "b")),
    Fixed("ATEC", (score("ATEC", "dev", 10.0, 10),), ("b", "c")),
    Fixed("BQ", (score("BQ", "test", 20.0, 300, labels=("transductive", "dev-selected")),), ("a", "c")),
]


def test_scores_come_first_and_averages_behind() -> None:
    result = evaluate_suite(TASKS, ones)
    assert result.scores == (
        TASKS[0].scores[0],
        TASKS[1].scores[0],
        TASKS[2].scores[0],
        score("BQ", "avg", 30.0, 400, labels=("dev-selected", "transductive")),
        score("BQ", "w-avg", 25.0, 400, labels=("dev-selected", "transductive")),
        score("ATEC", "avg", 10.0, 10),
        score("ATEC", "w-avg", 10.0, 10),
    )
    assert result.value("BQ", "w-avg") == 25.0
    assert result.records("m")[4] == {
        "model": "m", "task": "BQ", "split": "w-avg", "subset": "", "metric": "spearman", "value": 25.0, "count": 400,
        "interval": None, "labels": ["dev-selected", "transductive"],
    }  # fmt: skip


def test_each_distinct_text_is_encoded_once_over_all_tasks() -> None:
    asked: list[str] = []

    def recording(texts: Sequence[str]) -> Embeddings:
        asked.extend(texts)
        return ones(texts)

    evaluate_suite(TASKS, recording)
    assert asked == ["a", "b", "c"]


def test_progress_is_told_before_each_task_and_at_the_end() -> None:
    told: list[tuple[int, int, str]] = []
    evaluate_suite(TASKS, ones, lambda *args: told.append(args))
    assert told == [(0, 3, "BQ"), (1, 3, "ATEC"), (2, 3, "BQ"), (3, 3, "")]


def test_subsets_and_metrics_are_averaged_apart() -> None:
    got = averages([score("x", "dev", 1, 1), score("x", "dev", 2, 1, subset="s"), score("x", "test", 3, 3)])
    assert [(a.subset, a.split, a.value) for a in got] == [("", "avg", 2), ("", "w-avg", 2.5), ("s", "avg", 2), ("s", "w-avg", 2)]


def test_a_score_never_counts_double() -> None:
    with pytest.raises(UsageError, match="BQ dev spearman occurs twice"):
        evaluate_suite([TASKS[0], TASKS[0]], ones)


def test_no_tasks_and_unknown_figures_are_refused() -> None:
    with pytest.raises(UsageError, match="no tasks"):
        evaluate_suite([], ones)
    with pytest.raises(UsageError, match=r"no score BQ train spearman. There are: BQ dev spearman, ATEC dev"):
        evaluate_suite(TASKS, ones).value("BQ", "train")
