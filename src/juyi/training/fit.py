"""The training loop, one for every objective."""

from __future__ import annotations

import copy
import math
import signal
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from juyi.encoder import Encoder
from juyi.errors import TrainingError
from juyi.objectives import Objective, at_all_widths
from juyi.training.batches import BatchPlan
from juyi.training.checkpoints import Position, load_checkpoint, save_checkpoint
from juyi.training.gather import ProcessWorld
from juyi.training.health import alarms, signals, two_views, unsaid
from juyi.training.randomness import seed_step
from juyi.training.rows import Rows, count_rows, hold_out, take_rows
from juyi.training.schedules import rate_factor
from juyi.training.settings import TrainingSettings
from juyi.training.steps import cached_step, encode_views, plain_step
from juyi.training.tracking import JsonLines, Trackers
from juyi.types import Encode

Evaluate = Callable[[Encode], Mapping[str, float]]
"""Figures of the encoder as it is; `dev` is the figure of merit, higher is better, and all of them go into the log."""


class TrainProgress(Protocol):
    """Is told about every step; the command line draws a bar from it.

    Of several processes each has its own. `loss`, `gradient_norm` and what is done in a second are those of all processes
    together; what the vectors are like (`uniformity`, `effective_rank`, `alignment`, `view_cosine`), the note and the warnings
    are of the rows of the process itself. The log is the first process's.
    """

    def __call__(self, step: int, steps: int, report: Mapping[str, float | str]) -> None:
        """Called after each step.

        Args:
            step: Steps done, those before a resumption included.
            steps: In all.
            report: What was measured at this step, as it goes into the log; often nothing.
        """
        ...


@dataclass(frozen=True)
class TrainResult:
    """What a run came to.

    Attributes:
        steps: Steps done, those before a resumption included.
        best_step: The step whose weights the encoder now has, where they were chosen on the development set.
        best_value: The development figure at that step.
        warnings: What the health signals said, each sentence once.
    """

    steps: int
    seconds: float
    best_step: int | None = None
    best_value: float | None = None
    warnings: tuple[str, ...] = ()


@dataclass
class TrainState:
    """The moving parts of one run.

    Attributes:
        objective_state: What `Objective.start` gave: a queue, a classifier, a second encoder.
        optimiser: AdamW.
        steps: Of the whole run.
        position: Where the run stands.
        best: The weights with the best development figure, where they are kept.
        learned: The numbers of the rows that are learned from.
        held_out: The columns of the rows that are not.
    """

    encoder: Encoder
    objective: Objective
    settings: TrainingSettings
    world: ProcessWorld
    objective_state: nn.Module
    optimiser: torch.optim.Optimizer
    steps: int
    position: Position
    best: dict[str, Any] | None = None
    learned: NDArray[np.intp] = field(default_factory=lambda: np.zeros(0, dtype=np.intp))
    held_out: dict[str, list[Any]] = field(default_factory=dict)


def fit(
    encoder: Encoder,
    objective: Objective,
    rows: Rows,
    settings: TrainingSettings,
    *,
    folder: Path,
    evaluate: Evaluate | None = None,
    progress: TrainProgress | None = None,
    device: str | torch.device | None = None,
) -> TrainResult:
    """Train the encoder in place; take up the run where `folder` holds a checkpoint of it.

    On a CPU a resumed run ends in the same bytes as one that was never stopped. Ctrl-C and SIGTERM save a checkpoint after the
    step in hand.

    Args:
        encoder: What to train.
        objective: What to minimise.
        rows: The columns that the objective names, equally long, sentences tokenized; see `Rows`.
        settings: How long, how fast.
        folder: The run's folder: `log.jsonl` and `checkpoint/` go there.
        evaluate: Figures on a development set; the one called `dev` is the figure of merit, higher is better.
        progress: Is told about every step.
        device: Where to train; the accelerator where there is one.

    Raises:
        TrainingError: Too few rows, nothing to train, no development set to evaluate on, a figure that is not finite, a
            checkpoint that cannot be read or does not fit.
        KeyboardInterrupt: The run was interrupted; the checkpoint is written.
    """
    world, where = (ProcessWorld.current(), torch.device(device)) if device is not None else ProcessWorld.join()
    encoder.to(where)
    objective = at_all_widths(objective)
    held_out, learned = hold_out(rows, count_rows(rows, objective), settings)
    plan = _plan(rows, learned, settings, world)
    steps = settings.steps or max(1, math.ceil(settings.epochs * plan.steps_per_epoch - 1e-9))
    if settings.evaluate_every and evaluate is None:
        raise TrainingError("training.evaluate_every is above 0, but there is no development set. Give one, or set it to 0.")
    state = _start(encoder, objective, settings, world, steps, folder)
    state.learned, state.held_out = learned, take_rows(rows, held_out)
    started = time.monotonic()
    try:
        _train(state, plan, rows, folder, evaluate, progress)
        if state.best is not None:
            encoder.load_state_dict(state.best)
    finally:
        encoder.eval()
    return TrainResult(
        steps=steps,
        seconds=time.monotonic() - started,
        best_step=None if state.best is None else state.position.best_step,
        best_value=None if state.best is None else state.position.best_value,
        warnings=state.position.warnings,
    )


