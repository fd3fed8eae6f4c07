"""Vectors that can be cut: what is minimised, what is refused, and that the first numbers learn by it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch

from juyi.encoder import Encoder
from juyi.errors import UsageError
from juyi.experiments.load import load_recipe
from juyi.experiments.recipe import trained_objective
from juyi.losses import info_nce
from juyi.objectives import (
    AnyObjective,
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
    at_all_widths,
)
from juyi.training import ProcessWorld, TrainingSettings, fit, plain_step

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

    def parts() -> list[torch.Tensor]:
        whole = main.loss(encoded, views, WORLD, state)
        return [whole, 2 * objective.loss(encoded, views, WORLD, state) - whole]  # the whole vectors, and the first numbers

    before = parts()
    state.rows[:, 4:] += torch.randn(12, encoder.training_dim - 4)  # type: ignore[index, operator]
    after = parts()
    torch.testing.assert_close(after[1], before[1])  # what lies behind the cut does not matter to it
    assert not torch.isclose(after[0], before[0])


@pytest.mark.parametrize("teacher_dim", [0, 24])
@pytest.mark.parametrize("neighbours_weight", [0.0, 1.0])
def test_the_first_numbers_follow_the_whole_teacher(
    tiny: Callable[..., Encoder], rows: list[list[int]], teacher_dim: int, neighbours_weight: float
) -> None:
    encoder = tiny()
    main = Distillation(teacher_dim=teacher_dim, neighbours_weight=neighbours_weight, matryoshka=Matryoshka((4,)))
    objective = at_all_widths(main)
    state = objective.start(encoder)
    assert isinstance(state, torch.nn.Linear)  # the first numbers of a teacher's vectors need not tell anything
    batch = columns(rows, main, teacher_dim or encoder.training_dim)
    views = objective.inputs(batch, np.random.default_rng(0), encoder)
    loss, encoded = plain_step(encoder, objective, views, WORLD, state, chunk_size=7)
    narrow = torch.nn.Linear(4, state.out_features, bias=False)
    with torch.no_grad():
        narrow.weight.copy_(state.weight[:, :4])
        both = main.loss(encoded, views, WORLD, state) + main.loss([encoded[0][:, :4]], views, WORLD, narrow)
    torch.testing.assert_close(loss, both / 2)


def test_the_first_numbers_learn(tiny: Callable[..., Encoder], rows: list[list[int]], tmp_path: Path) -> None:
    """Of pairs that mean the same, the first four numbers are told apart from others better than without it."""
    pairs = {"anchor": rows[:24], "positive": rows[24:48]}
    losses = []
    for widths in (None, Matryoshka((4,), (3.0,))):
        encoder, objective = tiny(), SimCSESupervised(hard_negatives=False, matryoshka=widths)
        settings = TrainingSettings(batch_size=24, chunk_size=24, steps=40, learning_rate=2e-3, seed=1)
        fit(encoder, objective, pairs, settings, folder=tmp_path / str(widths))
        with torch.no_grad():
            first, second = (encoder.eval().embed(side)[:, :4] for side in pairs.values())
            losses.append(float(info_nce(first, second, temperature=0.05)))
    assert losses[1] < 0.8 * losses[0]


@pytest.mark.parametrize("main", [SimCSEUnsupervised(), ESimCSE(queue_size=12)], ids=lambda one: one.kind)
def test_masked_lm_beside_it_sees_whole_vectors(tiny: Callable[..., Encoder], rows: list[list[int]], main: Any) -> None:
    encoder, widths = tiny(), Matryoshka((8,))
    objective = WithMaskedLM(dataclasses.replace(main, matryoshka=widths), MaskedLM(rate=0.3), 0.1)
    state = objective.start(encoder)
    views = objective.inputs({"text": rows[:20]}, np.random.default_rng(0), encoder)
    torch.manual_seed(0)
    loss, encoded = plain_step(encoder, objective, views, WORLD, state, chunk_size=7)
    with torch.no_grad():
        own, words = state.get_submodule("objective"), state.get_submodule("masked_lm")
        expected = WithMatryoshka(main, widths).loss(encoded[:-1], views[:-1], WORLD, own)
        expected = expected + 0.1 * MaskedLM(rate=0.3).loss(encoded[-1:], views[-1:], WORLD, words)
    torch.testing.assert_close(loss, expected)


def test_every_objective_can_name_widths() -> None:
    for kind in get_args(AnyObjective):
        assert kind().matryoshka is None and "matryoshka" not in repr(kind())
        if kind is not MaskedLM:
            named = kind(matryoshka=Matryoshka((4,)))
            assert at_all_widths(named) == WithMatryoshka(named, Matryoshka((4,))) == at_all_widths(at_all_widths(named))


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
    assert isinstance(objective, WithMaskedLM) and objective.objective.matryoshka == Matryoshka((64,))  # type: ignore[attr-defined]
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
