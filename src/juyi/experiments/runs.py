"""The runs in a folder: what they are, how far they came, what they take; without torch."""

from __future__ import annotations

import contextlib
import difflib
import json
import os
import re
import shutil
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from juyi.errors import UsageError
from juyi.locks import holder_of, locked_folder

State = Literal["finished", "running", "stopped", "failed", "empty"]

_HASH = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True)
class RunSummary:
    """What is known about a run from outside.

    Attributes:
        name: Of its recipe.
        hash: Of its settings and of all that it reads.
        kind: Of its recipe; empty where the folder does not say it.
        state: `running` while a process holds the folder, `failed` where an error ended it, `stopped` where it can be taken up,
            `empty` where nothing has begun.
        step: Steps done, as far as the last checkpoint or the log tells.
        steps: Steps in all, where it is known.
        dev: The last development figure of the run, of a finished one that of the model.
        size: Bytes of all its files.
        changed: When something in it was last written, local time.
        folder: Where it lies.
        error: Of a failed run: what ended it.
    """

    name: str
    hash: str
    kind: str
    state: State
    step: int
    steps: int | None
    dev: float | None
    size: int
    changed: datetime
    folder: Path
    error: str = ""

    @property
    def label(self) -> str:
        """Name and hash, as commands take it."""
        return f"{self.name}/{self.hash}"


def list_runs(runs: Path) -> list[RunSummary]:
    """All runs below a folder, by name, the newest of a name last.

    Raises:
        UsageError: There is no such folder.
    """
    if not runs.is_dir():
        raise UsageError(f"There is no folder {runs}. Runs are written below the folder given with --runs, `runs` where none is.")
    found = [_summary(folder, runs) for folder in _folders(runs)]
    return sorted(found, key=lambda run: (run.name, run.changed))


def find_run(runs: Path, name: str) -> RunSummary:
    """A run by its folder, by name and hash, or by the hash; the beginning of a hash is enough where it fits one run alone.

    Raises:
        UsageError: No run or several are called so.
    """
    every = list_runs(runs)
    named = [run for run in every if name == run.label or Path(name).resolve() == run.folder.resolve()]
    named = named or [run for run in every if run.label.startswith(name) or run.hash.startswith(name)]
    if len(named) == 1:
        return named[0]
    if named:
        raise UsageError(f"'{name}' fits {len(named)} runs: {', '.join(run.label for run in named)}. Give more of the hash.")
    near = difflib.get_close_matches(name, [run.label for run in every], n=1, cutoff=0.4)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise UsageError(f"There is no run '{name}' in {runs}.{hint} `juyi runs list` shows them.")


def remove_run(run: RunSummary) -> None:
    """Delete a run and all that it wrote.

    Raises:
        BusyError: A process is at it.
    """
    with locked_folder(run.folder):
        shutil.rmtree(run.folder)
    for parent in list(run.folder.parents)[: len(Path(run.name).parts)]:
        with contextlib.suppress(OSError):  # other runs lie there
            parent.rmdir()


def run_contents(run: RunSummary) -> dict[str, Any]:
    """What came out of a run: the record of its end, and the development scores of its model; empty before."""
    finished = _json(run.folder / "finished.json") or {}
    scores = [record for record in _lines(run.folder / "scores.jsonl") if record.get("interval") is not None]
    return {**finished, **({"scores": scores} if scores else {})}


def _folders(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.is_symlink():
            if _HASH.fullmatch(path.name):
                yield path
            else:
                yield from _folders(path)


def _summary(folder: Path, runs: Path) -> RunSummary:
    recipe = _toml(folder / "recipe.toml")
    finished, failed = _json(folder / "finished.json"), _json(folder / "failed.json")
    log = list(_lines(folder / "log.jsonl"))
    checkpoints = sorted(folder.glob("checkpoint/step-*"))
    position = (_json(checkpoints[-1] / "position.json") if checkpoints else None) or {}
    result = (finished or {}).get("train_result", {})
    state: State = "stopped"
    if holder_of(folder) is not None:
        state = "running"
    elif finished is not None:
        state = "finished"
    elif failed is not None:
        state = "failed"
    elif not recipe:
        state = "empty"
    reached = log[-1].get("step", 0) if log and state in ("running", "failed") else position.get("step", 0)
    steps = result.get("steps") or position.get("steps") or recipe.get("training", {}).get("steps") or None
    files = list(_files(folder))
    return RunSummary(
        name=folder.parent.relative_to(runs).as_posix(),
        hash=folder.name,
        kind=str(recipe.get("kind", "")),
        state=state,
        step=int(result.get("steps") or reached),
        steps=steps,
        dev=_dev(folder, log),
        size=sum(file.st_size for file in files),
        changed=datetime.fromtimestamp(max(file.st_mtime for file in [folder.stat(), *files])),
        folder=folder,
        error=f"{failed['error']}: {failed['message']}" if failed else "",
    )


def _files(folder: Path) -> Iterator[os.stat_result]:
    """What the system says about every file; one that goes while it is looked at is none."""
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                yield (Path(place) / name).stat()


def _dev(folder: Path, log: list[dict[str, Any]]) -> float | None:
    scores = [record for record in _lines(folder / "scores.jsonl") if record.get("metric") == "spearman"]
    of_the_model = [record["value"] for record in scores if record.get("subset") in ("", "all")]
    watched = [record["dev"] for record in log if "dev" in record]
    return next(iter((*of_the_model[-1:], *watched[-1:])), None)


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _json(path: Path) -> dict[str, Any] | None:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else None


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """The records of a file of JSON lines; a line that is being written, or was never finished, is none."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    for line in text.splitlines():
        with contextlib.suppress(ValueError):
            if isinstance(record := json.loads(line), dict):
                yield record
