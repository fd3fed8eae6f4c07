from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from juyi.errors import MissingExtraError, UsageError
from juyi.training import JsonLines
from juyi.training.tracking import Trackers

CONFIG = {"training": {"batch_size": 64, "betas": (0.9, 0.999), "drop_last": True}, "encoder": {"model": "mini", "head": None}}
FLAT = {
    "training.batch_size": 64,
    "training.betas": "(0.9, 0.999)",
    "training.drop_last": True,
    "encoder.model": "mini",
    "encoder.head": "None",
}


def written(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_one_object_a_line(tmp_path: Path) -> None:
    log = JsonLines(tmp_path / "new" / "log.jsonl")
    log.write({"step": 1, "word": "句意"})
    assert written(tmp_path / "new" / "log.jsonl") == [{"step": 1, "word": "句意"}]  # flushed, before it is closed
    log.write({"step": 2})
    assert log.size == (tmp_path / "new" / "log.jsonl").stat().st_size
    log.close()


def test_it_is_cut_back_to_where_a_checkpoint_stood(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    log = JsonLines(path)
    log.write({"step": 1})
    kept = log.size
    log.write({"step": 2})
    log.close()
    again = JsonLines(path, keep_bytes=kept)
    assert again.size == kept  # also before anything is written
    again.write({"step": 3})
    assert again.size == path.stat().st_size
    again.close()
    assert written(path) == [{"step": 1}, {"step": 3}]


@pytest.mark.parametrize("keep_bytes", [None, 0])
def test_a_new_run_begins_an_empty_log(tmp_path: Path, keep_bytes: int | None) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"step": 1}\n')
    log = JsonLines(path, keep_bytes=keep_bytes)
    assert log.size == 0
    log.close()
    assert path.read_bytes() == b""


def test_a_log_that_is_gone_is_not_padded(tmp_path: Path) -> None:
    log = JsonLines(tmp_path / "log.jsonl", keep_bytes=500)
    assert log.size == 0
    log.write({"step": 9})
    log.close()
    assert written(tmp_path / "log.jsonl") == [{"step": 9}]


def curves(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """The curves that TensorBoard shows."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder / "tensorboard"))
    events.Reload()
    return {name: [(event.step, event.value) for event in events.Scalars(name)] for name in events.Tags()["scalars"]}


def test_tensorboard_shows_the_numbers(tmp_path: Path) -> None:
    trackers = Trackers(["tensorboard"], tmp_path / "run", CONFIG, "some/run")
    trackers.log({"step": 1, "loss": 2.5, "note": "The two views differ.", "rows": 8}, 1)
    trackers.log({"loss": 1.5, "on": True}, 11)
    trackers.log({"warning": "words alone"}, 12)
    trackers.close()
    assert curves(tmp_path / "run") == {"loss": [(1, 2.5), (11, 1.5)], "rows": [(1, 8.0)]}
    (settings,) = (tmp_path / "run" / "tensorboard").glob("*/hparams.yml")
    assert "training.batch_size: 64" in settings.read_text() and "encoder.model: mini" in settings.read_text()


def test_a_run_that_was_taken_up_has_one_curve(tmp_path: Path) -> None:
    first = Trackers(["tensorboard"], tmp_path, CONFIG, "run")
    for step in (1, 2, 3, 4):
        first.log({"loss": float(step)}, step)
    first.close()
    again = Trackers(["tensorboard"], tmp_path, CONFIG, "run", first_step=2)  # killed after step 4, the checkpoint was of step 2
    again.log({"loss": 30.0}, 3)
    again.close()
    assert curves(tmp_path) == {"loss": [(1, 1.0), (2, 2.0), (3, 30.0)]}
    assert len([*tmp_path.glob("tensorboard/*/hparams.yml")]) == 1


def test_a_run_from_the_beginning_forgets_the_old_curve(tmp_path: Path) -> None:
    for value in (1.0, 7.0):
        trackers = Trackers(["tensorboard"], tmp_path, {}, "run")
        trackers.log({"loss": value}, 1)
        trackers.close()
    assert curves(tmp_path) == {"loss": [(1, 7.0)]}


def test_no_trackers(tmp_path: Path) -> None:
    trackers = Trackers([], tmp_path / "run", CONFIG, "run")
    trackers.log({"loss": 1.0}, 1)
    trackers.close()
    assert not (tmp_path / "run").exists()


def test_an_unknown_tracker(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"training\.track names 'tensorbord'; allowed are tensorboard, wandb"):
        Trackers(["tensorbord"], tmp_path, CONFIG, "run")


@pytest.mark.parametrize(("name", "extra"), [("tensorboard", "track"), ("wandb", "wandb")])
def test_a_tracker_that_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, extra: str) -> None:
    monkeypatch.setitem(sys.modules, name, None)  # as if it were not there
    with pytest.raises(MissingExtraError, match=rf"training\.track = {name} needs .* pip install 'juyi\[{extra}\]'"):
        Trackers([name], tmp_path, CONFIG, "run")
    assert not [*tmp_path.iterdir()]


class RecordedRun:
    """What Weights & Biases was told."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []

    def log(self, values: dict[str, Any], step: int) -> None:
        self.calls.append(("log", (values, step)))

    def finish(self) -> None:
        self.calls.append(("finish", None))

    def update(self, values: dict[str, Any], allow_val_change: bool) -> None:
        self.calls.append(("config", values))


def test_weights_and_biases_is_told_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told, fake = RecordedRun(), ModuleType("wandb")

    def init(**options: Any) -> RecordedRun:
        told.calls.append(("init", options))
        return told

    fake.init, fake.config = init, told  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "wandb", fake)
    monkeypatch.delenv("WANDB_PROJECT", raising=False)
    trackers = Trackers(["wandb", "wandb"], tmp_path / "run", CONFIG, "simcse/0f3a", first_step=2)
    trackers.log({"loss": 1.5, "note": "words"}, 3)
    trackers.close()
    trackers.close()
    assert told.calls == [
        ("init", {"project": "juyi", "name": "simcse/0f3a", "group": "simcse/0f3a", "dir": str(tmp_path / "run")}),
        ("config", FLAT),
        ("log", ({"loss": 1.5}, 3)),
        ("finish", None),
    ]
    assert (tmp_path / "run").is_dir()  # it would write elsewhere otherwise


def test_weights_and_biases_offline(tmp_path: Path) -> None:
    pytest.importorskip("wandb")
    code = (
        "import sys; from pathlib import Path; from juyi.training.tracking import Trackers\n"
        "trackers = Trackers(['wandb'], Path(sys.argv[1]), {'training': {'batch_size': 64}}, 'simcse/0f3a')\n"
        "trackers.log({'loss': 1.5, 'note': 'words'}, 1); trackers.close()"
    )  # in a process of its own: it leaves threads and a service behind
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path], env={**os.environ, "WANDB_MODE": "offline"}, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout == b""
    (written,) = tmp_path.glob("wandb/offline-run-*/run-*.wandb")
    assert b"loss" in written.read_bytes() and b"training.batch_size" in written.read_bytes()
