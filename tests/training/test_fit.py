from __future__ import annotations

import json
import math
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim.optimizer import register_optimizer_step_pre_hook

from juyi.encoder import Encoder, random_head
from juyi.errors import TrainingError
from juyi.objectives import AnyObjective, MaskedLM, SimCSEUnsupervised
from juyi.training import Position, TrainingSettings, fit, save_checkpoint

Weights = dict[str, torch.Tensor]


def settings(**changes: Any) -> TrainingSettings:
    usual = {"batch_size": 8, "chunk_size": 3, "learning_rate": 1e-3, "steps": 20, "log_every": 1, "seed": 5}
    return TrainingSettings(**(usual | changes))


def log_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]


def weights(encoder: Encoder) -> Weights:
    return {name: tensor.clone() for name, tensor in encoder.state_dict().items()}


def same(first: Weights, second: Weights) -> bool:
    return first.keys() == second.keys() and all(torch.equal(tensor, second[name]) for name, tensor in first.items())


class Loss(SimCSEUnsupervised):
    """SimCSE with another loss: a function of its own loss, the vectors and the number of the step."""

    def set(self, change: Callable[[torch.Tensor, torch.Tensor, int], torch.Tensor]) -> Loss:
        object.__setattr__(self, "change", change)
        object.__setattr__(self, "calls", 0)
        return self

    def loss(self, encoded: Any, views: Any, world: Any, state: Any) -> torch.Tensor:
        object.__setattr__(self, "calls", self.calls + 1)  # type: ignore[attr-defined]
        return self.change(super().loss(encoded, views, world, state), encoded[0], self.calls)  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize("objective", [SimCSEUnsupervised(), SimCSEUnsupervised(negatives="all-views"), MaskedLM()], ids=str)
def test_twenty_steps_are_a_function_of_the_seed(
    tiny: Callable[..., Encoder], rows: list[list[int]], tmp_path: Path, objective: AnyObjective
) -> None:
    found, losses = [], []
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        encoder = tiny()
        before = weights(encoder)
        fitted = fit(encoder, objective, {"text": rows}, settings(seed=seed), folder=tmp_path / name, device="cpu")
        assert fitted.steps == 20 and not encoder.training
        assert not same(weights(encoder), before)
        found.append(weights(encoder))
        losses.append([record["loss"] for record in log_of(tmp_path / name)])
        torch.rand(3)
    assert same(found[0], found[1]) and losses[0] == losses[1] and len(losses[0]) == 20
    assert not same(found[0], found[2])


@pytest.mark.parametrize("kind", ["bert", "modernbert"])
def test_a_masked_language_model_learns_sentences_by_heart(
    tiny: Callable[..., Encoder], rows: list[list[int]], tmp_path: Path, kind: str
) -> None:
    encoder = tiny(kind, dropout=0.0)
    fit(encoder, MaskedLM(), {"text": rows[:6] * 10}, settings(learning_rate=1e-2, steps=70), folder=tmp_path, device="cpu")
    losses = [record["loss"] for record in log_of(tmp_path)]
    assert sum(losses[-5:]) < 0.75 * sum(losses[:5])


def test_simcse_learns_to_tell_sentences_apart(tiny: Callable[..., Encoder], rows: list[list[int]], tmp_path: Path) -> None:
    fit(tiny(), SimCSEUnsupervised(), {"text": rows}, settings(steps=40), folder=tmp_path, device="cpu")
    log = log_of(tmp_path)
    assert sum(r["loss"] for r in log[-5:]) < 0.6 * sum(r["loss"] for r in log[:5])
    assert sum(r["uniformity"] for r in log[-5:]) < sum(r["uniformity"] for r in log[:5])


