"""The suites by name."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from juyi.data import ReadSettings, read_scored_pairs
from juyi.data.sets import (
    CHINESE_TASKS,
    ENGLISH_STS,
    TRANSFER_SETS,
    find_english_sts,
    find_transfer_sets,
    read_english_sts,
    read_transfer_set,
)
from juyi.errors import UsageError
from juyi.suites.applied import applied, declared_suite, of_file
from juyi.suites.averages import over_tasks
from juyi.suites.chinese import chinese_pairs, chinese_sts
from juyi.suites.english import english_sts
from juyi.suites.suite import Suite, choose, read_suite
from juyi.suites.suite_file import read_suite_file
from juyi.tasks.geometry import Geometry
from juyi.tasks.transfer import Transfer
from juyi.types import Log

SUITES = {
    "zh-sts": "ATEC, BQ, LCQMC, PAWSX, STS-B: Spearman; dev, test, avg and w-avg",
    "zh-pairs": "ATEC, BQ, LCQMC, PAWSX as pair classification: average precision, F1, accuracy; thresholds from dev",
    "en-sts": "STS12 to STS16, STS-Benchmark, SICK-R: Spearman; all, mean and wmean of the sub-tasks",
    "transfer": "MR, CR, SUBJ, MPQA, SST2, TREC, MRPC: accuracy of a logistic regression on the vectors",
    "applied": "FAQ retrieval, intents, out-of-scope queries, from the files of a folder",
    "geometry": "alignment, uniformity, mean cosine, effective rank on the STS-B of a folder",
}
"""The suites that have a name, and what is in them."""


def open_suite(
    name: str,
    data: str | Path | None = None,
    *,
    splits: Sequence[str] = (),
    tasks: Sequence[str] = (),
    reading: ReadSettings = ReadSettings(),
    log: Log = lambda _: None,
) -> Suite:
    """A suite with its data.

    Args:
        name: One of `SUITES`, a TOML file that declares tasks, or a file of pairs: see `juyi.suites.applied.of_file`.
        data: The folder of its files; for zh-sts and en-sts also `hub`, for geometry also a file of scored pairs; for a TOML file
            the folder beside it where none is named.
        splits: Which splits, where the suite has a choice.
        tasks: Only these of its tasks.
        reading: How a file is read; of the Chinese sets the encoding alone.
        log: Hears how a file was understood.

    Raises:
        UsageError: There is no such suite, task or split, or the folder is not named.
        DataError: The folder or the file holds nothing that can be used.
    """
    if Path(name).suffix == ".toml":
        declared = choose(read_suite_file(Path(name)), tasks, splits, name)
        return declared_suite(Path(name).stem, declared, data if data is not None else Path(name).parent, log)
    if name not in SUITES:
        _check_file(name, data)
        return _chosen(of_file(name, reading, log), tasks, splits)
    if data is None:
        raise UsageError(f"The suite {name} needs --data: the folder that holds its files. See `juyi evaluate --help`.")
    match name:
        case "zh-sts":
            suite = chinese_sts(data, splits or ("dev", "test"), tasks or CHINESE_TASKS, reading.encoding or None)
        case "zh-pairs":
            suite = chinese_pairs(data, splits or ("test",), tasks or CHINESE_TASKS, reading.encoding or None)
        case "en-sts":
            suite = english_sts(data, splits or ("test",), tasks or ENGLISH_STS)
        case "transfer":
            suite = _chosen(_transfer(data, tasks or TRANSFER_SETS), (), splits)
        case "geometry":
            suite = _chosen(_geometry(data, splits or ("test",), reading), tasks, splits)
        case _:
            suite = applied(data, splits, tasks)
    return suite


def _check_file(name: str, data: str | Path | None) -> None:
    if Path(name).is_dir():
        raise UsageError(f"'{name}' is a folder. Name the suite, and give the folder with --data: {', '.join(SUITES)}.")
    if not Path(name).is_file():
        raise UsageError(f"There is no suite '{name}' and no such file. The suites are {', '.join(SUITES)}; or name a file.")
    if data is not None:
        raise UsageError(f"--data goes with a named suite ({', '.join(SUITES)}) or a .toml file; '{name}' is neither.")


def _transfer(folder: str | Path, tasks: Sequence[str]) -> Suite:
    known = {name.lower(): name for name in TRANSFER_SETS} | {"sst-2": "SST2", "sst": "SST2"}
    if strange := [task for task in tasks if task.lower() not in known]:
        raise UsageError(f"There is no transfer task '{strange[0]}'. Allowed: {', '.join(TRANSFER_SETS)}.")
    find_transfer_sets(folder)
    asked = {known[task.lower()] for task in tasks}
    readers = [(name, partial(_transfer_task, folder, name)) for name in TRANSFER_SETS if name in asked]
    splits = ("test", "10-fold")
    return read_suite("transfer", readers, summarise=lambda found: over_tasks(found, TRANSFER_SETS, splits, "accuracy"))


def _transfer_task(folder: str | Path, name: str) -> Transfer:
    return Transfer.of(read_transfer_set(folder, name))


def _geometry(data: str | Path, splits: Sequence[str], reading: ReadSettings) -> Suite:
    if Path(data).is_file():
        file = Path(data)
        read = partial(read_scored_pairs, file, **reading.arguments())
        return read_suite("geometry", [(file.name, lambda: Geometry.of(file.name.partition(".")[0], "all", read()))])
    find_english_sts(data)
    readers = [(f"STS-B {split}", partial(_geometry_task, data, split)) for split in splits]
    return read_suite("geometry", readers)


def _geometry_task(folder: str | Path, split: str) -> Geometry:
    return Geometry.of("STS-B", split, read_english_sts(folder, "STSBenchmark", split))


def _chosen(suite: Suite, tasks: Sequence[str], splits: Sequence[str]) -> Suite:
    return dataclasses.replace(suite, tasks=choose(suite.tasks, tasks, splits, suite.name))
