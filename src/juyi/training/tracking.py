"""The run's log: one JSON object a line, and what other programs draw curves from."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, get_args

from juyi.errors import OutputError, UsageError
from juyi.extras import EXTRA_OF, require

TrackerName = Literal["tensorboard", "wandb"]
"""Where else a run may be followed. Not here is what prints to stdout, which belongs to data."""


class JsonLines:
    """Appends records to a file; can be cut back to where a checkpoint stood.

    Args:
        path: The log.
        keep_bytes: Keep this much of what is there; None keeps nothing.
    """

    def __init__(self, path: Path, *, keep_bytes: int | None = None) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._file = path.open("ab")
        self._file.truncate(min(keep_bytes or 0, os.fstat(self._file.fileno()).st_size))
        self._file.seek(0, os.SEEK_END)  # cutting leaves the position where the old end was, and `size` reads it

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self._file.tell()

    def write(self, record: dict[str, Any]) -> None:
        """Append one record and flush it.

        Raises:
            OutputError: It cannot be written: the disk is full, say.
        """
        try:
            self._file.write((json.dumps(record, ensure_ascii=False) + "\n").encode())
            self._file.flush()
        except OSError as error:
            raise OutputError(self._path, error) from error

    def close(self) -> None:
        """Close the file."""
        with suppress(OSError):  # what could not be written was told by `write`
            self._file.close()


class Trackers:
    """The figures of a run, passed on to other programs. The first process alone has one.

    TensorBoard's files are written to `folder/tensorboard`; when a run is taken up, what it wrote after its checkpoint no longer
    counts. A part of a run that was taken up is a run of its own at Weights & Biases, in the group `run_name` of the project
    `juyi`; its own variables (WANDB_MODE=offline, WANDB_PROJECT …) decide about accounts and the network.

    Args:
        names: Which ones; none is fine.
        folder: The run's folder.
        config: What the run was set to; tables within tables become dotted names.
        run_name: What the run is called.
        first_step: How many steps were done before.

    Raises:
        UsageError: A name that is unknown.
        MissingExtraError: The package of one is not installed.
    """

    def __init__(
        self, names: Sequence[str], folder: Path, config: Mapping[str, Any], run_name: str, *, first_step: int = 0
    ) -> None:
        for name in names:
            if name not in get_args(TrackerName):
                allowed = ", ".join(get_args(TrackerName))
                raise UsageError(f"training.track names {name!r}; allowed are {allowed}, and log.jsonl is always written.")
            require(name, extra=EXTRA_OF[name], purpose=f"training.track = {name}")
        self._trackers: list[Any] = []
        values = dict(_flat(config))
        for name in dict.fromkeys(names):
            tracker = _tracker(name, folder, run_name, first_step)
            tracker.start()
            self._trackers.append(tracker)
            if first_step == 0 or name != "tensorboard":  # there it would be shown as another run
                tracker.store_init_configuration(values)

    def log(self, record: Mapping[str, Any], step: int) -> None:
        """Pass on the numbers of a record; words stay in the log."""
        numbers = {
            name: value
            for name, value in record.items()
            if isinstance(value, int | float) and not isinstance(value, bool) and name != "step"
        }
        if numbers:
            for tracker in self._trackers:
                tracker.log(numbers, step=step)

    def close(self) -> None:
        """Write what is left; at Weights & Biases, end the run."""
        for tracker in self._trackers:
            tracker.finish()
        self._trackers = []


def _tracker(name: str, folder: Path, run_name: str, first_step: int) -> Any:
    from accelerate import PartialState  # type: ignore[import-untyped]
    from accelerate.tracking import TensorBoardTracker, WandBTracker  # type: ignore[import-untyped]

    PartialState()  # they ask it which process they are in
    folder.mkdir(parents=True, exist_ok=True)
    if name == "tensorboard":
        return TensorBoardTracker("tensorboard", folder, purge_step=first_step + 1)
    project = os.environ.get("WANDB_PROJECT", "juyi")  # accelerate's argument would win over the variable
    return WandBTracker(project, name=run_name, group=run_name, dir=str(folder))


def _flat(config: Mapping[str, Any], start: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in config.items():
        name = f"{start}{key}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{name}.")
        elif isinstance(value, bool | int | float | str):
            yield name, value
        else:  # lists and None: TensorBoard knows numbers and words alone
            yield name, str(value)
