"""STS sets from the Hugging Face hub, at the revisions that MTEB measures."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from juyi.data.files import PathLike
from juyi.data.numbers import is_number
from juyi.data.row_shapes import ScoredPairs
from juyi.errors import DataError, UsageError
from juyi.extras import require

_COLUMNS = ("sentence1", "sentence2", "score")


@dataclass(frozen=True)
class HubSet:
    """A data set on the hub, pinned to one commit."""

    repository: str
    revision: str


HUB_SETS = {
    "STS12": HubSet("mteb/sts12-sts", "a0d554a64d88156834ff5ae9920b964011b16384"),
    "STS13": HubSet("mteb/sts13-sts", "7e90230a92c190f1bf69ae9002b8cea547a64cca"),
    "STS14": HubSet("mteb/sts14-sts", "6031580fec1f6af667f0bd2da0a551cf4f0b2375"),
    "STS15": HubSet("mteb/sts15-sts", "ae752c7c21bf194d8b67fd573edf7ae58183cbe3"),
    "STS16": HubSet("mteb/sts16-sts", "4d8694f8f0e0100860b497b999b3dbed754a0513"),
    "STSBenchmark": HubSet("mteb/stsbenchmark-sts", "b0fddb56ed78048fa8b90373c8a3cfc37b684831"),
    "SICK-R": HubSet("mteb/sickr-sts", "20a6d6f312dd54037fe07a32d58e5e168867909d"),
    "ATEC": HubSet("C-MTEB/ATEC", "0f319b1142f28d00e055a6770f3f726ae9b7d865"),
    "BQ": HubSet("C-MTEB/BQ", "e3dda5e115e487b39ec7e618c0c6a29137052a55"),
    "LCQMC": HubSet("C-MTEB/LCQMC", "17f9b096f80380fce5ed12a9be8be7784b337daf"),
    "PAWSX": HubSet("mteb/PAWSX", "bd129d4230ee0551b5469c566bced8da75abae0a"),
    "STSB": HubSet("mteb/STSB", "e036defee8f190911de6fc825a944b928c8cda53"),
}
"""The English and Chinese STS sets by the names that MTEB gives them; STSB is the Chinese STS-B."""


def read_hub_set(name: str, split: str = "test") -> ScoredPairs:
    """The pairs of one of `HUB_SETS`, fetched once and then read from the hub cache.

    The sets are those of MTEB: without sub-tasks, and SICK-R's test split is all 9,927 pairs, where SentEval has 4,927.

    Args:
        name: One of `HUB_SETS`.
        split: `train`, `dev` or `test`, as far as the set has it.

    Raises:
        UsageError: There is no set of this name.
        DataError: The set cannot be fetched, or a row of it cannot be used.
        MissingExtraError: The package datasets is not installed.
    """
    if name not in HUB_SETS:
        raise UsageError(f"there is no set '{name}' from the hub. Allowed: {', '.join(HUB_SETS)}.")
    return read_hub_pairs(HUB_SETS[name].repository, split, revision=HUB_SETS[name].revision)


def read_hub_pairs(repository: PathLike, split: str = "test", *, revision: str | None = None) -> ScoredPairs:
    """The scored pairs of a data set with the columns sentence1, sentence2 and score.

    Args:
        repository: "owner/name" on the hub, or a folder with jsonl, csv or parquet files named after the splits.
        split: `train`, `dev` (which the hub calls validation) or `test`.
        revision: The commit; without it the newest.

    Raises:
        DataError: The set cannot be fetched or has no such split or columns, a sentence is empty, or a score is not a finite
            number.
        MissingExtraError: The package datasets is not installed.
    """
    datasets = require("datasets", extra="hub", purpose=f"reading {repository}")
    try:
        data = datasets.load_dataset(str(repository), revision=revision, split="validation" if split == "dev" else split)
    except Exception as error:  # of the hub, of the network, of the disk: the kinds differ between versions of the hub's library
        reasons = (str(reason).strip().partition("\n")[0].rstrip(".") for reason in (error, error.__cause__) if reason)
        raise DataError(
            f"the {split} split of {repository} could not be loaded ({': '.join(reasons)}): check the name, the split and the "
            "network (HF_ENDPOINT names a mirror), or download the set elsewhere and give its folder."
        ) from error
    missing = [column for column in _COLUMNS if column not in data.column_names]
    if missing:
        reason = f"there is no column {' or '.join(missing)}; the columns are {', '.join(data.column_names)}"
        raise DataError(f"{reason}. Scored pairs need {', '.join(_COLUMNS)}.", path=repository)
    first, second, scores = (list(data[column]) for column in _COLUMNS)
    for row, (one, other, score) in enumerate(zip(first, second, scores, strict=True), start=1):
        if not all(isinstance(text, str) and text.strip() for text in (one, other)):
            raise DataError(f"row {row} of the {split} split has an empty sentence.", path=repository)
        if not is_number(str(score)) or not math.isfinite(float(score)):
            reason = f"row {row} of the {split} split has the score {str(score)[:40]!r}, and a finite number is needed"
            raise DataError(f"{reason}.", path=repository)
    return ScoredPairs(first, second, np.asarray(scores, dtype=np.float64))
