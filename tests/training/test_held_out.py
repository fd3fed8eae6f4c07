"""Rows held out: never learned from, measured without leaving a trace."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from juyi.encoder import Encoder
from juyi.errors import TrainingError, UsageError
from juyi.objectives import AnyObjective, MaskedLM, SimCSEUnsupervised
from juyi.training import TrainingSettings, fit

STEPS = 7
Build = Callable[..., Encoder]
Rows = list[list[int]]


def settings(**changes: Any) -> TrainingSettings:
    usual = {"batch_size": 8, "chunk_size": 3, "learning_rate": 1e-3, "steps": STEPS, "log_every": 100, "held_out": 12}
    return TrainingSettings(**(usual | changes))


def log_of(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()
    return [{key: value for key, value in json.loads(line).items() if not key.endswith("per_second")} for line in lines]


def held_out_losses(folder: Path) -> dict[int, float]:
    return {record["step"]: record["held_out_loss"] for record in log_of(folder) if "held_out_loss" in record}


def weights(encoder: Encoder) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in encoder.state_dict().items()}


def assert_same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> None:
    assert first.keys() == second.keys()
    assert [name for name, tensor in first.items() if not torch.equal(tensor, second[name])] == []


class Spy(SimCSEUnsupervised):
    """Notes which rows are learned from (with gradient) and which are measured, in order."""

    def watched(self) -> Spy:
        object.__setattr__(self, "learned", [])
        object.__setattr__(self, "measured", [])
        return self

    def loss(self, encoded: Any, views: Any, world: Any, state: Any) -> torch.Tensor:
        learning = torch.is_grad_enabled()
        assert [view.dropout for view in views] == [learning] * 2
        seen = self.learned if learning else self.measured  # type: ignore[attr-defined]
        seen.append([tuple(row) for row in views[0].rows])
        return super().loss(encoded, views, world, state)


def flat(batches: list[list[tuple[int, ...]]]) -> list[tuple[int, ...]]:
    return [row for batch in batches for row in batch]


def by_hand(encoder: Encoder, sentences: list[str], temperature: float) -> float:
    """SimCSE's loss of two equal views."""
    vectors = [v / math.sqrt(float(v @ v)) for v in encoder.encode(sentences).astype(np.float64)]
    losses = []
    for own in vectors:
        odds = [math.exp(float(own @ other) / temperature) for other in vectors]
        losses.append(math.log(sum(odds)) - float(own @ own) / temperature)
    return float(np.mean(losses))


def test_held_out_rows_are_never_in_a_batch(tiny: Build, rows: Rows, tmp_path: Path) -> None:
    spy = Spy().watched()
    chosen = settings(steps=0, epochs=2, drop_last=False, held_out_every=4)
    assert fit(tiny(), spy, {"text": rows}, chosen, folder=tmp_path, device="cpu").steps == 12  # of 48 rows
    learned, measured = flat(spy.learned), set(flat(spy.measured))  # type: ignore[attr-defined]
    everything = {tuple(row) for row in rows}
    assert len(everything) == 60 and len(measured) == 12
    assert not measured & set(learned) and measured | set(learned) == everything and len(learned) == 2 * 48


def test_the_seed_draws_them(tiny: Build, rows: Rows, tmp_path: Path) -> None:
    found = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        spy = Spy().watched()
        fit(tiny(), spy, {"text": rows}, settings(steps=1, seed=seed), folder=tmp_path / name, device="cpu")
        found.append(frozenset(flat(spy.measured)))  # type: ignore[attr-defined]
    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize(("held_out", "parts"), [(12, [6, 6]), (8, [8]), (5, [5]), (21, [7, 7, 7]), (2, [2])])
def test_the_loss_is_the_mean_over_batches_at_the_steps_one_asked_for(
    tiny: Build, rows: Rows, sentences: list[str], tmp_path: Path, held_out: int, parts: list[int]
) -> None:
    encoder, spy, expected = tiny(), Spy(temperature=0.1).watched(), dict[int, float]()
    text_of = {tuple(row): sentence for row, sentence in zip(rows, sentences, strict=True)}

    def progress(step: int, steps: int, report: Any) -> None:
        if "held_out_loss" in report:
            batches = spy.measured[-len(parts) :]  # type: ignore[attr-defined]
            expected[step] = float(np.mean([by_hand(encoder, [text_of[row] for row in batch], 0.1) for batch in batches]))

    chosen = settings(held_out=held_out, held_out_every=3, steps=3 if held_out != 12 else STEPS)
    fit(encoder, spy, {"text": rows}, chosen, folder=tmp_path, device="cpu", progress=progress)
    measured = spy.measured  # type: ignore[attr-defined]
    assert [len(batch) for batch in measured[: len(parts)]] == parts
    assert sorted(expected) == ([3, 6, 7] if held_out == 12 else [3])
    assert held_out_losses(tmp_path) == pytest.approx(expected, rel=1e-4)
    assert len(set(expected.values())) == len(expected)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_same_masks_are_drawn_every_time(tiny: Build, rows: Rows, tmp_path: Path, precision: str) -> None:
    still = settings(learning_rate=1e-30, held_out_every=1, precision=precision)
    fit(tiny(), MaskedLM(rate=0.3), {"text": rows}, still, folder=tmp_path, device="cpu")
    losses = list(held_out_losses(tmp_path).values())
    assert len(losses) == STEPS and len(set(losses)) == 1 and 3 < losses[0] < 9  # nothing is learned, so nothing changes


