"""Checkpoints: whole or not there, and enough to go on as if nothing had happened."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from juyi.atomic import replaced_folder
from juyi.errors import TrainingError


@dataclass(frozen=True)
class Position:
    """Where a run stands.

    Attributes:
        step: Steps done.
        world_size: Processes of the run.
        best_step: The step of the best development figure so far, -1 before there is one.
        best_value: That figure.
        log_bytes: Length of the log at this point; what a killed run wrote after it is dropped.
        warnings: What the health signals said until here.
        steps: Steps of the whole run; 0 where it is not known.
    """

    step: int
    world_size: int
    best_step: int = -1
    best_value: float = float("-inf")
    log_bytes: int = 0
    warnings: tuple[str, ...] = ()
    steps: int = 0


def save_checkpoint(folder: Path, position: Position, tensors: dict[str, Any]) -> None:
    """Write `folder/step-N`, then delete the older ones and what a killed run left half written.

    Whoever calls it holds the run's folder (`juyi.locks`): another process's draft would be deleted too.

    Args:
        folder: The run's checkpoint folder.
        position: Where the run stands.
        tensors: Name to a state_dict.
    """
    target = folder / f"step-{position.step:08d}"
    with replaced_folder(target, "position.json") as draft:
        for name, state in tensors.items():
            with (draft / f"{name}.pt").open("wb") as file:  # given a path, torch would abort the process where the disk is full
                torch.save(state, file)
        (draft / "position.json").write_text(json.dumps(asdict(position)) + "\n", encoding="utf-8")
    for old in (*folder.glob("step-*"), *folder.glob(".step-*")):  # with a dot: the draft of a run killed while it wrote
        if old != target:
            shutil.rmtree(old)


def load_checkpoint(folder: Path, *, world_size: int) -> tuple[Position, dict[str, Any]] | None:
    """The newest checkpoint of a run, or None where there is none.

    Raises:
        TrainingError: It was written by another number of processes, or cannot be read.
    """
    found = sorted(folder.glob("step-*"))
    if not found:
        return None
    newest = found[-1]
    try:
        record = json.loads((newest / "position.json").read_text(encoding="utf-8"))
        position = Position(**record | {"warnings": tuple(record.get("warnings", ()))})
        tensors = {path.stem: torch.load(path, weights_only=True, map_location="cpu") for path in newest.glob("*.pt")}
    except Exception as error:
        raise TrainingError(
            f"The checkpoint {newest} cannot be read ({type(error).__name__}). Delete it to start the run from the beginning."
        ) from error
    if position.world_size != world_size:
        raise TrainingError(
            f"The checkpoint {newest} was written by {position.world_size} processes, here are {world_size}. Batches and dropout "
            "are drawn per process, so the run would not be the same. Resume with as many, or delete it to start anew."
        )
    return position, tensors
