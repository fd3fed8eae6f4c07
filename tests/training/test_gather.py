from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from two_processes import LOGGED

from juyi.training import ProcessWorld

CASES = ["masked-lm", "masked-lm-one-sided"]


def test_a_single_process_is_a_world() -> None:
    world, rows = ProcessWorld.current(), torch.randn(3, 2, requires_grad=True)
    assert (world.rank, world.size) == (0, 1)
    assert world.gather(rows) is rows
    assert world.any(True, rows.device) and not world.any(False, rows.device)
    (rows * 2).sum().backward()
    world.average_gradients([torch.nn.Parameter(torch.ones(1))])
    world.broadcast([rows])
    assert float(world.mean(torch.tensor(2.5))) == 2.5
    world.barrier()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("together")
    script = Path(__file__).parent / "two_processes.py"
    one_thread = os.environ | {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    command = [sys.executable, "-W", "error", script, folder]
    done = subprocess.run(command, capture_output=True, text=True, env=one_thread, check=False, timeout=900)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def found(folder: Path) -> list[dict[str, Any]]:
    return [torch.load(folder / f"found-{rank}.pt", weights_only=True) for rank in (0, 1)]


@pytest.fixture(scope="module")
def alone(folder: Path) -> dict[str, Any]:
    return torch.load(folder / "alone.pt", weights_only=True)  # type: ignore[no-any-return]


@pytest.mark.distributed
def test_each_process_knows_its_place(found: list[dict[str, Any]]) -> None:
    assert [one["world"] for one in found] == [(0, 2), (1, 2)]
    assert [one["any"] for one in found] == [[True, False]] * 2


@pytest.mark.distributed
@pytest.mark.parametrize("case", CASES)
def test_two_processes_have_the_loss_and_the_gradients_of_one(
    found: list[dict[str, Any]], alone: dict[str, Any], case: str
) -> None:
    (loss0, gradients0), (loss1, gradients1) = (one["steps"][case] for one in found)
    loss, gradients = alone["steps"][case]
    assert float(loss0 + loss1) / 2 == pytest.approx(float(loss), abs=1e-6, rel=2e-7)
    assert gradients0.keys() == gradients1.keys() == gradients.keys()
    length = float(torch.cat([gradient.flatten() for gradient in gradients.values()]).norm())
    assert length > 1
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradients0[name] / length, gradient / length, atol=1e-6, rtol=0, msg=name)
        assert torch.equal(gradients0[name], gradients1[name])


@pytest.mark.distributed
def test_the_second_process_hides_more(found: list[dict[str, Any]], alone: dict[str, Any]) -> None:
    """Without its weight, a process with few hidden tokens would count as much as one with many: the case is no idle one."""
    (loss0, _), (loss1, _) = (one["steps"]["masked-lm"] for one in found)
    assert float(loss1) > 2 * float(loss0)


@pytest.mark.distributed
def test_a_whole_run_of_two_processes_is_that_of_one(found: list[dict[str, Any]], alone: dict[str, Any]) -> None:
    together, other = (one["fitted"]["simcse"] for one in found)
    for name, weights in alone["fitted"]["simcse"].items():
        assert torch.equal(together[name], other[name])
        torch.testing.assert_close(together[name], weights, atol=2e-4, rtol=0, msg=name)


def log_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.mark.distributed
@pytest.mark.parametrize("case", LOGGED)
def test_the_logged_loss_is_that_of_the_whole_batch(folder: Path, case: str) -> None:
    together, one = log_of(folder / "together" / case), log_of(folder / "one" / case)
    assert [line["step"] for line in together] == [line["step"] for line in one] == [1, 2]
    for found, wanted in zip(together, one, strict=True):
        assert found["loss"] == pytest.approx(wanted["loss"], rel=1e-5, abs=1e-6)
        assert found["gradient_norm"] == pytest.approx(wanted["gradient_norm"], rel=1e-3)


@pytest.mark.distributed
def test_what_is_done_in_a_second_is_done_by_both(folder: Path) -> None:
    """Rows and tokens come from one clock, so their ratio is that of the whole batch whatever the time was."""
    lines = log_of(folder / "together" / "triplet"), log_of(folder / "one" / "triplet")
    for found, wanted in zip(*lines, strict=True):
        ratios = [line["tokens_per_second"] / line["rows_per_second"] for line in (found, wanted)]
        assert ratios[0] == pytest.approx(ratios[1])


@pytest.mark.distributed
def test_a_signal_to_one_process_stops_both_and_the_run_goes_on_in_the_same_bits(
    found: list[dict[str, Any]], folder: Path
) -> None:
    assert [one["saved"] for one in found] == [["step-00000004"]] * 2
    assert len({one[key] for one in found for key in ("straight", "resumed")}) == 1
    lines = [json.loads(line) for line in (folder / "stopped" / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(1, 9))


@pytest.mark.distributed
def test_another_number_of_processes_cannot_go_on(folder: Path) -> None:
    assert (folder / "error.txt").read_text().startswith("TrainingError")
    assert "written by 2 processes, here are 1" in (folder / "error.txt").read_text()
