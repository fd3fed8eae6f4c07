from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from juyi.encoder import Encoder
from juyi.errors import TrainingError, UsageError
from juyi.objectives import Distillation
from juyi.training import ProcessWorld, encode_views, plain_step

COUNT = 7
WIDTH = 32
"""Of the tiny encoders."""


def targets(width: int = WIDTH, count: int = COUNT) -> NDArray[np.float32]:
    """The last text has the target of the first: it is a translation of it."""
    drawn = np.random.default_rng(3).normal(size=(count, width)).astype(np.float32)
    drawn[-1] = drawn[0]
    return drawn


def run(
    objective: Distillation, encoder: Encoder, rows: list[list[int]], wanted: Any
) -> tuple[float, torch.Tensor, torch.nn.Module]:
    views = objective.inputs({"text": rows, "target": wanted}, np.random.default_rng(0), encoder)
    torch.manual_seed(5)
    state = objective.start(encoder)
    loss, (encoded,) = plain_step(encoder, objective, views, ProcessWorld(), state, chunk_size=3)
    return float(loss), encoded, state


def slow(students: NDArray[Any], teachers: NDArray[Any], objective: Distillation) -> float:
    """The four terms, from the angles."""
    s = [row / math.sqrt(float(row @ row)) for row in students.astype(np.float64)]
    t = [row / math.sqrt(float(row @ row)) for row in teachers.astype(np.float64)]
    n, total = len(s), 0.0
    for i in range(n):
        total += objective.cosine_weight * (1 - s[i] @ t[i]) / n
        others = [j for j in range(n) if j == i or t[i] @ t[j] <= 0.999]
        odds = [math.exp((s[i] @ t[j] - s[i] @ t[i]) / objective.temperature) for j in others]
        total += objective.softmax_weight * math.log(sum(odds)) / n
        hoped, found = (np.array([math.exp(row @ t[j] / objective.temperature) for j in range(n)]) for row in (t[i], s[i]))
        hoped, found = hoped / hoped.sum(), found / found.sum()
        total += objective.neighbours_weight * float((hoped * np.log(hoped / found)).sum()) / n
        for j in range(n):
            total += objective.structure_weight * (s[i] @ s[j] - t[i] @ t[j]) ** 2 / n**2
    return float(total)


@pytest.mark.parametrize("width", [WIDTH, 12, 40])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"temperature": 0.3, "cosine_weight": 0.5, "softmax_weight": 2.0, "structure_weight": 3.0},
        {"cosine_weight": 0.0},
        {"softmax_weight": 0.0},
        {"structure_weight": 0.0},
        {"softmax_weight": 0.0, "neighbours_weight": 0.7},
    ],
    ids=str,
)
def test_the_loss_equals_the_slow_loop(
    tiny: Callable[..., Encoder], rows: list[list[int]], settings: dict[str, float], width: int
) -> None:
    objective = Distillation(**settings, teacher_dim=width)  # type: ignore[arg-type]
    loss, encoded, state = run(objective, tiny(), rows[:COUNT], targets(width))
    students = encoded.double().numpy()
    if isinstance(state, torch.nn.Linear):
        students = students @ state.weight.detach().double().numpy().T
    assert students.shape == (COUNT, width)
    assert loss == pytest.approx(slow(students, targets(width), objective), rel=1e-5)


def test_it_encodes_once_without_dropout_unless_asked(
    tiny: Callable[..., Encoder], rows: list[list[int]], sentences: list[str]
) -> None:
    encoder = tiny()
    batch = {"text": rows[:COUNT], "target": targets()}
    (view,) = Distillation().inputs(batch, np.random.default_rng(0), encoder)
    still = encode_views(encoder, [view], torch.nn.Module(), chunk_size=3)[0].detach()
    torch.testing.assert_close(still, torch.from_numpy(encoder.encode(sentences[:COUNT])))
    (view,) = Distillation(dropout=True).inputs(batch, np.random.default_rng(0), encoder)
    moved = encode_views(encoder, [view], torch.nn.Module(), chunk_size=3)[0].detach()
    assert float((moved - still).square().sum(1).min()) > 1e-4