def _train(
    state: TrainState, plan: BatchPlan, rows: Rows, folder: Path, evaluate: Evaluate | None, progress: TrainProgress | None
) -> None:
    settings, world, steps = state.settings, state.world, state.steps
    log = JsonLines(folder / "log.jsonl", keep_bytes=state.position.log_bytes)
    config = {"training": asdict(settings), "objective": repr(state.objective), "encoder": state.encoder.config.to_dict()}
    names = settings.track if world.rank == 0 else ()
    trackers = Trackers(names, folder, config, f"{folder.parent.name}-{folder.name}", first_step=state.position.step)
    with closing(log), closing(trackers), _interruptible() as interrupted:
        for step, batch in enumerate(plan.batches(state.position.step, steps), start=state.position.step):
            report = _step(state, take_rows(rows, state.learned[batch]), step)
            done = step + 1
            if done == 1:
                report["note"] = "\n".join([plan.describe(), *([str(report["note"])] if "note" in report else [])])
            if world.rank == 0 and settings.held_out and (done % settings.held_out_every == 0 or done == steps):
                report["held_out_loss"] = _held_out_loss(state)
            if evaluate is not None and settings.evaluate_every and (done % settings.evaluate_every == 0 or done == steps):
                report |= _evaluate(state, evaluate, done)
            if world.rank == 0 and report:
                log.write({"step": done, **report})
                trackers.log(report, done)
            state.position = replace(state.position, step=done, log_bytes=log.size)
            if progress is not None:
                progress(done, steps, report)
            stop = world.any(bool(interrupted), state.encoder.device)
            due = settings.checkpoint_every and done % settings.checkpoint_every == 0
            if world.rank == 0 and done < steps and (stop or due):
                _save(state, folder)
            if stop and done < steps:
                world.barrier()  # the first process still writes; whoever left now would have it ended
                raise KeyboardInterrupt


def _plan(rows: Rows, learned: NDArray[np.intp], settings: TrainingSettings, world: ProcessWorld) -> BatchPlan:
    def column(name: str, wanted: bool) -> NDArray[np.int64] | None:
        if wanted and name not in rows:
            raise TrainingError(f"training.{'distinct_batches' if name == 'keys' else 'mixing'} needs a column '{name}'.")
        return np.asarray(rows[name], dtype=np.int64)[learned] if wanted else None

    return BatchPlan(
        len(learned),
        settings.batch_size,
        settings.drop_last,
        settings.seed,
        world.rank,
        world.size,
        keys=column("keys", settings.distinct_batches),
        sources=column("source", settings.mixing != "joined"),
        mixing=settings.mixing,
    )


def _start(
    encoder: Encoder, objective: Objective, settings: TrainingSettings, world: ProcessWorld, steps: int, folder: Path
) -> TrainState:
    torch.manual_seed(settings.seed)
    objective_state = objective.start(encoder).to(encoder.device)
    world.broadcast([*encoder.state_dict().values(), *objective_state.state_dict().values()])
    parameters = [p for p in (*encoder.parameters(), *objective_state.parameters()) if p.requires_grad]
    if not parameters:
        raise TrainingError("Nothing is left to train: the backbone is frozen and there is no head. Add a head or unfreeze.")
    matrices, vectors = [p for p in parameters if p.ndim > 1], [p for p in parameters if p.ndim <= 1]
    optimiser = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": settings.weight_decay}, {"params": vectors, "weight_decay": 0.0}],
        lr=settings.learning_rate,
        betas=settings.betas,
        fused=True,
    )
    state = TrainState(
        encoder, objective, settings, world, objective_state, optimiser, steps, Position(0, world.size, steps=steps)
    )
    _resume(state, folder / "checkpoint")
    return state


def _resume(state: TrainState, folder: Path) -> None:
    found = load_checkpoint(folder, world_size=state.world.size)
    if found is None:
        return
    state.position, tensors = found
    if state.position.step >= state.steps:
        raise TrainingError(
            f"The checkpoint in {folder} stands at step {state.position.step}, this run has only {state.steps}: it belongs to a "
            "longer run. Give this run a folder of its own, or delete the checkpoint."
        )
    try:
        state.encoder.load_state_dict(tensors["encoder"])
        state.objective_state.load_state_dict(tensors["objective"])
        state.optimiser.load_state_dict(tensors["optimiser"])
    except (KeyError, RuntimeError, ValueError) as error:
        words = textwrap.shorten(str(error), 200, placeholder=" …")
        raise TrainingError(
            f"The checkpoint in {folder} is of another encoder or objective ({words}). Give this run a folder of its own, or "
            "delete the checkpoint."
        ) from error
    state.best = tensors.get("best")


