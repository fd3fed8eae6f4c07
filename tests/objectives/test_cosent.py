from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from juyi.encoder import Encoder, save_encoder
from juyi.errors import UsageError
from juyi.objectives import CoSENT
from juyi.training import ProcessWorld, TrainingSettings, fit, plain_step

COUNT = 8
SCORES = [0.0, 5.0, 2.5, 2.5, 1.0, 4.0, 0.0, 3.0]


def run(objective: CoSENT, encoder: Encoder, rows: list[list[int]], scores: Sequence[Any]) -> float:
    batch = {"first": rows[:COUNT], "second": rows[COUNT : 2 * COUNT], "score": scores}
    views = objective.inputs(batch, np.random.default_rng(0), encoder)
    torch.manual_seed(5)
    return float(plain_step(encoder, objective, views, ProcessWorld(), objective.start(encoder), chunk_size=5)[0])


def test_equal_scores_teach_nothing(tiny: Callable[..., Encoder], rows: list[list[int]]) -> None:
    encoder = tiny()
    assert run(CoSENT(), encoder, rows, [2.0] * COUNT) == 0.0
    gradients = [parameter.grad for parameter in encoder.parameters()]
    assert all(gradient is None or not gradient.any() for gradient in gradients)


@pytest.mark.parametrize("change", [lambda x: x / 5, lambda x: 2 * x - 100, lambda x: x**3], ids=["scaled", "moved", "cubed"])
def test_only_the_order_of_the_scores_counts(
    tiny: Callable[..., Encoder], rows: list[list[int]], change: Callable[[float], float]
) -> None:
    wanted = run(CoSENT(), tiny(), rows, SCORES)
    assert run(CoSENT(), tiny(), rows, [change(score) for score in SCORES]) == wanted > 0
    assert run(CoSENT(), tiny(), rows, SCORES[::-1]) != wanted


def test_scores_of_any_kind_are_taken(tiny: Callable[..., Encoder], rows: list[list[int]]) -> None:
    whole = [0, 5, 2, 2, 1, 4, 0, 3]
    given = (whole, [float(score) for score in whole], np.array(whole, dtype=np.float32), [np.float64(score) for score in whole])
    assert len({run(CoSENT(), tiny(), rows, scores) for scores in given}) == 1
    yes_or_no = [True, False] * 4
    assert run(CoSENT(), tiny(), rows, yes_or_no) == run(CoSENT(), tiny(), rows, [1.0, 0.0] * 4) > 0


@pytest.mark.parity
@pytest.mark.parametrize("temperature", [0.05, 0.4])
def test_it_equals_sentence_transformers(
    tiny: Callable[..., Encoder], rows: list[list[int]], sentences: list[str], tmp_path: Path, temperature: float
) -> None:
    library = pytest.importorskip("sentence_transformers")
    from sentence_transformers.sentence_transformer import losses

    encoder = tiny(dropout=0.0)
    theirs = library.SentenceTransformer(str(save_encoder(encoder, tmp_path / "model")), device="cpu")
    columns = [theirs.preprocess(column) for column in (sentences[:COUNT], sentences[COUNT : 2 * COUNT])]
    wanted = float(losses.CoSENTLoss(theirs, scale=1 / temperature)(columns, torch.tensor(SCORES)).detach())
    assert run(CoSENT(temperature=temperature), encoder, rows, SCORES) == pytest.approx(wanted, abs=4e-6)


def test_training_brings_the_cosines_into_the_order_of_the_scores(
    tiny: Callable[..., Encoder], rows: list[list[int]], tmp_path: Path
) -> None:
    encoder = tiny(dropout=0.0)
    given = {"first": rows[:COUNT], "second": rows[COUNT : 2 * COUNT], "score": SCORES}
    settings = TrainingSettings(batch_size=COUNT, steps=25, learning_rate=3e-3, schedule="constant")
    fit(encoder, CoSENT(), given, settings, folder=tmp_path, device="cpu")
    with torch.no_grad():
        cosines = torch.nn.functional.cosine_similarity(encoder.embed(rows[:COUNT]), encoder.embed(rows[COUNT : 2 * COUNT]))
    ordered = [(i, j) for i in range(COUNT) for j in range(COUNT) if SCORES[i] > SCORES[j]]
    assert all(cosines[i] > cosines[j] for i, j in ordered)


def test_it_has_no_state(tiny: Callable[..., Encoder]) -> None:
    assert not list(CoSENT().start(tiny()).parameters())


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.nan])
def test_a_temperature_must_be_above_zero(temperature: float) -> None:
    with pytest.raises(UsageError, match=r"temperature is .* must be above 0"):
        CoSENT(temperature=temperature)
