"""The data sets of the comparison: the columns of its tables."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from juyi.data import ScoredPairs, read_scored_pairs
from juyi.errors import DataError
from juyi.tasks import STS, chinese_five, count_warnings


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

    The sub-tasks of a year, `STS12.MSRpar.tsv` and so on, are pooled into one ranking: SentEval's "all".

    Raises:
        DataError: None of these files is in the folder.
    """
    tasks = []
    for year in range(12, 17):
        parts = [_first_pairs(read_scored_pairs(path), limit) for path in sorted(folder.glob(f"STS{year}.*.tsv"))]
        if parts:
            tasks.append(STS(f"STS{year}", "test", _pooled(parts)))
        else:
            _say(f"no file STS{year}.*.tsv in {folder}: STS{year} is left out.")
    for name, file in (("STSBenchmark", "stsb.test.tsv"), ("SICK-R", "sick_r.test.tsv")):
        if (folder / file).is_file():
            tasks.append(STS(name, "test", _first_pairs(read_scored_pairs(folder / file), limit)))
        else:
            _say(f"no file {file} in {folder}: {name} is left out.")
    if not tasks:
        raise DataError("no English set is here: no STS12.*.tsv to STS16.*.tsv, stsb.test.tsv or sick_r.test.tsv.", path=folder)
    return tasks


def _pooled(parts: Sequence[ScoredPairs]) -> ScoredPairs:
    subsets = [name for part in parts for name in part.subsets or ()]
    return ScoredPairs(
        [text for part in parts for text in part.first],
        [text for part in parts for text in part.second],
        np.concatenate([part.scores for part in parts]),
        tuple(subsets) if len(subsets) == sum(map(len, parts)) else None,
    )


def _first_pairs(pairs: ScoredPairs, limit: int | None) -> ScoredPairs:
    subsets = None if pairs.subsets is None else pairs.subsets[:limit]
    return ScoredPairs(pairs.first[:limit], pairs.second[:limit], pairs.scores[:limit], subsets)


def _first(task: STS, limit: int | None) -> STS:
    return dataclasses.replace(task, pairs=_first_pairs(task.pairs, limit))


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
