from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from juyi.encoder import Encoder
from juyi.errors import UsageError
from juyi.losses import contrastive_tension
from juyi.objectives import ContrastiveTension
from juyi.training import ProcessWorld, TrainingSettings, fit, plain_step

COUNT = 8


def step(objective: ContrastiveTension, encoder: Encoder, rows: list[list[int]], state: torch.nn.Module) -> Any:
    views = objective.inputs({"text": rows[:COUNT]}, np.random.default_rng(0), encoder)
    torch.manual_seed(5)
    return plain_step(encoder, objective, views, ProcessWorld(), state, chunk_size=3)


def test_the_towers_start_equal_and_both_get_a_gradient(tiny: Callable[..., Encoder], rows: list[list[int]]) -> None:
    encoder, objective = tiny(), ContrastiveTension(dropout=False)
    state = objective.start(encoder)
    _, (first, second) = step(objective, encoder, rows, state)
    torch.testing.assert_close(first, second, rtol=0, atol=0)
    for tower in (encoder, state.get_submodule("twin")):
        reached = [each.grad for each in tower.backbone.encoder.parameters()]  # type: ignore[union-attr]
        assert reached and all(each is not None and each.any() for each in reached)


@pytest.mark.parametrize("dropout", [True, False])
def test_the_copy_comes_first_and_the_encoder_second(
    tiny: Callable[..., Encoder], rows: list[list[int]], sentences: list[str], dropout: bool
) -> None:
    encoder, objective = tiny(), ContrastiveTension(dropout=dropout, negatives=3)
    state = objective.start(encoder)
    copied: Any = state.get_submodule("twin")
    with torch.no_grad():
        for each in copied.parameters():
            each.add_(0.1 * torch.randn_like(each))
    loss, (first, second) = step(objective, encoder, rows, state)
    for tower, found in ((copied, first), (encoder, second)):
        still = torch.from_numpy(tower.encode(sentences[:COUNT]))
        smallest = float((found - still).square().sum(1).min())
        assert smallest > 1e-4 if dropout else torch.allclose(found, still, atol=1e-5)
    torch.testing.assert_close(loss, contrastive_tension(first, second, negatives=3))
    assert abs(float(loss) - float(contrastive_tension(first, second, negatives=7))) > 1e-3


def test_both_move_apart_in_a_run_and_the_encoder_is_kept(
    tiny: Callable[..., Encoder], rows: list[list[int]], tmp_path: Path
) -> None:
    encoder, states = tiny(), []
    began, names = {name: each.clone() for name, each in encoder.state_dict().items()}, list(encoder.state_dict())

    class Spy(ContrastiveTension):
        def start(self, encoder: Encoder) -> torch.nn.Module:
            states.append(super().start(encoder))
            return states[-1]

    settings = TrainingSettings(batch_size=8, steps=4, learning_rate=1e-3, schedule="constant", log_every=1)
    fitted = fit(encoder, Spy(), {"text": rows}, settings, folder=tmp_path, device="cpu")
    copied = states[0].get_submodule("twin").state_dict()
    assert fitted.steps == 4 and list(encoder.state_dict()) == names == list(copied)
    table = next(name for name in names if "word_embeddings" in name)
    for one, other in ((encoder.state_dict(), began), (copied, began), (encoder.state_dict(), copied)):
        assert float((one[table] - other[table]).abs().max()) > 1e-4


def test_the_loss_falls_when_sentences_are_told_apart(
    tiny: Callable[..., Encoder], rows: list[list[int]], tmp_path: Path
) -> None:
    losses: list[float] = []
    settings = TrainingSettings(batch_size=8, steps=25, learning_rate=3e-3, schedule="constant", log_every=1)
    fit(
        tiny(dropout=0.0),
        ContrastiveTension(),
        {"text": rows[:8]},
        settings,
        folder=tmp_path,
        device="cpu",
        progress=lambda step, steps, report: losses.append(float(report["loss"])),
    )
    assert losses[-1] < losses[0] / 3


@pytest.mark.parametrize("negatives", [0, -7])
def test_there_is_one_negative_at_least(negatives: int) -> None:
    with pytest.raises(UsageError, match=rf"negatives is {negatives}; .* at least 1"):
        ContrastiveTension(negatives=negatives)
