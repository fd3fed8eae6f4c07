"""Where the public Chinese sets lie in a folder, whichever repository they were taken from."""

from __future__ import annotations

import re
from pathlib import Path

from juyi.data.files import PathLike
from juyi.data.sets.layouts import existing_folder
from juyi.errors import DataError

CHINESE_TASKS = ("atec", "bq", "lcqmc", "pawsx", "stsb")
SPLITS = ("train", "dev", "test")

_PACKED = r"(?:\.gz|\.xz)?"
_FLAT = re.compile(rf"(atec|bq|lcqmc|pawsx|stsb)\.(train|dev|valid|test)\.tsv{_PACKED}")
_SENTEVAL = re.compile(rf"(atec|bq|lcqmc|pawsx|sts-b|stsb)\.(train|dev|valid|test)\.data{_PACKED}")
_CNSD = re.compile(rf"cnsd-(sts)-(train|dev|valid|test)\.txt{_PACKED}")

_LAYOUTS = (
    "flat files (atec.train.tsv, stsb.dev.tsv, …), the folders of senteval_cn (ATEC/ATEC.train.data, STS-B/STS-B.valid.data, …) "
    "and CNSD (cnsd-sts-train.txt, …), each also with .gz or .xz"
)


def find_splits(folder: PathLike) -> dict[tuple[str, str], Path]:
    """The files of ATEC, BQ, LCQMC, PAWSX and STS-B in a folder, by (task, split): ("stsb", "dev"), for example.

    Three layouts are looked for: `task.split.tsv` in the folder itself; `ATEC/ATEC.train.data` as in senteval_cn, in a folder a
    task or without; `cnsd-sts-train.txt` in the folder or in one below it. `valid` is `dev`; case does not matter. Where two
    layouts hold the same split, the first of them in this order is taken.

    Raises:
        DataError: The folder does not exist or holds nothing of these, or one layout holds a split twice.
    """
    root = existing_folder(folder, _LAYOUTS)
    inside = sorted(entry for entry in root.iterdir() if entry.is_file())
    below = sorted(entry for child in root.iterdir() if child.is_dir() for entry in child.iterdir() if entry.is_file())
    own = [path for path in below if path.name.lower().startswith(f"{path.parent.name.lower()}.")]
    found: dict[tuple[str, str], Path] = {}
    for pattern, files in ((_FLAT, inside), (_SENTEVAL, inside + own), (_CNSD, inside + below)):
        found = _matching(pattern, files) | found
    if not found:
        seen = ", ".join(path.name for path in (inside + below)[:5]) or "nothing"
        raise DataError(f"none of the Chinese sets is here. Looked for: {_LAYOUTS}. Found: {seen}.", path=folder)
    return {(task, split): found[task, split] for task in CHINESE_TASKS for split in SPLITS if (task, split) in found}


def _matching(pattern: re.Pattern[str], files: list[Path]) -> dict[tuple[str, str], Path]:
    found: dict[tuple[str, str], Path] = {}
    for path in files:
        match = pattern.fullmatch(path.name.lower())
        if match is None:
            continue
        task = "stsb" if match[1] in ("sts-b", "sts") else match[1]
        split = "dev" if match[2] == "valid" else match[2]
        if (task, split) in found:
            other = found[task, split]
            raise DataError(f"both '{other}' and '{path}' are the {split} split of {task}. Keep one of them.", path=path.parent)
        found[task, split] = path
    return found
