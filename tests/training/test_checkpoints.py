from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from juyi.errors import TrainingError
from juyi.training import Position, load_checkpoint, save_checkpoint

TENSORS = {
    "encoder": {"weight": torch.arange(4.0)},
    "optimiser": {"state": {0: {"step": torch.tensor(3.0)}}, "groups": [{"lr": 0.1}]},
}


def test_there_is_none_at_first(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path / "checkpoint", world_size=1) is None


@pytest.mark.parametrize("position", [Position(3, 1), Position(12, 1, 8, 0.75, 345, ("a", "b"))])
def test_what_is_written_is_read(tmp_path: Path, position: Position) -> None:
    save_checkpoint(tmp_path, position, TENSORS)
    found = load_checkpoint(tmp_path, world_size=1)
    assert found is not None
    assert found[0] == position
    assert found[1].keys() == TENSORS.keys()
    assert torch.equal(found[1]["encoder"]["weight"], torch.arange(4.0))
    assert found[1]["optimiser"]["groups"] == [{"lr": 0.1}]


def test_only_the_newest_stays(tmp_path: Path) -> None:
    for step in (8, 9, 10, 100):
        save_checkpoint(tmp_path, Position(step, 1), TENSORS)
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000100"]


def test_a_checkpoint_that_was_not_finished_does_not_count_and_is_swept_away(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, Position(2, 1), TENSORS)
    (tmp_path / ".step-00000004.x1y2").mkdir()  # what a killed process leaves of the folder it was filling
    found = load_checkpoint(tmp_path, world_size=1)
    assert found is not None and found[0].step == 2
    save_checkpoint(tmp_path, Position(4, 1), TENSORS)
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000004"]


def test_a_failed_write_leaves_the_old_one(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, Position(2, 1), TENSORS)
    with pytest.raises(Exception, match="pickle"):
        save_checkpoint(tmp_path, Position(4, 1), TENSORS | {"bad": {"x": lambda: None}})
    found = load_checkpoint(tmp_path, world_size=1)
    assert found is not None and found[0].step == 2
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000002"]


@pytest.mark.parametrize("damage", ["position.json", "encoder.pt"])
def test_a_damaged_one_is_named(tmp_path: Path, damage: str) -> None:
    save_checkpoint(tmp_path, Position(2, 1), TENSORS)
    (tmp_path / "step-00000002" / damage).write_bytes(b"\x00half")
    with pytest.raises(TrainingError, match=r"step-00000002 cannot be read \(\w+\)\. Delete it"):
        load_checkpoint(tmp_path, world_size=1)


def test_one_without_warnings_is_read(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, Position(2, 1), TENSORS)
    path = tmp_path / "step-00000002" / "position.json"
    record = json.loads(path.read_text())
    del record["warnings"]
    path.write_text(json.dumps(record))
    found = load_checkpoint(tmp_path, world_size=1)
    assert found is not None and found[0] == Position(2, 1)


def test_another_number_of_processes(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, Position(2, 4), TENSORS)
    with pytest.raises(TrainingError, match="written by 4 processes, here are 1"):
        load_checkpoint(tmp_path, world_size=1)
