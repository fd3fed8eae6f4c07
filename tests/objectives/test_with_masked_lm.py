from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch

from juyi.encoder import Encoder
from juyi.objectives import (
    ContrastiveTension,
    CoSENT,
    ESimCSE,
    MaskedLM,
    Objective,
    SimCSESupervised,
    SimCSEUnsupervised,
    WithMaskedLM,
)
from juyi.tokenization import SubwordTokenizer
from juyi.training import ProcessWorld, TrainingSettings, fit, plain_step, word_columns

WORLD = ProcessWorld()
MAIN: list[Objective] = [
    SimCSEUnsupervised(),
    SimCSESupervised(),
    ESimCSE(queue_size=12),
    ESimCSE(queue_size=12, unit="words", variant="released"),
    ContrastiveTension(),
    CoSENT(),
]


def columns(rows: list[list[int]], sentences: list[str], objective: Objective) -> dict[str, list[Any]]:
    parts = {"text": rows[:20], "raw": sentences[:20], "anchor": rows[:20], "positive": rows[20:40], "negative": rows[30:50]}
    parts |= {"first": rows[:20], "second": rows[20:40], "score": [i % 6 for i in range(20)]}
    return {name: parts[name] for name in objective.columns}


@pytest.mark.parametrize("weight", [0.1, 3.0])
@pytest.mark.parametrize("main", MAIN, ids=lambda one: one.kind)
def test_the_loss_is_the_weighted_sum_and_the_state_both(
    tiny: Callable[..., Encoder], rows: list[list[int]], sentences: list[str], main: Any, weight: float
) -> None:
    encoder, hidden = tiny(), MaskedLM(rate=0.3)
    objective = WithMaskedLM(main, hidden, weight)
    state, batch = objective.start(encoder), columns(rows, sentences, main)
    views = objective.inputs(batch, np.random.default_rng(0), encoder)
    torch.manual_seed(0)
    loss, encoded = plain_step(encoder, objective, views, WORLD, state, chunk_size=7)
    head = state.get_submodule("masked_lm")
    assert all(each.grad is not None and each.grad.any() for each in head.parameters())
    with torch.no_grad():
        first = main.loss(encoded[:-1], views[:-1], WORLD, state.get_submodule("objective"))
        second = hidden.loss(encoded[-1:], views[-1:], WORLD, head)
    torch.testing.assert_close(loss, first + weight * second)
    assert abs(float(first)) > 0.01 and float(second) > 1


@pytest.mark.parametrize("main", MAIN, ids=lambda one: one.kind)
def test_every_column_of_sentences_is_masked_once_and_the_other_views_stay(
    tiny: Callable[..., Encoder], rows: list[list[int]], sentences: list[str], main: Any
) -> None:
    encoder = tiny()
    batch = columns(rows, sentences, main)
    objective = WithMaskedLM(main, MaskedLM(rate=0.3), 0.1)
    assert objective.columns == main.columns
    *others, last = objective.inputs(batch, np.random.default_rng(0), encoder)
    plain = main.inputs(batch, np.random.default_rng(0), encoder)
    for found, wanted in zip(others, plain, strict=True):
        assert found.rows == wanted.rows and (found.dropout, found.gradient) == (wanted.dropout, wanted.gradient)
        assert found.tower == (f"objective.{wanted.tower}" if wanted.tower else "")
    whole = [row for name in main.columns if name not in ("raw", "score") for row in batch[name]]
    assert len(last.rows) == len(whole) and last.tower == "" and last.positions is not None
    for masked, row, positions in zip(last.rows, whole, last.positions, strict=True):
        untouched = [i for i in range(len(row)) if i not in positions]
        assert [masked[i] for i in untouched] == [row[i] for i in untouched] and len(masked) == len(row)
    assert list(map(list, last.rows)) != whole


@pytest.mark.parametrize("main", MAIN, ids=lambda one: one.kind)
def test_the_words_of_every_column_are_hidden_whole(tiny: Callable[..., Encoder], main: Any) -> None:
    encoder = tiny()
    tokenizer = cast(SubwordTokenizer, encoder.tokenizer)
    texts = {"text": ["手机充不进电"] * 40, "anchor": ["我在银行上班"] * 40, "positive": ["会议改到下午"] * 40}
    texts |= {
        "raw": texts["text"],
        "negative": ["the meeting friday"] * 40,
        "first": texts["anchor"],
        "second": texts["positive"],
    }
    batch: dict[str, Any] = {name: tokenizer.tokenize(column) for name, column in texts.items()} | {"score": [1.0] * 40}
    batch["raw"] = texts["text"]
    objective = WithMaskedLM(main, MaskedLM(rate=0.3, whole_words=True), 0.1)
    batch |= word_columns(objective, texts, batch, tokenizer)
    batch = {name: batch[name] for name in objective.columns}
    sentences = [name for name in main.columns if name not in ("raw", "score")]
    assert objective.columns == (*main.columns, *(f"{name}_words" for name in sentences))
    last = objective.inputs(batch, np.random.default_rng(0), encoder)[-1]
    words = [row for name in sentences for row in batch[f"{name}_words"]]
    rows = [row for name in sentences for row in batch[name]]
    assert len(last.rows) == len(words) == 40 * len(sentences)
    for row, numbers, chosen in zip(rows, words, last.positions or (), strict=True):
        able = [place for place, token in enumerate(row) if token not in tokenizer.special.ids]
        hidden = {numbers[place] for place in chosen}
        assert [place for place in able if numbers[place] in hidden] == chosen.tolist()


@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.parametrize("main", MAIN, ids=lambda one: one.kind)
def test_a_few_steps_of_a_run(
    tiny: Callable[..., Encoder], rows: list[list[int]], sentences: list[str], tmp_path: Path, main: Any, cached: bool
) -> None:
    encoder, losses = tiny(), []
    states: list[torch.nn.Module] = []

    class Spy(WithMaskedLM):
        def after_step(self, encoded: Any, world: Any, state: Any) -> None:
            super().after_step(encoded, world, state)
            states.append(state)

    settings = TrainingSettings(
        batch_size=8, chunk_size=5, steps=4, learning_rate=1e-3, log_every=1, held_out=4, held_out_every=2, cached=cached
    )
    fit(
        encoder,
        Spy(main, MaskedLM(rate=0.3), 0.1),
        columns(rows, sentences, main),
        settings,
        folder=tmp_path,
        device="cpu",
        progress=lambda step, steps, report: losses.append((report["loss"], report.get("held_out_loss"))),
    )
    assert all(math.isfinite(loss) for loss, _ in losses)
    assert [held is not None and math.isfinite(held) for _, held in losses] == [False, True, False, True]
    if isinstance(main, ESimCSE):
        assert states[-1].get_submodule("objective").filled_rows().shape == (12, 32)  # type: ignore[operator]
    if isinstance(main, ContrastiveTension):
        copied = states[-1].get_submodule("objective.twin").state_dict()
        assert not all(torch.allclose(copied[name], each, atol=1e-5) for name, each in encoder.state_dict().items())