def test_the_log_holds_what_one_wants_to_see(tiny: Callable[..., Encoder], rows: list[list[int]], tmp_path: Path) -> None:
    seen: list[tuple[int, int, bool]] = []
    chosen = settings(steps=10, log_every=4, warmup=0.2)
    fit(
        tiny(),
        SimCSEUnsupervised(),
        {"text": rows},
        chosen,
        folder=tmp_path,
        device="cpu",
        progress=lambda step, steps, report: seen.append((step, steps, bool(report))),
    )
    log = log_of(tmp_path)
    assert [record["step"] for record in log] == [1, 4, 8, 10]
    assert seen == [(step, 10, step in (1, 4, 8, 10)) for step in range(1, 11)]
    assert {"loss", "uniformity", "alignment", "learning_rate", "gradient_norm", "rows_per_second", "tokens_per_second"} < set(
        log[0]
    )
    assert [record["learning_rate"] for record in log] == pytest.approx([5e-4, 1e-3 * 7 / 8, 1e-3 * 3 / 8, 1e-3 / 8])


@pytest.mark.parametrize(("epochs", "steps"), [(1.0, 7), (0.5, 4), (2.0, 14), (0.01, 1)])
def test_epochs_become_steps(
    tiny: Callable[..., Encoder], rows: list[list[int]], tmp_path: Path, epochs: float, steps: int
) -> None:
    chosen = settings(steps=0, epochs=epochs)
    assert fit(tiny(), SimCSEUnsupervised(), {"text": rows}, chosen, folder=tmp_path, device="cpu").steps == steps
    assert log_of(tmp_path)[-1]["step"] == steps


def test_the_device_is_found(tiny: Callable[..., Encoder], rows: list[list[int]], tmp_path: Path) -> None:
    assert fit(tiny(), SimCSEUnsupervised(), {"text": rows}, settings(steps=2), folder=tmp_path).steps == 2


@pytest.mark.parametrize("training_only", [False, True])
@pytest.mark.parametrize("views", ["dropout", "no-dropout"])
def test_a_frozen_backbone_trains_the_head_only(
    tiny: Callable[..., Encoder], rows: list[list[int]], tmp_path: Path, views: Any, training_only: bool
) -> None:
    torch.manual_seed(0)
    encoder = tiny(heads=(random_head(32, "linear", training_only=training_only),))
    encoder.backbone.requires_grad_(False)
    before = weights(encoder)
    fit(encoder, SimCSEUnsupervised(views=views), {"text": rows}, settings(steps=3), folder=tmp_path, device="cpu")
    changed = {name for name, tensor in weights(encoder).items() if not torch.equal(tensor, before[name])}
    assert changed == {"heads.0.linear.weight", "heads.0.linear.bias"}


def test_nothing_to_train(tiny: Callable[..., Encoder], rows: list[list[int]], tmp_path: Path) -> None:
    encoder = tiny()
    encoder.requires_grad_(False)
    with pytest.raises(TrainingError, match="Nothing is left to train"):
        fit(encoder, SimCSEUnsupervised(), {"text": rows}, settings(), folder=tmp_path, device="cpu")


def test_rows_that_do_not_fit(tiny: Callable[..., Encoder], rows: list[list[int]], tmp_path: Path) -> None:
    for wrong, words in (
        ({"text": rows[:7]}, "There are 7 rows, too few for one batch of 8"),
        ({"first": rows}, "needs the columns text; text is missing"),
        ({"text": rows, "other": rows[:9]}, "not equally long: text has 60 rows, other has 9 rows"),
    ):
        with pytest.raises(TrainingError, match=words):
            fit(tiny(), SimCSEUnsupervised(), wrong, settings(), folder=tmp_path, device="cpu")


def test_evaluation_needs_a_development_set(tiny: Callable[..., Encoder], rows: list[list[int]], tmp_path: Path) -> None:
    for chosen in (settings(evaluate_every=2), settings(evaluate_every=2, keep="best")):
        with pytest.raises(TrainingError, match="no development set"):
            fit(tiny(), SimCSEUnsupervised(), {"text": rows}, chosen, folder=tmp_path, device="cpu")


