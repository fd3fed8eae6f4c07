"""How long, how fast, how many at a time: the recipe's [training] table."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from juyi.errors import UsageError
from juyi.training.batches import Mixing
from juyi.training.tracking import TrackerName

_SMALLEST = {
    "batch_size": 2,
    "chunk_size": 1,
    "log_every": 1,
    "steps": 0,
    "evaluate_every": 0,
    "checkpoint_every": 0,
    "held_out": 0,
    "held_out_every": 1,
    "seed": 0,
    "weight_decay": 0,
    "clip_norm": 0,
}


@dataclass(frozen=True)
class TrainingSettings:
    """The settings of one run.

    Attributes:
        batch_size: Rows that see each other as negatives, over all processes.
        chunk_size: Rows in one forward; speed and memory depend on it, the mathematics does not. Without dropout the result is
            the same up to rounding; with dropout other masks are drawn: another draw of the same distribution.
        cached: Encode each chunk twice, so that a step needs the memory of one chunk however large the batch is; the gradient is
            the same (GradCache).
        learning_rate: At its highest.
        epochs: Passes over the rows; fractions are allowed. Ignored where `steps` is above 0.
        steps: Steps in all; 0 means: as many as the epochs need.
        schedule: What the rate does after the warm-up; `trapezoid` stays and falls in the last fifth.
        warmup: Share of the steps in which the rate rises from 0.
        weight_decay: AdamW's, on matrices only.
        betas: AdamW's.
        clip_norm: Largest norm of the gradient; 0 does not clip.
        precision: Of the forward pass; the loss and the optimiser are float32 always.
        distinct_batches: Never put two rows with the same text, or of one group of paraphrases, into one batch: they would be
            each other's negatives.
        mixing: Of several files: `joined` shuffles their rows together; `proportional` and `round-robin` make each batch of one
            file, in proportion to their sizes or in turn.
        drop_last: Leave out the last, smaller batch of an epoch (it has fewer negatives).
        evaluate_every: Steps between two evaluations on the development set; 0: none.
        keep: Which weights end in the model folder: the `last`, or the `best` on the development set.
        held_out: So many rows, drawn by the seed, are never learned from, nor are copies of them; the objective's
            loss on them, without dropout, is logged as `held_out_loss`.
        held_out_every: Steps between two looks at the rows that are held out.
        log_every: Steps between two lines of the log.
        checkpoint_every: Steps between two checkpoints; 0: only when interrupted.
        track: Where else the run may be followed: `tensorboard`, `wandb`.
        seed: Draws the order, the masks and the dropout.
    """

    batch_size: int = 64
    chunk_size: int = 64
    cached: bool = False
    learning_rate: float = 3e-5
    epochs: float = 1.0
    steps: int = 0
    schedule: Literal["constant", "linear", "cosine", "trapezoid"] = "linear"
    warmup: float = 0.0
    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.999)
    clip_norm: float = 1.0
    precision: Literal["float32", "bfloat16"] = "float32"
    distinct_batches: bool = False
    mixing: Mixing = "joined"
    drop_last: bool = True
    evaluate_every: int = 0
    keep: Literal["last", "best"] = "last"
    held_out: int = 0
    held_out_every: int = 200
    log_every: int = 10
    checkpoint_every: int = 0
    track: tuple[TrackerName, ...] = ()
    seed: int = 42

    def __post_init__(self) -> None:
        for name, smallest in _SMALLEST.items():
            if not getattr(self, name) >= smallest:
                raise UsageError(f"training.{name} is {getattr(self, name)}; it must be at least {smallest}.")
        for name in ("learning_rate", "epochs"):
            if not 0 < getattr(self, name) < math.inf:
                raise UsageError(f"training.{name} is {getattr(self, name)}; it must be above 0.")
        if not all(0 <= beta < 1 for beta in self.betas):
            raise UsageError(f"training.betas are {self.betas}; each must lie from 0 to below 1.")
        if not 0 <= self.warmup < 1:
            raise UsageError(f"training.warmup is {self.warmup}; it is a share of the steps, from 0 to below 1.")
        if self.keep == "best" and not self.evaluate_every:
            raise UsageError("training.keep is 'best', which needs training.evaluate_every above 0 and a development set.")
