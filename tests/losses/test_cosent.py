"""CoSENT against the last equation of kexue.fm 8847, written as loops in float64."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
import torch

from juyi.losses import cosent

GRADES = {
    "all different": [0.3, 5.0, -1.0, 2.0, 4.5],
    "ties": [1.0, 0.0, 1.0, 0.0, 1.0],
    "one above": [0.0, 0.0, 9.0, 0.0, 0.0],
}


def rows(seed: int, count: int = 5) -> torch.Tensor:
    numbers = np.random.default_rng(seed)
    return torch.from_numpy(numbers.normal(size=(count, 4)) * numbers.uniform(0.1, 9.0, size=(count, 1)))


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    return float(one @ other) / math.sqrt(one @ one) / math.sqrt(other @ other)


def equation(first: torch.Tensor, second: torch.Tensor, scores: list[float], temperature: float) -> float:
    cosines = [cosine(one, other) for one, other in zip(first.numpy(), second.numpy(), strict=True)]
    inside = 1.0
    for (i, higher), (j, lower) in product(enumerate(scores), repeat=2):
        if higher > lower:
            inside += math.exp((cosines[j] - cosines[i]) / temperature)
    return math.log(inside)


@pytest.mark.parametrize("scores", GRADES.values(), ids=GRADES)
@pytest.mark.parametrize("temperature", [0.05, 0.3, 1.0])
def test_equals_the_equation(scores: list[float], temperature: float) -> None:
    found = cosent(rows(1), rows(2), torch.tensor(scores), temperature=temperature)
    assert found.shape == () and found.dtype == torch.float32
    assert float(found) == pytest.approx(equation(rows(1), rows(2), scores, temperature), rel=1e-5)


@pytest.mark.parametrize("change", [lambda x: 3 * x - 7, lambda x: x**3, torch.exp, lambda x: x.argsort().argsort()])
def test_only_the_order_of_the_scores_counts(change: object) -> None:
    scores = torch.tensor(GRADES["all different"], dtype=torch.float64)
    assert torch.equal(cosent(rows(1), rows(2), change(scores)), cosent(rows(1), rows(2), scores))  # type: ignore[operator]
    assert not torch.equal(cosent(rows(1), rows(2), -scores), cosent(rows(1), rows(2), scores))


@pytest.mark.parametrize("count", [1, 4])
def test_equal_scores_leave_nothing_to_order(count: int) -> None:
    first, second = rows(1, count).requires_grad_(), rows(2, count).requires_grad_()
    loss = cosent(first, second, torch.full((count,), 3.0))
    assert float(loss.detach()) == 0.0
    loss.backward()
    for given in (first, second):
        assert given.grad is not None and not given.grad.any()


def test_scores_that_float32_cannot_tell_apart_are_told_apart() -> None:
    scores = torch.tensor([1.0, 1.0 + 1e-12], dtype=torch.float64)
    assert float(cosent(rows(1, 2), rows(2, 2), scores)) > 0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_inputs_are_computed_in_float32(dtype: torch.dtype) -> None:
    first, second, scores = rows(1).to(dtype), rows(2).to(dtype), torch.tensor(GRADES["ties"])
    found = cosent(first, second, scores)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, cosent(first.float(), second.float(), scores), rtol=0, atol=0)


@pytest.mark.parametrize("temperature", [0.05, 0.001])  # exp(2 / 0.001) is no float
def test_the_loss_and_its_gradients_stay_finite(temperature: float) -> None:
    first, second = torch.eye(2, requires_grad=True), torch.tensor([[0.0, 1.0], [0.0, 1.0]], requires_grad=True)
    loss = cosent(first, second, torch.tensor([1.0, 0.0]), temperature=temperature)
    assert float(loss.detach()) == pytest.approx(1 / temperature, rel=1e-5)
    loss.backward()
    for given in (first, second):
        assert given.grad is not None and given.grad.isfinite().all() and given.grad.any()


def test_the_gradient_brings_the_pairs_into_order() -> None:
    first, second, scores = rows(3).float().requires_grad_(), rows(4).float(), torch.tensor(GRADES["all different"])
    optimiser = torch.optim.SGD([first], lr=0.05)
    for _ in range(300):
        optimiser.zero_grad()
        cosent(first, second, scores).backward()
        optimiser.step()
    cosines = torch.nn.functional.cosine_similarity(first, second).detach()
    assert cosines.argsort().tolist() == scores.argsort().tolist()
