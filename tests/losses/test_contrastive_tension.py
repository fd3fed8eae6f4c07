"""Contrastive Tension against its equation, negative by negative in float64, and against draws of negatives."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from juyi.losses import contrastive_tension


def rows(seed: int, count: int = 5) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(count, 3)))


def entropy(z: float, *, same: bool) -> float:
    share = 1 / (1 + math.exp(-z))
    return -math.log(share if same else 1 - share)


def equation(first: torch.Tensor, others: torch.Tensor, negatives: int, offset: int = 0) -> float:
    """For each sentence one equal pair and `negatives` different ones that are as all others are on average."""
    total = 0.0
    for i, one in enumerate(first):
        dots = [float(one @ other) for other in others]
        different = [entropy(z, same=False) for j, z in enumerate(dots) if j != offset + i]
        total += entropy(dots[offset + i], same=True) + negatives * sum(different) / len(different)
    return total / len(first) / (1 + negatives)


@pytest.mark.parametrize("negatives", [1, 7, 30])
@pytest.mark.parametrize("count", [2, 5])
def test_equals_the_equation(negatives: int, count: int) -> None:
    found = contrastive_tension(rows(1, count), rows(2, count), negatives=negatives)
    assert found.shape == () and found.dtype == torch.float32
    assert float(found) == pytest.approx(equation(rows(1, count), rows(2, count), negatives), rel=1e-5)


@pytest.mark.parametrize(("offset", "count"), [(0, 2), (2, 1), (3, 2)])
def test_gathered_equals_the_equation_for_its_rows(offset: int, count: int) -> None:
    mine = slice(offset, offset + count)
    found = contrastive_tension(rows(1)[mine], rows(2)[mine], all_second=rows(2), offset=offset)
    assert float(found) == pytest.approx(equation(rows(1)[mine], rows(2), 7, offset), rel=1e-5)


def test_it_is_the_expectation_over_negatives_drawn_at_random() -> None:
    """As the paper trains: one equal pair and 7 drawn ones for each sentence, the mean over all pairs."""
    first, second, numbers = rows(1), rows(2), np.random.default_rng(4)
    drawn = []
    for _ in range(1500):
        losses = []
        for i in range(5):
            losses.append(entropy(float(first[i] @ second[i]), same=True))
            for j in numbers.choice([j for j in range(5) if j != i], 7):
                losses.append(entropy(float(first[i] @ second[j]), same=False))
        drawn.append(sum(losses) / len(losses))
    error = float(np.std(drawn)) / 1500**0.5
    assert abs(float(contrastive_tension(first, second)) - float(np.mean(drawn))) < 4 * error < 0.02


def test_half_inputs_are_computed_in_float32() -> None:
    first, second = rows(1).to(torch.bfloat16), rows(2).to(torch.bfloat16)
    found = contrastive_tension(first, second)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, contrastive_tension(first.float(), second.float()), rtol=0, atol=0)


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3])  # dot products of millions: exp would overflow
def test_the_loss_and_its_gradients_are_finite_and_reach_both(size: float) -> None:
    first, second = (rows(seed).float().mul(size).requires_grad_() for seed in (1, 2))
    loss = contrastive_tension(first, second)
    assert loss.isfinite()
    loss.backward()
    for given in (first, second):
        assert given.grad is not None and given.grad.isfinite().all() and given.grad.any()


def test_it_wants_equal_pairs_high_and_different_ones_low() -> None:
    good, bad = 5 * torch.eye(4), 5 * torch.eye(4).roll(1, 0)
    assert float(contrastive_tension(5 * torch.eye(4), good)) < 0.7 < float(contrastive_tension(5 * torch.eye(4), bad))
