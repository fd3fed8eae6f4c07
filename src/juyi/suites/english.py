"""The English similarity tasks: STS12 to STS16, STS-Benchmark, SICK-R."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from juyi.data import ScoredPairs
from juyi.data.sets import ENGLISH_STS, find_english_sts, read_english_sts, read_hub_set
from juyi.errors import UsageError
from juyi.suites.averages import over_tasks
from juyi.suites.counts import count_warnings
from juyi.suites.suite import HUB, Suite, read_suite
from juyi.tasks.bootstrapped_score import BootstrappedScore
from juyi.tasks.sts import STS

WHOLE = "train+dev+test"
"""All 9,927 pairs of SICK-R, as MTEB scores them; SentEval and SimCSE score the 4,927 of the test split."""

_SPLITS = {"STSBenchmark": ("train", "dev", "test"), "SICK-R": ("train", "dev", "test")}

Read = Callable[[str, str], ScoredPairs]


def english_sts(folder: str | Path, splits: Sequence[str] = ("test",), tasks: Sequence[str] = ENGLISH_STS) -> Suite:
    """The suite of the seven English STS tasks; with the test split, SICK-R comes both ways, 4,927 and 9,927 pairs.

    The average over the seven, `avg`, is given where none of them is missing, for `all`, `mean` and `wmean`, with the 4,927
    pairs of SICK-R.

    Args:
        folder: Whatever `juyi.data.find_english_sts` understands, or `hub`.
        splits: Any of train, dev, test; STS12 to STS16 have test only.
        tasks: A choice of the seven.

    Raises:
        UsageError: A task or a split is not known.
        DataError: The folder holds none of them.
    """
    names, splits = _known_names(tasks), _known_splits(splits)
    wanted = [(name, split) for name in names for split in splits if split in _SPLITS.get(name, ("test",))]
    if str(folder) == HUB:
        # What the hub calls SICK-R's test split is all of it.
        named = [(name, WHOLE if (name, split) == ("SICK-R", "test") else split, split) for name, split in wanted]
        readers = [(f"{name} {called}", partial(_sts, read_hub_set, name, split, called)) for name, called, split in named]
    else:
        find_english_sts(folder)
        read = partial(read_english_sts, folder)
        readers = [(f"{name} {split}", partial(_sts, read, name, split, split)) for name, split in wanted]
        if ("SICK-R", "test") in wanted:
            readers.append((f"SICK-R {WHOLE}", partial(_whole_sick, read)))
    suite = read_suite("en-sts", readers, summarise=_average)
    notes = count_warnings(suite.tasks)
    if str(folder) == HUB and "SICK-R" in names:
        notes.append(
            "On the hub SICK-R is all 9,927 pairs: there is no average over the seven, which takes the 4,927 of its test."
        )
    return dataclasses.replace(suite, notes=notes)


def _sts(read: Read, name: str, split: str, called: str) -> STS:
    return STS(name, called, read(name, split))


def _whole_sick(read: Read) -> STS:
    parts = [read("SICK-R", split) for split in ("train", "dev", "test")]
    first = [text for part in parts for text in part.first]
    second = [text for part in parts for text in part.second]
    return STS("SICK-R", WHOLE, ScoredPairs(first, second, np.concatenate([part.scores for part in parts])))


def _average(found: Sequence[BootstrappedScore]) -> list[BootstrappedScore]:
    return over_tasks(found, ENGLISH_STS, ["test"], "spearman")


def _known_names(tasks: Sequence[str]) -> list[str]:
    known = {_plain(name): name for name in ENGLISH_STS} | {"stsb": "STSBenchmark", "sick": "SICK-R"}
    if strange := [task for task in tasks if _plain(task) not in known]:
        raise UsageError(f"There is no English STS task '{strange[0]}'. Allowed: {', '.join(ENGLISH_STS)}.")
    asked = {known[_plain(task)] for task in tasks}
    return [name for name in ENGLISH_STS if name in asked]


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")


def _known_splits(splits: Sequence[str]) -> list[str]:
    if strange := [split for split in splits if split not in ("train", "dev", "test")]:
        raise UsageError(f"There is no split '{strange[0]}'. Allowed: train, dev, test.")
    return list(dict.fromkeys(splits))
