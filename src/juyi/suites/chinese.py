"""The five Chinese similarity tasks: ATEC, BQ, LCQMC, PAWSX, STS-B."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from juyi.data import ScoredPairs, read_scored_pairs
from juyi.data.sets import find_splits, read_hub_set
from juyi.errors import DataError, UsageError
from juyi.suites.averages import AVERAGE, WEIGHTED_AVERAGE, over_splits, over_tasks
from juyi.suites.counts import count_warnings
from juyi.suites.suite import HUB, Suite, read_suite
from juyi.tasks.bootstrapped_score import BootstrappedScore
from juyi.tasks.pair_classification import PairClassification
from juyi.tasks.sts import STS

CHINESE_NAMES: Mapping[str, str] = {"atec": "ATEC", "bq": "BQ", "lcqmc": "LCQMC", "pawsx": "PAWSX", "stsb": "STS-B"}
"""What files call the tasks, and what tables call them."""

_LABELS: Mapping[str, tuple[str, ...]] = {"STS-B": ("translated",)}
_ALL_NAMES = tuple(CHINESE_NAMES.values())
_DEV_AND_TEST = ("dev", "test")


def chinese_sts(
    folder: str | Path, splits: Sequence[str] = _DEV_AND_TEST, tasks: Sequence[str] = _ALL_NAMES, encoding: str | None = None
) -> Suite:
    """The suite of the five tasks as they lie in a folder, one for each task and split, in the order of the published tables.

    The gold scores of STS-B belong to the English sentences, so its scores carry the label `translated`. Averages: over the
    splits of each task, and over the five tasks, split by split.

    Args:
        folder: Whatever `juyi.data.find_splits` understands, or `hub`.
        splits: Any of train, dev, test.
        tasks: A choice of the five, as tables or files call them: "STS-B" or "stsb".
        encoding: Of the files; found for each by its content where none is named.

    Raises:
        UsageError: A task or a split is not known.
        DataError: The folder holds none of them.
    """
    splits, files = _known_splits(splits), _Files.of(folder, encoding)
    readers = [(f"{CHINESE_NAMES[key]} {split}", partial(_sts, files, key, split)) for key in _keys(tasks) for split in splits]
    suite = read_suite("zh-sts", readers, summarise=partial(_averages, splits=splits))
    return dataclasses.replace(suite, notes=count_warnings(suite.tasks))


def chinese_pairs(
    folder: str | Path, splits: Sequence[str] = ("test",), tasks: Sequence[str] = _ALL_NAMES, encoding: str | None = None
) -> Suite:
    """The suite of the four tasks with labels 0 and 1 as pair classification; STS-B has graded scores and is left out.

    Where the folder has the development split too, the thresholds for the test split are those that are best there.

    Raises:
        UsageError: A task or a split is not known, or STS-B alone is asked for.
        DataError: The folder holds none of them.
    """
    keys, splits, files = [key for key in _keys(tasks) if key != "stsb"], _known_splits(splits), _Files.of(folder, encoding)
    if not keys:
        raise UsageError("STS-B has graded scores and no classes. The tasks of zh-pairs are ATEC, BQ, LCQMC, PAWSX.")
    readers = [(f"{CHINESE_NAMES[key]} {split}", partial(_pairs, files, key, split)) for key in keys for split in splits]
    suite = read_suite("zh-pairs", readers)
    return dataclasses.replace(suite, notes=count_warnings(suite.tasks))


def chinese_five(folder: str | Path, splits: Sequence[str] = _DEV_AND_TEST, *, tasks: Sequence[str] = _ALL_NAMES) -> list[STS]:
    """The tasks of `chinese_sts`, all of them or an error.

    Raises:
        UsageError: A task or a split is not known.
        DataError: A task or a split is missing in the folder, or a file cannot be used.
    """
    suite = chinese_sts(folder, splits, tasks)
    if suite.problems:
        raise DataError(" ".join(suite.problems))
    return [task for task in suite.tasks if isinstance(task, STS)]


def _averages(found: Sequence[BootstrappedScore], splits: Sequence[str]) -> list[BootstrappedScore]:
    each_split = over_splits(found, splits)
    pooled = (AVERAGE, WEIGHTED_AVERAGE) if len(splits) > 1 else ()
    return [
        *each_split,
        *(mean for split in (*splits, *pooled) for mean in over_tasks([*found, *each_split], _ALL_NAMES, [split], "spearman")),
    ]


@dataclass(frozen=True)
class _Files:
    """Where the sets are read from."""

    folder: str | Path
    found: Mapping[tuple[str, str], Path]
    encoding: str | None

    @classmethod
    def of(cls, folder: str | Path, encoding: str | None) -> _Files:
        return cls(folder, {} if str(folder) == HUB else find_splits(folder), encoding)

    def read(self, key: str, split: str) -> ScoredPairs:
        name = CHINESE_NAMES[key]
        if str(self.folder) == HUB:
            return read_hub_set("STSB" if key == "stsb" else name, split)
        if (key, split) not in self.found:
            here = ", ".join(f"{CHINESE_NAMES[key]} {split}" for key, split in self.found)
            raise DataError(
                f"{name} {split} is missing here. Found: {here}. Put the file there, or ask for other tasks or splits.",
                path=self.folder,
            )
        return read_scored_pairs(self.found[key, split], encoding=self.encoding)


def _sts(files: _Files, key: str, split: str) -> STS:
    name = CHINESE_NAMES[key]
    return STS(name, split, files.read(key, split), labels=_LABELS.get(name, ()))


def _pairs(files: _Files, key: str, split: str) -> PairClassification:
    development = files.read(key, "dev") if split == "test" and (key, "dev") in files.found else None
    return PairClassification(CHINESE_NAMES[key], split, files.read(key, split), development)


def _keys(tasks: Sequence[str]) -> list[str]:
    asked = {_key(task) for task in ([tasks] if isinstance(tasks, str) else tasks)}
    return [key for key in CHINESE_NAMES if key in asked]


def _key(task: str) -> str:
    key = task.lower().replace("-", "")
    if key not in CHINESE_NAMES:
        raise UsageError(f"There is no Chinese task '{task}'. Allowed: {', '.join(CHINESE_NAMES.values())}.")
    return key


def _known_splits(splits: Sequence[str]) -> list[str]:
    asked = [splits] if isinstance(splits, str) else list(dict.fromkeys(splits))
    for split in asked:
        if split not in ("train", "dev", "test"):
            raise UsageError(f"There is no split '{split}'. Allowed: train, dev, test.")
    return asked
