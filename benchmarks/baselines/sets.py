"""The data sets of the comparison: the columns of its tables."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

from juyi.data import ScoredPairs
from juyi.suites import chinese_five, count_warnings, english_sts
from juyi.tasks import STS


def chinese_sets(folder: Path, limit: int | None = None) -> list[STS]:
    """STS-B dev and test, and the test splits of the other four."""
    tests = {task.name: task for task in chinese_five(folder, ["test"])}
    order = ("STS-B", "LCQMC", "BQ", "ATEC", "PAWSX")
    tasks = [*chinese_five(folder, ["dev"], tasks=["STS-B"]), *(tests[name] for name in order)]
    for warning in count_warnings(tasks):
        _say(warning)
    return [_first(task, limit) for task in tasks]


def english_sets(folder: Path, limit: int | None = None) -> list[STS]:
    """STS12 to STS16, as many as there are, and the test splits of STS-B (by MTEB's name) and SICK-R.

    Raises:
        DataError: None of these sets is in the folder.
    """
    suite = english_sts(folder)
    for problem in (*suite.problems, *suite.notes):
        _say(problem)
    return [_first(task, limit) for task in suite.tasks if isinstance(task, STS) and task.split == "test"]


def _first(task: STS, limit: int | None) -> STS:
    if limit is None:
        return task
    pairs = task.pairs  # the first ones are of one sub-task
    return dataclasses.replace(task, pairs=ScoredPairs(pairs.first[:limit], pairs.second[:limit], pairs.scores[:limit]))


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
