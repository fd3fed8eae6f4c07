"""The triplet loss against its definition, a row at a time in float64."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from juyi.losses import triplet

DISTANCES: Any = ["euclidean", "cosine"]


def rows(seed: int, count: int = 6) -> torch.Tensor:
    numbers = np.random.default_rng(seed)
    return torch.from_numpy(numbers.normal(size=(count, 4)) * numbers.uniform(0.2, 3.0, size=(count, 1)))


def distance(one: list[float], other: list[float], kind: str) -> float:
    if kind == "euclidean":
        return math.sqrt(sum((a - b) ** 2 for a, b in zip(one, other, strict=True)))
    dot = sum(a * b for a, b in zip(one, other, strict=True))
    return 1 - dot / math.sqrt(sum(a * a for a in one)) / math.sqrt(sum(b * b for b in other))


def each(anchors: torch.Tensor, positives: torch.Tensor, negatives: torch.Tensor, margin: float, kind: str) -> list[float]:
    return [
        max(0.0, distance(a, p, kind) - distance(a, n, kind) + margin)
        for a, p, n in zip(anchors.tolist(), positives.tolist(), negatives.tolist(), strict=True)
    ]


@pytest.mark.parametrize("kind", DISTANCES)
@pytest.mark.parametrize("margin", [0.01, 0.3, 1.0, 5.0])
def test_equals_the_definition(kind: Any, margin: float) -> None:
    found = triplet(rows(1), rows(2), rows(3), margin=margin, distance=kind)
    wanted = each(rows(1), rows(2), rows(3), margin, kind)
    assert found.shape == () and found.dtype == torch.float32
    assert float(found) == pytest.approx(sum(wanted) / 6, rel=1e-5, abs=1e-6)


def test_small_distances_are_exact() -> None:
    """Nothing is added to them, as `pairwise_distance` does of itself."""
    small = [rows(seed) * 1e-5 for seed in (1, 2, 3)]
    found = float(triplet(*small, margin=1e-5, distance="euclidean"))
    assert found == pytest.approx(sum(each(*small, 1e-5, "euclidean")) / 6, rel=1e-5)


@pytest.mark.parametrize("kind", DISTANCES)
def test_a_triplet_beyond_the_margin_is_at_rest(kind: Any) -> None:
    given = [rows(seed).float().requires_grad_() for seed in (1, 2, 3)]
    wanted = each(*(one.detach() for one in given), 0.2, kind)
    assert 0 < sum(one == 0 for one in wanted) < 6
    triplet(*given, margin=0.2, distance=kind).backward()
    for one in given:
        assert one.grad is not None
        assert [bool(row.any()) for row in one.grad] == [value > 0 for value in wanted]


@pytest.mark.parametrize("kind", DISTANCES)
def test_equal_vectors_have_a_distance_of_zero_and_a_finite_gradient(kind: Any) -> None:
    same = [rows(1).float().requires_grad_() for _ in range(3)]
    loss = triplet(*same, margin=0.5, distance=kind)
    assert float(loss.detach()) == pytest.approx(0.5, abs=1e-6)
    loss.backward()
    for one in same:
        assert one.grad is not None and one.grad.isfinite().all()
    anchors, positives = (rows(1).float().requires_grad_() for _ in range(2))
    triplet(anchors, positives, rows(3).float(), margin=9.0, distance=kind).backward()
    assert anchors.grad is not None and anchors.grad.isfinite().all() and anchors.grad.any()  # the negative still pushes


def test_a_vector_of_zeros_has_a_finite_gradient() -> None:
    for kind in DISTANCES:
        zero = torch.zeros(2, 4, requires_grad=True)
        triplet(zero, rows(2, 2).float(), rows(3, 2).float(), margin=5.0, distance=kind).backward()
        assert zero.grad is not None and zero.grad.isfinite().all()


@pytest.mark.parametrize("kind", DISTANCES)
def test_half_inputs_are_computed_in_float32(kind: Any) -> None:
    half = [rows(seed).to(torch.bfloat16) for seed in (1, 2, 3)]
    found = triplet(*half, margin=1.0, distance=kind)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, triplet(*(one.float() for one in half), margin=1.0, distance=kind), rtol=0, atol=0)
