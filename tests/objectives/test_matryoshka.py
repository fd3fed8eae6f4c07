"""Vectors that can be cut: what is minimised, what is refused, and that the first numbers learn more by it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from juyi.encoder import Encoder
from juyi.errors import UsageError
from juyi.experiments.load import load_recipe
from juyi.experiments.recipe import trained_objective
from juyi.objectives import (
    ContrastiveTension,
    CoSENT,
    Distillation,
    ESimCSE,
    MaskedLM,
    Matryoshka,
    Objective,
    SimCSESupervised,
    SimCSEUnsupervised,
    Triplet,
    WithMaskedLM,
    WithMatryoshka,
)
from juyi.training import ProcessWorld, plain_step

WORLD = ProcessWorld()
WITHOUT_STATE: list[Objective] = [
    SimCSEUnsupervised(),
    SimCSEUnsupervised(negatives="all-views"),
    SimCSESupervised(),
    CoSENT(),
    Triplet(),
    ContrastiveTension(),
]


def columns(rows: list[list[int]], objective: Objective, width: int) -> dict[str, list[Any]]:
    parts: dict[str, list[Any]] = {"text": rows[:20], "anchor": rows[:20], "positive": rows[20:40], "negative": rows[30:50]}
    parts |= {"first": rows[:20], "second": rows[20:40], "score": [i % 6 for i in range(20)]}
    parts["target"] = list(np.random.default_rng(1).normal(size=(20, width)))
    return {name: parts[name] for name in objective.columns}


@pytest.mark.parametrize("main", WITHOUT_STATE, ids=lambda one: one.kind)
def test_the_loss_is_the_weighted_mean_over_the_widths(tiny: Callable[..., Encoder], rows: list[list[int]], main: Any) -> None:
    encoder = tiny()
    objective = WithMatryoshka(main, Matryoshka((8, 3), (2.0, 0.5)))
    state, views = objective.start(encoder), objective.inputs(columns(rows, main, 8), np.random.default_rng(0), encoder)
    torch.manual_seed(0)
    loss, encoded = plain_step(encoder, objective, views, WORLD, state, chunk_size=7)
    with torch.no_grad():
        whole = main.loss(encoded, views, WORLD, state)
        wide, narrow = (main.loss([each[:, :dim].clone() for each in encoded], views, WORLD, state) for dim in (8, 3))
    torch.testing.assert_close(loss, (whole + 2 * wide + 0.5 * narrow) / 3.5)
    assert len({round(float(each), 4) for each in (whole, wide, narrow)}) == 3


def test_a_queue_is_cut_as_the_vectors_are(tiny: Callable[..., Encoder], rows: list[list[int]]) -> None:
    encoder, main = tiny(), ESimCSE(queue_size=12)
    objective = WithMatryoshka(main, Matryoshka((4,)))
    state = objective.start(encoder)
    views = objective.inputs({"text": rows[:20]}, np.random.default_rng(0), encoder)
    _, encoded = plain_step(encoder, objective, views, WORLD, state, chunk_size=7)
    objective.after_step(encoded, WORLD, state)
    assert state.filled_rows().shape == (12, encoder.training_dim)  # type: ignore[operator]
    cut = main.loss([each[:, :4] for each in encoded], views, WORLD, state)
    state.rows[:, 4:] = 1e3  # type: ignore[index, operator] # what lies behind the cut does not matter
    torch.testing.assert_close(main.loss([each[:, :4] for each in encoded], views, WORLD, state), cut)
    assert not torch.isclose(main.loss(encoded, views, WORLD, state), cut)


@pytest.mark.parametrize("teacher_dim", [0, 24])
def test_a_teacher_is_followed_at_every_width(tiny: Callable[..., Encoder], rows: list[list[int]], teacher_dim: int) -> None:
    encoder = tiny()
    main = Distillation(teacher_dim=teacher_dim)
    objective = WithMatryoshka(main, Matryoshka((4,)))
    state = objective.start(encoder)
    batch = columns(rows, main, teacher_dim or encoder.training_dim)
    views = objective.inputs(batch, np.random.default_rng(0), encoder)
    loss, encoded = plain_step(encoder, objective, views, WORLD, state, chunk_size=7)
    zeroed = encoded[0].clone()
    zeroed[:, 4:] = 0  # a vector that was cut is one with nothing behind
    with torch.no_grad():
        both = [main.loss([each], views, WORLD, state) for each in (encoded[0], zeroed)]
    torch.testing.assert_close(loss, sum(both) / 2)


@pytest.mark.parametrize(
    ("dims", "weights", "words"),
    [
        ((), (), r"dims is \[\]"),
        ((8, 8), (), "different numbers above 0"),
        ((0,), (), "different numbers above 0"),
        ((8, 4), (1.0,), "one number above 0 for each of the 2 dims"),
        ((8,), (-1.0,), "one number above 0 for each of the 1 dims"),
        ((8,), (float("nan"),), "one number above 0"),
    ],
)
def test_widths_that_are_none_are_refused(dims: tuple[int, ...], weights: tuple[float, ...], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Matryoshka(dims, weights)


def test_widths_are_below_that_of_the_encoder(tiny: Callable[..., Encoder]) -> None:
    encoder = tiny()
    with pytest.raises(UsageError, match=f"has {encoder.dim}, and the encoder's vectors have {encoder.dim} numbers"):
        WithMatryoshka(CoSENT(), Matryoshka((encoder.dim, 4))).start(encoder)


def test_a_recipe_says_so(tmp_path: Path) -> None:
    recipe = load_recipe("zh/matryoshka")
    assert trained_objective(recipe) == WithMatryoshka(recipe.objective, Matryoshka((256, 128, 64, 32)))
    changed = load_recipe("zh/cosent", ["objective.matryoshka.dims=[64]", "masked_lm.weight=0.1"])
    objective = trained_objective(changed)
    assert isinstance(objective, WithMaskedLM) and objective.objective == WithMatryoshka(changed.objective, Matryoshka((64,)))
    assert trained_objective(load_recipe("zh/cosent")) == load_recipe("zh/cosent").objective
    for recipe_name, override, words in (
        ("zh/matryoshka", "encoder.head_training_only=true", "head that is left off"),
        ("zh/matryoshka", "objective.matryoshka.dim=[3]", "dims"),
        ("pretrain/mini-base", "objective.matryoshka.dims=[64]", "no sentence vectors to cut"),
    ):
        with pytest.raises(UsageError, match=words):
            load_recipe(recipe_name, [override])
    with pytest.raises(UsageError, match="no sentence vectors"):
        MaskedLM(matryoshka=Matryoshka((4,)))
