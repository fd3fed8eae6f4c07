"""How many items the published sets have: figures on another number of them are not those of the tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sized

from juyi.tasks.task import Task

PUBLISHED_COUNTS: Mapping[str, Mapping[str, int]] = {
    "ATEC": {"train": 62477, "dev": 20000, "test": 20000},
    "BQ": {"train": 100000, "dev": 10000, "test": 10000},
    "LCQMC": {"train": 238766, "dev": 8802, "test": 12500},
    "PAWSX": {"train": 49401, "dev": 2000, "test": 2000},
    "STS-B": {"train": 5231, "dev": 1458, "test": 1361},
    "STS12": {"test": 3108},
    "STS13": {"test": 1500},
    "STS14": {"test": 3750},
    "STS15": {"test": 3000},
    "STS16": {"test": 1186},
    "STSBenchmark": {"train": 5749, "dev": 1500, "test": 1379},
    "SICK-R": {"train": 4500, "dev": 500, "test": 4927, "train+dev+test": 9927},
}
"""How many pairs the published splits have. Source: the splits of senteval_cn, STS-B from CNSD; SentEval and MTEB."""


def count_warnings(tasks: Iterable[Task]) -> list[str]:
    """One sentence for each task whose number of pairs is not the published one; figures on it are not those of the tables."""
    return [warning for task in tasks if (warning := count_warning(task)) is not None]


def count_warning(task: Task) -> str | None:
    """What to tell the reader when the number of pairs is not the published one; None when it is, or when none is published."""
    published = PUBLISHED_COUNTS.get(task.name, {}).get(task.split)
    if published is None or not isinstance(task, Sized) or published == len(task):
        return None
    change = "fewer than the published" if len(task) < published else "more than the published"
    return (
        f"{task} has {len(task)} pairs, {abs(len(task) - published)} {change} {published}: "
        "its figures cannot be compared with published tables."
    )
