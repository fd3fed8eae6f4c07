"""The averages that published tables print: over the splits of a task, and over tasks."""

from __future__ import annotations

from collections.abc import Sequence

from juyi.tasks.bootstrapped_score import BootstrappedScore, mean_of
from juyi.tasks.sts import ALL, MEAN, WEIGHTED_MEAN

AVERAGE = "avg"
WEIGHTED_AVERAGE = "w-avg"


def over_splits(scores: Sequence[BootstrappedScore], splits: Sequence[str]) -> list[BootstrappedScore]:
    """`avg`, the mean over the splits of a task, and `w-avg`, weighted by their counts; only for tasks that have all of them.

    Args:
        scores: The scores of the tasks.
        splits: What is averaged over; one alone has no average.

    Source:
        BERT-whitening and SimCSE by bojone, eval.py: prints each split, `avg` and `w-avg`.
    """
    groups: dict[tuple[str, str, str], list[BootstrappedScore]] = {}
    for each in scores:
        if each.score.split in splits:
            groups.setdefault((each.score.task, each.score.subset, each.score.metric), []).append(each)
    return [
        mean_of(parts, weighted=name == WEIGHTED_AVERAGE, split=name)
        for parts in groups.values()
        if len(parts) == len(splits) > 1
        for name in (AVERAGE, WEIGHTED_AVERAGE)
    ]


def over_tasks(
    scores: Sequence[BootstrappedScore], names: Sequence[str], splits: Sequence[str], metric: str
) -> list[BootstrappedScore]:
    """The mean over tasks, called `avg`, for each split and each way to pool sub-tasks; only where no task is missing.

    A task without sub-tasks counts with its one figure for `all`, `mean` and `wmean` alike.

    Args:
        scores: The scores of the tasks.
        names: The tasks of the table's average.
        splits: Where the splits of the tasks have different names (10-fold, test), each group is one figure a task.
        metric: The one that is averaged.

    Source:
        SimCSE, table 5: "Avg." over the seven sets.
    """
    known = [each for each in scores if each.score.metric == metric and each.score.split in splits]
    subsets = (ALL, MEAN, WEIGHTED_MEAN) if any(each.score.subset for each in known) else ("",)
    means = []
    for subset in subsets:
        parts = {each.score.task: each for each in known if each.score.subset in ("", subset)}
        if set(parts) >= set(names):
            means.append(mean_of([parts[name] for name in names], task=AVERAGE, split=splits[0], subset=subset))
    return means