def _step(state: TrainState, batch: dict[str, list[Any]], step: int) -> dict[str, float | str]:
    settings, world, device = state.settings, state.world, state.encoder.device
    rate = settings.learning_rate * rate_factor(step, state.steps, schedule=settings.schedule, warmup=settings.warmup)
    for group in state.optimiser.param_groups:
        group["lr"] = rate
    rng = seed_step(settings.seed, world.rank, step)
    began = time.monotonic()
    views = state.objective.inputs(batch, rng, state.encoder)
    take = cached_step if settings.cached else plain_step
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=settings.precision == "bfloat16"):
        loss, encoded = take(state.encoder, state.objective, views, world, state.objective_state, chunk_size=settings.chunk_size)
    parameters = [p for group in state.optimiser.param_groups for p in group["params"]]
    world.average_gradients(parameters)
    norm = nn.utils.clip_grad_norm_(parameters, settings.clip_norm or math.inf)
    value = float(world.mean(loss))
    if not (math.isfinite(value) and math.isfinite(norm)):  # a gradient that is not finite would spoil the weights in this step
        raise TrainingError(
            f"The loss became {value} with a gradient of norm {float(norm)} at step {step + 1}. The last checkpoint is "
            "untouched. Lower training.learning_rate, or set training.precision to float32."
        )
    state.optimiser.step()
    state.optimiser.zero_grad(set_to_none=True)
    state.objective.after_step(encoded, world, state.objective_state)
    done = step + 1
    if done % settings.log_every and done not in (1, state.steps):
        return {}
    health = signals(encoded, views)
    words = alarms(value, health, views, negatives=state.objective.in_batch_negatives)
    said = state.position.warnings
    state.position = replace(state.position, warnings=(*said, *unsaid(words, said)))
    seconds = time.monotonic() - began
    report: dict[str, float | str] = {"loss": value, **health, "learning_rate": rate, "gradient_norm": float(norm)}
    rows, tokens = sum(len(view.rows) for view in views) / len(views), sum(len(row) for view in views for row in view.rows)
    done_by_all = world.mean(torch.tensor([rows, tokens], dtype=torch.float64, device=device)) * world.size
    report |= dict(zip(("rows_per_second", "tokens_per_second"), (done_by_all / seconds).tolist(), strict=True))
    if words:
        report["warning"] = "\n".join(words)
    return report | two_views(encoded, views) if done == 1 else report


def _held_out_loss(state: TrainState) -> float:
    """Mean loss on the held-out rows, without dropout, in equal batches of two rows at least; the same masks every time."""
    settings, encoder, objective = state.settings, state.encoder, state.objective
    rng, losses, count = np.random.default_rng(settings.seed), [], settings.held_out
    parts = max(1, min(round(count / settings.batch_size), count // 2))
    for part in np.array_split(np.arange(count), parts):
        inputs = objective.inputs(take_rows(state.held_out, part), rng, encoder)
        views = [replace(view, dropout=False) for view in inputs]
        with (
            torch.no_grad(),
            torch.autocast(encoder.device.type, dtype=torch.bfloat16, enabled=settings.precision == "bfloat16"),
        ):
            encoded = encode_views(encoder, views, state.objective_state, chunk_size=settings.chunk_size)
        with torch.no_grad():
            losses.append(float(objective.loss(encoded, views, ProcessWorld(), state.objective_state)))
    return float(np.mean(losses))


def _evaluate(state: TrainState, evaluate: Evaluate, done: int) -> Mapping[str, float]:
    figures = evaluate(state.encoder.encode)
    value = figures["dev"]
    if math.isnan(value):
        raise TrainingError(f"The development figure is not a number at step {done}; the last checkpoint is untouched.")
    if value > state.position.best_value:
        state.position = replace(state.position, best_step=done, best_value=value)
        if state.settings.keep == "best":
            state.best = copy.deepcopy(state.encoder.state_dict())
    return figures


def _save(state: TrainState, folder: Path) -> None:
    tensors = {
        "encoder": state.encoder.state_dict(),
        "objective": state.objective_state.state_dict(),
        "optimiser": state.optimiser.state_dict(),
    }
    if state.best is not None:
        tensors["best"] = state.best
    save_checkpoint(folder / "checkpoint", state.position, tensors)


@contextmanager
def _interruptible() -> Iterator[list[int]]:
    """A list that is no longer empty once the user or the system asked to stop; the step in hand is finished first."""
    asked: list[int] = []

    def ask(number: int, frame: FrameType | None) -> None:
        if asked:  # a second time: at once
            raise KeyboardInterrupt
        asked.append(number)

    try:
        before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not the main thread: whoever runs us handles signals
        before = {}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
