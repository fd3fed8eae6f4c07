from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_encoders import SENTENCES, tokenizer

from juyi.encoder import Encoder
from juyi.objectives import AnyObjective, MaskedLM, SimCSEUnsupervised
from juyi.tokenization import row_words
from juyi.training import Evaluate, TrainingSettings, TrainResult, fit

STEPS = 11
OBJECTIVES: list[AnyObjective] = [SimCSEUnsupervised(negatives="all-views"), MaskedLM(rate=0.3, whole_words=True)]
TIMES = ("rows_per_second", "tokens_per_second")


def settings(**changes: Any) -> TrainingSettings:
    usual = {
        "batch_size": 8,
        "chunk_size": 3,
        "learning_rate": 1e-3,
        "steps": STEPS,
        "log_every": 1,
        "checkpoint_every": 4,
        "warmup": 0.2,
    }
    return TrainingSettings(**(usual | changes))


def log_of(folder: Path) -> list[dict[str, Any]]:
    """The log without what the clock says."""
    lines = (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()
    return [{key: value for key, value in json.loads(line).items() if key not in TIMES} for line in lines]


def weights(encoder: Encoder) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in encoder.state_dict().items()}


def assert_same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> None:
    assert first.keys() == second.keys()
    assert [name for name, tensor in first.items() if not torch.equal(tensor, second[name])] == []


def stop_after(last: int) -> Callable[..., None]:
    def progress(step: int, steps: int, report: Any) -> None:
        if step == last:
            raise KeyboardInterrupt

    return progress


class Run:
    """One run, started again as often as wanted; each start builds an encoder with other weights and counts its evaluations."""

    def __init__(
        self, build: Callable[..., Encoder], rows: list[list[int]], folder: Path, objective: AnyObjective, **changes: Any
    ) -> None:
        self.build, self.rows, self.folder, self.objective = build, rows, folder, objective
        self.settings = settings(**changes)
        self.starts = 0

    def start(self, *, stop: int = 0, kind: str = "bert", evaluate: Evaluate | None = None) -> tuple[Encoder, TrainResult | None]:
        encoder = self.build(kind, seed=1 + self.starts)
        self.starts += 1
        torch.rand(self.starts)
        try:
            fitted = fit(
                encoder,
                self.objective,
                {"text": self.rows, "text_words": row_words(SENTENCES[: len(self.rows)], self.rows, tokenizer())},
                self.settings,
                folder=self.folder,
                device="cpu",
                progress=stop_after(stop),
                evaluate=evaluate,
            )
        except KeyboardInterrupt:
            assert stop
            return encoder, None
        return encoder, fitted


@pytest.mark.parametrize("kind", ["bert", "modernbert"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("objective", OBJECTIVES, ids=["simcse", "masked-lm"])
def test_a_resumed_run_ends_in_the_same_bits(
    tiny: Callable[..., Encoder], rows: list[list[int]], tmp_path: Path, objective: AnyObjective, precision: str, kind: str
) -> None:
    straight, _ = Run(tiny, rows, tmp_path / "straight", objective, precision=precision, checkpoint_every=0).start(kind=kind)
    run = Run(tiny, rows, tmp_path / "stopped", objective, precision=precision)
    for stop in (6, 7, 10):  # after a checkpoint; before the next one; after the second
        assert run.start(stop=stop, kind=kind)[1] is None
    resumed, fitted = run.start(kind=kind)
    assert fitted is not None and fitted.steps == STEPS
    assert_same(weights(resumed), weights(straight))
    assert log_of(tmp_path / "stopped") == log_of(tmp_path / "straight")
    assert [record["step"] for record in log_of(tmp_path / "stopped")] == list(range(1, STEPS + 1))


@pytest.mark.parametrize("log_every", [3, 7])
def test_the_log_has_no_line_twice_though_a_checkpoint_came_before_the_first_line(
    tiny: Callable[..., Encoder], rows: list[list[int]], tmp_path: Path, log_every: int
) -> None:
    changes = {"log_every": log_every, "checkpoint_every": 1}
    Run(tiny, rows, tmp_path / "straight", MaskedLM(), **changes).start()
    run = Run(tiny, rows, tmp_path / "stopped", MaskedLM(), **changes)
    for stop in range(2, STEPS):
        run.start(stop=stop)
    run.start()
    assert log_of(tmp_path / "stopped") == log_of(tmp_path / "straight")


@pytest.mark.parametrize("stop", [5, 7, 9])
def test_the_best_weights_are_kept_across_a_stop(
    tiny: Callable[..., Encoder], rows: list[list[int]], tmp_path: Path, stop: int
) -> None:
    figures = {2: 0.2, 4: 0.9, 6: 0.3, 8: 0.5, 10: 0.1, 11: 0.2}  # the best one, at step 4, lies in the checkpoint of step 4

    def figure(*steps: int) -> Evaluate:
        left = list(steps)
        return lambda encode: {"dev": figures[left.pop(0)]}

    changes = {"evaluate_every": 2, "keep": "best"}
    straight, first = Run(tiny, rows, tmp_path / "a", MaskedLM(), **changes).start(evaluate=figure(2, 4, 6, 8, 10, 11))
    run = Run(tiny, rows, tmp_path / "b", MaskedLM(), **changes)
    run.start(stop=stop, evaluate=figure(2, 4, 6, 8))
    resumed, second = run.start(evaluate=figure(*((6, 8) if stop < 8 else ()), 10, 11))
    assert first is not None and second is not None
    assert (first.best_step, first.best_value) == (second.best_step, second.best_value) == (4, 0.9)
    assert_same(weights(resumed), weights(straight))


def test_warnings_outlive_a_stop(tiny: Callable[..., Encoder], rows: list[list[int]], tmp_path: Path) -> None:
    def build(kind: str, seed: int) -> Encoder:
        return tiny(kind, seed=seed, dropout=0.0 if seed == 1 else 0.1)  # dropout is off until the run is stopped

    run = Run(build, rows, tmp_path, SimCSEUnsupervised())
    run.start(stop=5)
    _, fitted = run.start()
    assert fitted is not None
    assert [words for words in fitted.warnings if "dropout is off" in words]


def test_a_finished_run_is_not_spoiled_by_a_second_start(
    tiny: Callable[..., Encoder], rows: list[list[int]], tmp_path: Path
) -> None:
    run = Run(tiny, rows, tmp_path, MaskedLM())
    first, _ = run.start()
    wanted, log = weights(first), log_of(tmp_path)
    second, _ = run.start()
    assert_same(weights(second), wanted)
    assert log_of(tmp_path) == log