def test_targets_of_any_precision_and_container_are_taken(tiny: Callable[..., Encoder], rows: list[list[int]]) -> None:
    half = targets().astype(np.float16)
    frozen = half.astype(np.float32)
    frozen.flags.writeable = False  # as a memory map is
    losses = [run(Distillation(), tiny(), rows[:COUNT], given)[0] for given in (half, frozen, list(half), half.tolist())]
    assert len(set(losses)) == 1
    (view,) = Distillation().inputs({"text": rows[:COUNT], "target": half}, np.random.default_rng(0), tiny())
    assert view.labels is not None and view.labels.dtype == np.float32


@pytest.mark.parametrize("width", [0, WIDTH])
def test_targets_of_the_own_width_need_no_matrix(tiny: Callable[..., Encoder], width: int) -> None:
    assert not list(Distillation(teacher_dim=width).start(tiny()).parameters())


@pytest.mark.parametrize("width", [12, 40])
def test_targets_of_another_width_get_an_orthogonal_matrix(
    tiny: Callable[..., Encoder], rows: list[list[int]], width: int
) -> None:
    encoder = tiny()
    before = set(encoder.state_dict())
    _, _, state = run(Distillation(teacher_dim=width), encoder, rows[:COUNT], targets(width))
    ((name, weight),) = state.named_parameters()
    assert (name, weight.shape) == ("weight", (width, WIDTH))
    square = weight @ weight.T if width < WIDTH else weight.T @ weight
    torch.testing.assert_close(square, torch.eye(min(width, WIDTH)), atol=1e-5, rtol=0)
    assert weight.grad is not None and float(weight.grad.abs().max()) > 0
    assert set(encoder.state_dict()) == before  # it is thrown away with the state


def test_training_brings_the_vectors_to_the_targets(tiny: Callable[..., Encoder], rows: list[list[int]]) -> None:
    encoder, objective, wanted = tiny(), Distillation(), targets()
    optimiser = torch.optim.Adam(encoder.parameters(), lr=3e-3)
    values = []
    for _ in range(25):
        values.append(run(objective, encoder, rows[:COUNT], wanted)[0])
        optimiser.step()
        optimiser.zero_grad()
    assert values[-1] < values[0] / 2


@pytest.mark.parametrize(
    ("teacher_dim", "wanted", "shapes"),
    [(0, targets(12), r"\(7, 12\), expected is \(7, 32\)"), (12, targets(), r"\(7, 32\), expected is \(7, 12\)")],
)
def test_targets_of_an_unexpected_width_are_refused(
    tiny: Callable[..., Encoder], rows: list[list[int]], teacher_dim: int, wanted: Any, shapes: str
) -> None:
    with pytest.raises(TrainingError, match=rf"{shapes}.*teacher_dim"):
        run(Distillation(teacher_dim=teacher_dim), tiny(), rows[:COUNT], wanted)


@pytest.mark.parametrize("wanted", [[[1.0, 2.0], [1.0]], [[1.0], None], [["a"], ["b"]]])
def test_targets_that_are_no_vectors_are_refused(tiny: Callable[..., Encoder], rows: list[list[int]], wanted: Any) -> None:
    with pytest.raises(TrainingError, match="not vectors of one width"):
        run(Distillation(), tiny(), rows[:2], wanted)


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.nan])
def test_a_temperature_must_be_above_zero(temperature: float) -> None:
    with pytest.raises(UsageError, match=r"temperature is .* must be above 0"):
        Distillation(temperature=temperature)


@pytest.mark.parametrize(
    "weights", [(-1.0, 1.0, 1.0, 0.0), (1.0, math.nan, 1.0, 0.0), (1.0, 1.0, 1.0, math.inf), (0.0, 0.0, 0.0, 0.0)]
)
def test_weights_are_not_negative_and_not_all_zero(weights: tuple[float, float, float, float]) -> None:
    with pytest.raises(UsageError, match="weights of cosine, softmax, structure and neighbours"):
        Distillation("distillation", 0.05, *weights)


def test_a_width_below_zero_is_refused() -> None:
    with pytest.raises(UsageError, match="teacher_dim is -1"):
        Distillation(teacher_dim=-1)
