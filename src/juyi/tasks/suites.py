"""Several tasks at once, with their averages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from juyi.errors import UsageError
from juyi.tasks.memo import EncodeOnce
from juyi.tasks.task import Task
from juyi.types import Encode, Score

AVERAGE = "avg"
WEIGHTED_AVERAGE = "w-avg"

Progress = Callable[[int, int, str], None]
"""Called as (tasks done, tasks in all, what comes next): before each task with its name, and at the end with an empty one."""


@dataclass(frozen=True)
class SuiteResult:
    """The scores of all tasks, in their order, and behind them the averages over the splits of each."""

    scores: tuple[Score, ...]

    def value(self, task: str, split: str, metric: str = "spearman", subset: str = "") -> float:
        """One figure by name.

        Raises:
            UsageError: There is none of that name.
        """
        for score in self.scores:
            if (score.task, score.split, score.metric, score.subset) == (task, split, metric, subset):
                return score.value
        known = ", ".join(f"{score.task} {score.split} {score.metric} {score.subset}".rstrip() for score in self.scores)
        raise UsageError(f"There is no score {task} {split} {metric} {subset}".rstrip() + f". There are: {known}.")

    def records(self, model: str) -> list[dict[str, Any]]:
        """The machine-readable form of all scores."""
        return [score.as_record(model) for score in self.scores]


def evaluate_suite(tasks: Sequence[Task], encode: Encode, progress: Progress | None = None) -> SuiteResult:
    """The scores of an encoder on several tasks; each distinct text is encoded once over all of them.

    Behind the scores of the splits come, for each task, `avg`, the mean over its splits, and `w-avg`, their mean weighted by the
    number of pairs. Both count all pairs and have no interval; they bear the labels of every split.

    Args:
        tasks: At least one; no split of a task twice.
        encode: Whatever encodes.
        progress: Told of each task before it starts.

    Raises:
        UsageError: No tasks, a score that occurs twice, or whatever a task raises.

    Source:
        BERT-whitening and SimCSE by bojone, eval.py: prints each split, `avg` and `w-avg`.
    """
    if not tasks:
        raise UsageError("There are no tasks to evaluate. Give at least one.")
    memo = EncodeOnce(encode)
    scores: list[Score] = []
    for done, task in enumerate(tasks):
        if progress is not None:
            progress(done, len(tasks), task.name)
        scores.extend(task.evaluate(memo))
    if progress is not None:
        progress(len(tasks), len(tasks), "")
    return SuiteResult((*scores, *averages(scores)))


def averages(scores: Sequence[Score]) -> list[Score]:
    """The mean and the weighted mean over the splits of each task, subset and metric, as further scores.

    Raises:
        UsageError: A score occurs twice and would count double.
    """
    groups: dict[tuple[str, str, str], dict[str, Score]] = {}
    for score in scores:
        splits = groups.setdefault((score.task, score.subset, score.metric), {})
        if score.split in splits:
            raise UsageError(
                f"{score.task} {score.split} {score.metric} occurs twice, and an average would count it double. Give it once."
            )
        splits[score.split] = score
    return [average for splits in groups.values() for average in _both(list(splits.values()))]


def _both(splits: list[Score]) -> list[Score]:
    values, counts = [score.value for score in splits], [score.count for score in splits]
    labels = tuple(dict.fromkeys(label for score in splits for label in score.labels))
    task, subset, metric = splits[0].task, splits[0].subset, splits[0].metric
    return [
        Score(task, split, metric, float(value), sum(counts), subset, labels=labels)
        for split, value in ((AVERAGE, np.mean(values)), (WEIGHTED_AVERAGE, np.average(values, weights=counts)))
    ]
