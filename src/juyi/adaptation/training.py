"""How a contender of the portfolio is trained: its recipe for the rows at hand, and how long a step takes here."""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from juyi.adaptation.evidence import Lesson
from juyi.adaptation.linear import map_step_seconds
from juyi.adaptation.portfolio import CandidateTraining, Contender
from juyi.adaptation.stopwatch import shortest_seconds
from juyi.encoder import Encoder, EncoderSettings, family_of, fast_precision
from juyi.experiments import TrainRecipe
from juyi.experiments.recipe import DataSettings
from juyi.training import TrainingSettings

WIDE = 512
ATTENTION_DROPOUT = 0.1
LARGEST_BATCH = 64
_PROBE_ROWS = 64


@dataclass(frozen=True)
class Pace:
    """How long this machine takes for this encoder.

    Attributes:
        texts_per_second: Encoded.
        step_seconds: A training step of 64 rows with two views each.
        map_step_seconds: A step of learning a linear map.
    """

    texts_per_second: float
    step_seconds: float
    map_step_seconds: float


def folder_name(name: str) -> str:
    """The name of a candidate as a folder has it: letters and digits, with single dashes between."""
    return "-".join(re.findall(r"[^\W_]+(?:\.\d+)?", name))


def measured_pace(encoder: Encoder, texts: Sequence[str]) -> Pace:
    """The pace on some of the texts; seconds."""
    some = [texts[i % len(texts)] for i in range(4 * _PROBE_ROWS)]
    trained = copy.deepcopy(encoder).train()
    optimiser = torch.optim.AdamW(trained.parameters(), lr=0.0)
    rows = trained.tokenize(some[: 2 * _PROBE_ROWS])

    def step() -> None:
        optimiser.zero_grad()
        trained.embed(rows).square().sum().backward()  # type: ignore[no-untyped-call]
        optimiser.step()

    encoding = shortest_seconds(lambda: encoder.encode(some))
    return Pace(len(some) / encoding, shortest_seconds(step), map_step_seconds(encoder.dim))


def step_counts(training: CandidateTraining, rows: int, batch: int) -> list[int]:
    """How many steps a training may have, from as many as it should down to as few as make sense; each half of the one before."""
    wanted = max(training.fewest_steps, math.ceil(min(training.passes * rows, training.most_rows) / batch))
    counts = [wanted]
    while counts[-1] // 2 >= training.fewest_steps:
        counts.append(counts[-1] // 2)
    return counts


def batch_of(rows: int, groups: int = 0) -> int:
    """Rows that see each other: 64 where there are hundreds; no more than half of the groups whose rows may not meet."""
    batch = LARGEST_BATCH if rows >= 512 else LARGEST_BATCH // 2 if rows >= 256 else LARGEST_BATCH // 4
    return max(2, min(batch, rows, groups // 2 if groups else batch))


def contender_recipe(
    contender: Contender, lesson: Lesson | None, rows: int, steps: int, settings: EncoderSettings, encoder: Encoder, seed: int
) -> TrainRecipe:
    """The recipe of a contender.

    Args:
        contender: One with a training.
        lesson: What its labels teach; None where it learns from sentences alone.
        rows: That are learned from.
        steps: One of `step_counts`.
        settings: What is started from.
        encoder: The same, loaded.
        seed: Draws everything.
    """
    training = contender.training
    assert training is not None
    objective = training.objective if lesson is None else lesson.objective
    assert objective is not None
    batch = batch_of(rows, 0 if lesson is None else lesson.groups)
    hidden = training.dropout if family_of(str(encoder.config.model_type)).hidden else None
    wide = int(encoder.config.hidden_size) >= WIDE
    after = "" if contender.linear is None else f", after a linear map learned from the same rows: {contender.linear}"
    return TrainRecipe(
        name=f"adapt/{folder_name(contender.name)}",
        about=contender.about,
        source=f"A contender of juyi adapt's portfolio{after}.",
        objective=objective,  # type: ignore[arg-type]
        encoder=replace(settings, hidden_dropout=hidden, attention_dropout=ATTENTION_DROPOUT),
        masked_lm=training.masked_lm,
        data=DataSettings(seed=seed),
        training=TrainingSettings(
            batch_size=batch,
            chunk_size=128,
            learning_rate=training.rate_wide if wide else training.rate_narrow,
            steps=steps,
            epochs=math.ceil(steps * batch / max(rows, 1)),
            warmup=0.1,
            distinct_batches=lesson is not None and lesson.distinct,
            precision=fast_precision(),
            checkpoint_every=50,
            seed=seed,
        ),
    )
