"""The folder of a run: what lies where in it, and who writes what when.

`recipe.toml` and `environment.json` first, `log.jsonl` and `checkpoint/` while it trains, then `scores.jsonl`, `model/`, and
`finished.json` last: a folder that has it is whole. `failed.json` says what ended a run that failed.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from juyi.atomic import free_space, replaced_folder, write_text
from juyi.declarations import to_toml
from juyi.errors import OutputError, TrainingError
from juyi.experiments.environment import environment
from juyi.experiments.load import resolved
from juyi.experiments.recipe import AnyRecipe
from juyi.layout import MODULES, NATIVE_MODULES
from juyi.training import TrainResult
from juyi.types import Log

RECIPE = "recipe.toml"
FINISHED = "finished.json"
FAILED = "failed.json"


@dataclass(frozen=True)
class FinishedRun:
    """What `finished.json` says.

    Attributes:
        train_result: What the training came to.
        read: All that was read, by name or by setting, to its digest.
        counts: How much there was of it: rows, pairs, lines, what was left out; of a pre-training its tokens and parameters.
    """

    train_result: TrainResult
    read: dict[str, str] = field(default_factory=dict)
    counts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RunFolder:
    """The folder of a run.

    Attributes:
        path: `runs/<recipe>/<hash>`.
    """

    path: Path

    @property
    def model(self) -> Path:
        """The trained model."""
        return self.path / "model"

    @property
    def checkpoint(self) -> Path:
        """Where the run stands while it trains."""
        return self.path / "checkpoint"

    @property
    def log(self) -> Path:
        """One record a line, while it trains."""
        return self.path / "log.jsonl"

    @property
    def scores(self) -> Path:
        """The development scores, one a line."""
        return self.path / "scores.jsonl"

    def finished(self) -> FinishedRun | None:
        """What came out; None where the run is not done.

        Raises:
            TrainingError: The record is damaged.
        """
        path = self.path / FINISHED
        if not path.is_file():
            return None
        try:
            return TypeAdapter(FinishedRun).validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            raise TrainingError(
                f"{path} cannot be read ({type(error).__name__}). Remove the run (`juyi runs remove`)."
            ) from error

    def begin(self, recipe: AnyRecipe, log: Log) -> None:
        """Write what is to be done and on what; a run that is taken up on other versions is told so."""
        self.path.mkdir(parents=True, exist_ok=True)
        (self.path / FAILED).unlink(missing_ok=True)
        write_text(self.path / RECIPE, to_toml(resolved(recipe)))
        here, path = environment(), self.path / "environment.json"
        if self.checkpoint.is_dir() and path.is_file():
            began = json.loads(path.read_text(encoding="utf-8"))
            if changes := _changes(began, here):
                log(f"This run was begun with {changes}; its end may differ from that of a run that was never stopped.")
            return
        write_text(path, json.dumps(here, indent=2) + "\n")

    def check_space(self, weights: int, log: Log, *, checkpoints: bool) -> None:
        """Refuse to begin where what will be written cannot fit, and say so where it may not.

        Args:
            weights: Bytes of the encoder's weights; a checkpoint holds them and two moments of each.
            log: Hears that it is tight.
            checkpoints: Whether the run writes some; two lie there while the newer replaces the older.

        Raises:
            OutputError: There is not room enough.
        """
        free, needed = free_space(self.path), weights * (4 if checkpoints else 1)
        if free < needed:
            raise OutputError(
                self.path,
                f"the model{' and a checkpoint' if checkpoints else ''} take about {needed / 1e6:,.0f} MB, and {free / 1e6:,.0f} "
                "MB are free. Free some space, or take a place on another disk.",
            )
        if free < weights * (7 if checkpoints else 2):
            log(f"Note: the disk may become full: {free / 1e6:,.0f} MB are free around {self.path}.")

    def log_records(self) -> list[dict[str, Any]]:
        """What the log says so far; a last line that is being written is left out."""
        if not self.log.is_file():
            return []
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def write_scores(self, records: Sequence[Mapping[str, Any]]) -> None:
        """The development scores in their machine-readable form, each with the step that it belongs to."""
        write_text(self.scores, "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records))

    def finish(self, finished: FinishedRun) -> None:
        """The last thing that is written; the checkpoint is no longer needed."""
        write_text(self.path / FINISHED, json.dumps(asdict(finished), indent=2, ensure_ascii=False) + "\n")
        shutil.rmtree(self.checkpoint, ignore_errors=True)

    def fail(self, error: BaseException) -> None:
        """What ended the run; where even that cannot be written, nothing is."""
        record = {"error": type(error).__name__, "message": str(error)}
        with contextlib.suppress(OSError):
            write_text(self.path / FAILED, json.dumps(record, indent=2, ensure_ascii=False) + "\n")


def copy_model(model: Path, folder: Path) -> Path:
    """A finished model in a folder of its own, whole or not at all; an older model there is replaced.

    Raises:
        UsageError: Something else than a model lies there.
        OutputError: It cannot be written.
    """
    with replaced_folder(folder, MODULES, NATIVE_MODULES) as draft:
        shutil.copytree(model, draft, dirs_exist_ok=True)
    return folder


def _changes(began: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    """Which versions are others: "torch 2.13.0, here 2.14.0"."""
    before, now = ({**each["packages"], "juyi": each["juyi"], "Python": each["python"]} for each in (began, here))
    return ", ".join(f"{name} {before[name]}, here {now.get(name)}" for name in before if before[name] != now.get(name))