@pytest.mark.parametrize(
    "change",
    [
        lambda loss, vectors, call: loss * (math.nan if call == 5 else 1.0),
        lambda loss, vectors, call: loss * (math.inf if call == 5 else 1.0),
        # the loss is finite, its gradient is not: the root has none at 0
        lambda loss, vectors, call: loss + ((vectors * 0).sum().sqrt() if call == 5 else 0.0),
    ],
    ids=["nan", "inf", "gradient"],
)
def test_what_is_not_finite_ends_the_run_and_spares_weights_and_checkpoint(
    tiny: Callable[..., Encoder], rows: list[list[int]], tmp_path: Path, change: Any
) -> None:
    encoder = tiny()
    with pytest.raises(TrainingError, match=r"at step 5\. The last checkpoint is untouched"):
        fit(encoder, Loss().set(change), {"text": rows}, settings(checkpoint_every=1), folder=tmp_path, device="cpu")
    assert [path.name for path in (tmp_path / "checkpoint").iterdir()] == ["step-00000004"]
    assert all(bool(tensor.isfinite().all()) for tensor in encoder.state_dict().values())
    assert [record["step"] for record in log_of(tmp_path)] == [1, 2, 3, 4]
    assert not encoder.training
    again = fit(tiny(seed=9), SimCSEUnsupervised(), {"text": rows}, settings(), folder=tmp_path, device="cpu")
    assert again.steps == 20


def test_a_development_figure_that_is_no_number(tiny: Callable[..., Encoder], rows: list[list[int]], tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="not a number at step 4"):
        fit(
            tiny(),
            SimCSEUnsupervised(),
            {"text": rows},
            settings(evaluate_every=4),
            folder=tmp_path,
            device="cpu",
            evaluate=lambda encode: {"dev": math.nan},
        )


def test_weight_decay_is_for_matrices_only(tiny: Callable[..., Encoder], rows: list[list[int]], tmp_path: Path) -> None:
    encoder = tiny()
    nn.init.normal_(encoder.backbone.get_parameter("encoder.layer.0.attention.self.query.bias"))
    before = weights(encoder)
    still = Loss().set(lambda loss, vectors, call: (vectors * 0).sum())
    chosen = settings(steps=2, schedule="constant", learning_rate=0.1, weight_decay=0.5)
    fit(encoder, still, {"text": rows}, chosen, folder=tmp_path, device="cpu")
    for name, tensor in weights(encoder).items():
        if "position_ids" not in name and "token_type_ids" not in name:
            factor = (1 - 0.1 * 0.5) ** 2 if tensor.ndim > 1 else 1.0
            torch.testing.assert_close(tensor, before[name] * factor)


@pytest.mark.parametrize("clip_norm", [0.0, 0.01, 1e6])
def test_clipping(tiny: Callable[..., Encoder], rows: list[list[int]], tmp_path: Path, clip_norm: float) -> None:
    norms: list[float] = []

    def note(optimiser: torch.optim.Optimizer, *_: Any) -> None:
        squares = [
            float(p.grad.square().sum()) for group in optimiser.param_groups for p in group["params"] if p.grad is not None
        ]
        norms.append(math.sqrt(sum(squares)))

    hook = register_optimizer_step_pre_hook(note)
    try:
        fit(tiny(), SimCSEUnsupervised(), {"text": rows}, settings(steps=3, clip_norm=clip_norm), folder=tmp_path, device="cpu")
    finally:
        hook.remove()
    logged = [record["gradient_norm"] for record in log_of(tmp_path)]
    assert min(logged) > 0.01
    assert norms == pytest.approx([0.01] * 3 if clip_norm == 0.01 else logged, rel=1e-4)


def test_the_best_weights_are_kept(tiny: Callable[..., Encoder], rows: list[list[int]], tmp_path: Path) -> None:
    figures, seen = [0.1, 0.7, 0.3, 0.7, 0.2], list[Weights]()
    for keep in ("best", "last"):
        encoder = tiny()
        seen.clear()

        def evaluate(encode: Any, encoder: Encoder = encoder) -> dict[str, float]:
            assert encode(["天气"]).shape == (1, 32)  # an inference-mode pass between two steps
            seen.append(weights(encoder))
            return {"dev": figures[len(seen) - 1], "dev_uniformity": -1.0 - len(seen)}

        chosen = settings(steps=9, evaluate_every=2, keep=keep, log_every=3)
        fitted = fit(encoder, MaskedLM(), {"text": rows}, chosen, folder=tmp_path / keep, device="cpu", evaluate=evaluate)
        log = log_of(tmp_path / keep)
        assert [(r["step"], r["dev"]) for r in log if "dev" in r] == [(2, 0.1), (4, 0.7), (6, 0.3), (8, 0.7), (9, 0.2)]
        assert [r["dev_uniformity"] for r in log if "dev" in r] == [-2, -3, -4, -5, -6]  # all figures go into the log
        assert not same(seen[1], seen[-1])
        if keep == "best":  # the first of equals
            assert (fitted.best_step, fitted.best_value) == (4, 0.7)
            assert same(weights(encoder), seen[1])
        else:
            assert (fitted.best_step, fitted.best_value) == (None, None)
            assert same(weights(encoder), seen[-1])