def test_a_measurement_leaves_no_trace(tiny: Build, rows: Rows, tmp_path: Path) -> None:
    found = []
    for every in (1, 1000):
        encoder = tiny()
        chosen = settings(held_out_every=every, log_every=1)
        fit(encoder, SimCSEUnsupervised(), {"text": rows}, chosen, folder=tmp_path / str(every), device="cpu")
        found.append((weights(encoder), [record["loss"] for record in log_of(tmp_path / str(every))], torch.rand(3)))
    assert_same(found[0][0], found[1][0])
    assert found[0][1] == found[1][1] and torch.equal(found[0][2], found[1][2])  # torch's random stream stands where it stood
    assert list(held_out_losses(tmp_path / "1")) == list(range(1, STEPS + 1))
    assert list(held_out_losses(tmp_path / "1000")) == [STEPS]


def test_nothing_is_measured_where_nothing_is_held_out(tiny: Build, rows: Rows, tmp_path: Path) -> None:
    fit(tiny(), MaskedLM(), {"text": rows}, settings(held_out=0, held_out_every=1), folder=tmp_path, device="cpu")
    assert held_out_losses(tmp_path) == {}


def test_no_copy_of_a_held_out_row_is_learned_from(tiny: Build, rows: Rows, tmp_path: Path) -> None:
    repeated, origin = [*rows[:20] * 3, *rows[20:]], [*list(range(20)) * 3, *range(20, 60)]
    chosen = settings(steps=0, drop_last=False)
    for name, columns in (("known", {"text": repeated, "origin": np.array(origin)}), ("unknown", {"text": repeated})):
        spy = Spy().watched()
        fit(tiny(), spy, columns, chosen, folder=tmp_path / name, device="cpu")
        learned, measured = flat(spy.learned), flat(spy.measured)  # type: ignore[attr-defined]
        assert len(measured) == 12
        if name == "known":
            assert not set(learned) & set(measured)
            assert sorted(learned) == sorted(tuple(row) for row in repeated if tuple(row) not in set(measured))
        else:
            assert set(learned) & set(measured)


@pytest.mark.parametrize("objective", [SimCSEUnsupervised(), MaskedLM(rate=0.3)], ids=["simcse", "masked-lm"])
def test_a_resumed_run_ends_in_the_same_bits(tiny: Build, rows: Rows, tmp_path: Path, objective: AnyObjective) -> None:
    changes = {"held_out_every": 2, "log_every": 1, "checkpoint_every": 3}
    straight = tiny(seed=1)
    fit(straight, objective, {"text": rows}, settings(**changes), folder=tmp_path / "straight", device="cpu")

    def stop(step: int, steps: int, report: Any) -> None:
        if step == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(tiny(seed=1), objective, {"text": rows}, settings(**changes), folder=tmp_path / "b", device="cpu", progress=stop)
    resumed = tiny(seed=2)
    torch.rand(5)
    fit(resumed, objective, {"text": rows}, settings(**changes), folder=tmp_path / "b", device="cpu")
    assert_same(weights(resumed), weights(straight))
    assert log_of(tmp_path / "b") == log_of(tmp_path / "straight")
    assert list(held_out_losses(tmp_path / "b")) == [2, 4, 6, 7]


@pytest.mark.parametrize("held_out", [1, 60, 61])
def test_numbers_that_cannot_be(tiny: Build, rows: Rows, tmp_path: Path, held_out: int) -> None:
    with pytest.raises(TrainingError, match=f"held_out is {held_out}; of 60 rows 2 to 59 can be held out"):
        fit(tiny(), MaskedLM(), {"text": rows}, settings(held_out=held_out), folder=tmp_path, device="cpu")


def test_too_few_rows_are_left(tiny: Build, rows: Rows, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="There are 7 rows, too few for one batch of 8"):
        fit(tiny(), MaskedLM(), {"text": rows}, settings(held_out=53), folder=tmp_path, device="cpu")
    with pytest.raises(UsageError, match="held_out is -1; it must be at least 0"):
        settings(held_out=-1)
    with pytest.raises(UsageError, match="held_out_every is 0; it must be at least 1"):
        settings(held_out_every=0)
