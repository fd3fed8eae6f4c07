from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from juyi.encoder import Encoder
from juyi.objectives import SimCSEUnsupervised, View
from juyi.training import alarms, encode_views, signals


def square_distance(x: list[float], y: list[float]) -> float:
    x, y = [a / math.sqrt(sum(b * b for b in x)) for a in x], [a / math.sqrt(sum(b * b for b in y)) for a in y]
    return sum((a - b) ** 2 for a, b in zip(x, y, strict=True))


def test_signals_equal_the_loops() -> None:
    torch.manual_seed(0)
    first, second = torch.randn(9, 5) + 0.5, torch.randn(9, 5) * 3
    found = signals([first, second], [View([[1]] * 9)] * 2)
    pairs = [(i, j) for i in range(9) for j in range(i)]
    kernel = [math.exp(-2 * square_distance(first[i].tolist(), first[j].tolist())) for i, j in pairs]
    distances = [square_distance(x.tolist(), y.tolist()) for x, y in zip(first, second, strict=True)]
    assert found["uniformity"] == pytest.approx(math.log(sum(kernel) / len(pairs)), abs=1e-6)
    assert found["alignment"] == pytest.approx(sum(distances) / 9, abs=1e-6)


def test_signals_are_of_sentences_only() -> None:
    tokens = View([[1, 2]] * 3, positions=[np.array([0])] * 3)
    assert signals([torch.randn(3, 4)], [tokens]) == {}
    assert signals([torch.randn(1, 4)] * 2, [View([[1]])] * 2) == {}
    assert set(signals([torch.randn(3, 4)], [View([[1]] * 3)])) == {"uniformity"}


def test_no_alarm_when_all_is_well() -> None:
    assert alarms(0.5, {"alignment": 0.1, "uniformity": -2.0}) == []
    assert alarms(0.5, {}) == []


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_loss_that_is_not_finite(loss: float) -> None:
    assert [words for words in alarms(loss, {}) if f"The loss is {loss}" in words and "learning rate" in words]


def test_collapse_in_words() -> None:
    vectors = torch.ones(8, 4) + 0.01 * torch.randn(8, 4)
    other = torch.ones(8, 4) + 0.01 * torch.randn(8, 4)
    (words,) = alarms(0.5, signals([vectors, other], [View([[1]] * 8)] * 2))
    assert "collapsed" in words and "learning rate" in words


@pytest.mark.parametrize("kind", ["bert", "modernbert"])
@pytest.mark.parametrize("chunk_size", [3, 5, 16])
@pytest.mark.parametrize(("dropout", "said"), [(0.0, True), (0.001, False), (0.1, False)])
def test_dropout_off_in_words(
    tiny: Callable[..., Encoder], rows: list[list[int]], kind: str, chunk_size: int, dropout: float, said: bool
) -> None:
    encoder, objective = tiny(kind, dropout=dropout), SimCSEUnsupervised()
    torch.manual_seed(0)
    for some in (rows[:16], rows[30:46]):
        views = objective.inputs({"text": some}, np.random.default_rng(0), encoder)
        with torch.no_grad():
            encoded = encode_views(encoder, views, chunk_size=chunk_size)
        words = alarms(0.5, signals(encoded, views))
        assert any("dropout is off" in sentence for sentence in words) is said