def test_each_warning_once_and_in_the_log_only_where_it_holds(
    tiny: Callable[..., Encoder], rows: list[list[int]], tmp_path: Path
) -> None:
    encoder = tiny(dropout=0.0)
    fitted = fit(encoder, SimCSEUnsupervised(), {"text": rows}, settings(steps=3), folder=tmp_path / "a", device="cpu")
    (words,) = fitted.warnings
    assert "dropout is off" in words
    assert [record.get("warning") for record in log_of(tmp_path / "a")] == [words] * 3
    fitted = fit(tiny(), SimCSEUnsupervised(), {"text": rows}, settings(steps=3), folder=tmp_path / "b", device="cpu")
    assert fitted.warnings == () and all("warning" not in record for record in log_of(tmp_path / "b"))


def test_the_queue_of_an_objective_hears_of_every_step(
    tiny: Callable[..., Encoder], rows: list[list[int]], tmp_path: Path
) -> None:
    heard: list[int] = []

    class Queue(SimCSEUnsupervised):
        def after_step(self, encoded: Any, world: Any, state: Any) -> None:
            heard.append(len(encoded[0]))

    fit(tiny(), Queue(), {"text": rows}, settings(steps=3), folder=tmp_path, device="cpu")
    assert heard == [8, 8, 8]


def test_a_checkpoint_of_another_run_is_refused(tiny: Callable[..., Encoder], rows: list[list[int]], tmp_path: Path) -> None:
    def start(kind: str, objective: AnyObjective, steps: int) -> None:
        fit(tiny(kind), objective, {"text": rows}, settings(steps=steps, checkpoint_every=3), folder=tmp_path, device="cpu")

    start("bert", SimCSEUnsupervised(), 4)
    for kind, objective, steps, words in (
        ("modernbert", SimCSEUnsupervised(), 4, "another encoder or objective"),
        ("bert", MaskedLM(), 4, "another encoder or objective"),
        ("bert", SimCSEUnsupervised(), 3, "stands at step 3, this run has only 3"),
    ):
        with pytest.raises(TrainingError, match=words):
            start(kind, objective, steps)  # type: ignore[arg-type]
    save_checkpoint(tmp_path / "checkpoint", Position(3, 1), {"encoder": {}})
    with pytest.raises(TrainingError, match="another encoder or objective"):
        start("bert", SimCSEUnsupervised(), 4)
    save_checkpoint(tmp_path / "checkpoint", Position(3, 2), {})
    with pytest.raises(TrainingError, match="written by 2 processes, here are 1"):
        start("bert", SimCSEUnsupervised(), 4)


def test_a_thread_may_train_and_signals_are_put_back(tiny: Callable[..., Encoder], rows: list[list[int]], tmp_path: Path) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    done: list[int] = []

    def train() -> None:
        done.append(fit(tiny(), MaskedLM(), {"text": rows}, settings(steps=2), folder=tmp_path / "a", device="cpu").steps)

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    train()
    assert done == [2, 2]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_stops_at_once(
    tiny: Callable[..., Encoder], rows: list[list[int]], tmp_path: Path, number: signal.Signals
) -> None:
    reached: list[int] = []

    def progress(step: int, steps: int, report: Any) -> None:
        signal.raise_signal(number)
        reached.append(step)
        signal.raise_signal(number)
        reached.append(-step)

    with pytest.raises(KeyboardInterrupt):
        fit(tiny(), MaskedLM(), {"text": rows}, settings(), folder=tmp_path, device="cpu", progress=progress)
    assert reached == [1]
    assert not (tmp_path / "checkpoint").exists()
