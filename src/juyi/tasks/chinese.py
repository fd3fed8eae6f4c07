"""The five Chinese similarity tasks: ATEC, BQ, LCQMC, PAWSX, STS-B."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from juyi.data import find_splits, read_scored_pairs
from juyi.errors import DataError, UsageError
from juyi.tasks.sts import STS

CHINESE_NAMES: Mapping[str, str] = {"atec": "ATEC", "bq": "BQ", "lcqmc": "LCQMC", "pawsx": "PAWSX", "stsb": "STS-B"}
"""What files call the tasks, and what tables call them."""

PUBLISHED_COUNTS: Mapping[str, Mapping[str, int]] = {
    "ATEC": {"train": 62477, "dev": 20000, "test": 20000},
    "BQ": {"train": 100000, "dev": 10000, "test": 10000},
    "LCQMC": {"train": 238766, "dev": 8802, "test": 12500},
    "PAWSX": {"train": 49401, "dev": 2000, "test": 2000},
    "STS-B": {"train": 5231, "dev": 1458, "test": 1361},
}
"""How many pairs the published splits have. Source: the splits of senteval_cn, STS-B from CNSD."""

_LABELS: Mapping[str, tuple[str, ...]] = {"STS-B": ("translated",)}


def chinese_five(
    folder: str | Path, splits: Sequence[str] = ("dev", "test"), *, tasks: Sequence[str] = tuple(CHINESE_NAMES.values())
) -> list[STS]:
    """The five tasks as they lie in a folder, one for each task and split, in the order of the published tables.

    The gold scores of STS-B belong to the English sentences, so its scores carry the label `translated`.

    Args:
        folder: Whatever `juyi.data.find_splits` understands.
        splits: Any of train, dev, test.
        tasks: A choice of the five, as tables or files call them: "STS-B" or "stsb".

    Raises:
        UsageError: A task or a split is not known.
        DataError: A task or a split is missing in the folder, or a file cannot be used.
    """
    wanted = [(key, split) for key in _keys(tasks) for split in _known_splits(splits)]
    found = find_splits(folder)
    missing = [f"{CHINESE_NAMES[key]} {split}" for key, split in wanted if (key, split) not in found]
    if missing:
        here = ", ".join(f"{CHINESE_NAMES[key]} {split}" for key, split in found)
        raise DataError(
            f"missing here: {', '.join(missing)}. Found: {here}. Put the missing files there, or ask for fewer tasks or splits.",
            path=folder,
        )
    return [_read(key, split, found[key, split]) for key, split in wanted]


def count_warnings(tasks: Iterable[STS]) -> list[str]:
    """One sentence for each task whose number of pairs is not the published one; figures on it are not those of the tables."""
    return [warning for task in tasks if (warning := count_warning(task)) is not None]


def count_warning(task: STS) -> str | None:
    """What to tell the reader when the number of pairs is not the published one; None when it is, or when none is published."""
    published = PUBLISHED_COUNTS.get(task.name, {}).get(task.split)
    if published is None or published == len(task):
        return None
    change = "fewer" if len(task) < published else "more"
    return (
        f"{task} has {len(task)} pairs, {abs(len(task) - published)} {change} than the published {published}: "
        "its figures cannot be compared with published tables."
    )


def _read(key: str, split: str, path: Path) -> STS:
    name = CHINESE_NAMES[key]
    return STS(name, split, read_scored_pairs(path), labels=_LABELS.get(name, ()))


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
        if split not in PUBLISHED_COUNTS["STS-B"]:
            raise UsageError(f"There is no split '{split}'. Allowed: train, dev, test.")
    return asked
