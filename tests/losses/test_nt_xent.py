"""NT-Xent against the equation of the Chinese experiments, written as loops in float64."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from juyi.losses import info_nce, nt_xent

Rows = NDArray[np.float64]


def cosine(first: Rows, second: Rows) -> float:
    dot = sum(a * b for a, b in zip(first, second, strict=True))
    return dot / math.sqrt(sum(a * a for a in first)) / math.sqrt(sum(b * b for b in second))


def equation(views: tuple[Rows, Rows], temperature: float, chosen: range) -> float:
    """The equation of kexue.fm 8348 for the rows `chosen`, a mean instead of its sum.

    -log exp(cos(h_i^a, h_i^{1-a})/t) / (sum_{j != i} exp(cos(h_i^a, h_j^a)/t) + sum_j exp(cos(h_i^a, h_j^{1-a})/t)), a = 0, 1.
    """
    total, count = 0.0, len(views[0])
    for i, alpha in product(chosen, (0, 1)):
        own, other = views[alpha], views[1 - alpha]
        denominator = 0.0
        for j in range(count):
            if j != i:
                denominator += math.exp(cosine(own[i], own[j]) / temperature)
            denominator += math.exp(cosine(own[i], other[j]) / temperature)
        total -= math.log(math.exp(cosine(own[i], other[i]) / temperature) / denominator)
    return total / (2 * len(chosen))


def rows(count: int, seed: int) -> Rows:
    return np.random.default_rng(seed).normal(size=(count, 5)) * np.random.default_rng(seed + 1).uniform(
        0.1, 9.0, size=(count, 1)
    )


@pytest.mark.parametrize(("count", "temperature"), list(product([1, 2, 5], [0.05, 0.3, 1.0])))
def test_equals_the_equation(count: int, temperature: float) -> None:
    first, second = rows(count, 1), rows(count, 7)
    result = nt_xent(torch.from_numpy(first), torch.from_numpy(second), temperature=temperature)
    assert result.shape == () and result.dtype == torch.float32
    assert float(result) == pytest.approx(equation((first, second), temperature, range(count)), rel=2e-5, abs=2e-5)


@pytest.mark.parametrize(("offset", "count", "temperature"), list(product([0, 2, 3], [1, 2], [0.05, 0.3])))
def test_gathered_equals_the_equation_for_its_rows(offset: int, count: int, temperature: float) -> None:
    first, second = rows(5, 1), rows(5, 7)
    mine = slice(offset, offset + count)
    result = nt_xent(
        torch.from_numpy(first[mine]),
        torch.from_numpy(second[mine]),
        temperature=temperature,
        everyone=(torch.from_numpy(first), torch.from_numpy(second)),
        offset=offset,
    )
    assert float(result) == pytest.approx(
        equation((first, second), temperature, range(offset, offset + count)), rel=2e-5, abs=2e-5
    )


def test_the_processes_average_to_the_whole() -> None:
    first, second = torch.from_numpy(rows(6, 1)), torch.from_numpy(rows(6, 7))
    parts = [nt_xent(first[i : i + 3], second[i : i + 3], everyone=(first, second), offset=i) for i in (0, 3)]
    torch.testing.assert_close(torch.stack(parts).mean(), nt_xent(first, second))


def test_equals_the_interleaved_form_of_the_published_code() -> None:
    """bojone's code: rows s1 s1 s2 s2 …, cosines times 20, the diagonal minus 1e12, label i + 1 - 2 (i mod 2)."""
    first, second = rows(4, 1), rows(4, 7)
    joined = np.stack([first, second], 1).reshape(8, -1)
    joined /= np.linalg.norm(joined, axis=1, keepdims=True)
    logits = joined @ joined.T * 20 - np.eye(8) * 1e12
    labels = [i + 1 - 2 * (i % 2) for i in range(8)]
    highest = logits.max(1)
    expected = np.mean([highest[i] + np.log(np.exp(logits[i] - highest[i]).sum()) - logits[i, labels[i]] for i in range(8)])
    assert float(nt_xent(torch.from_numpy(first), torch.from_numpy(second))) == pytest.approx(float(expected), rel=1e-5)


def test_the_two_views_are_alike_and_it_is_not_info_nce() -> None:
    first, second = torch.from_numpy(rows(5, 1)), torch.from_numpy(rows(5, 7))
    torch.testing.assert_close(nt_xent(first, second), nt_xent(second, first))
    assert float(nt_xent(first, second)) > float(info_nce(first, second)) / 2 + float(info_nce(second, first)) / 2


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_inputs_are_computed_in_float32(dtype: torch.dtype) -> None:
    first, second = (torch.from_numpy(rows(5, seed)).to(dtype) for seed in (1, 7))
    result = nt_xent(first, second)
    assert result.dtype == torch.float32
    torch.testing.assert_close(result, nt_xent(first.float(), second.float()))


def test_gradients_are_finite_and_reach_both_views() -> None:
    first, second = (torch.from_numpy(rows(4, seed)).float().requires_grad_() for seed in (1, 7))
    nt_xent(first, second, temperature=0.01).backward()
    for given in (first, second):
        assert given.grad is not None and torch.isfinite(given.grad).all() and given.grad.abs().max() > 0


def test_gradients_agree_with_finite_differences() -> None:
    first, second = rows(3, 1), rows(3, 7)
    leaf = torch.from_numpy(first).requires_grad_()
    nt_xent(leaf, torch.from_numpy(second), temperature=0.5).backward()
    assert leaf.grad is not None
    for i, j in product(range(3), range(5)):
        step = np.zeros_like(first)
        step[i, j] = 1e-5
        plus, minus = (equation((first + s, second), 0.5, range(3)) for s in (step, -step))
        assert float(leaf.grad[i, j]) == pytest.approx((plus - minus) / 2e-5, abs=1e-4)


@pytest.mark.parametrize(("offset", "count", "alpha"), [(0, 5, 1.0), (0, 5, 3.0), (2, 2, 0.5)])
def test_hard_negatives_stand_beside_all_views(offset: int, count: int, alpha: float) -> None:
    """3n - 1 candidates for each of the 2n anchors, and alpha before the term of its own hard negative."""
    views, hard = (rows(5, 1), rows(5, 7)), rows(5, 13)
    total = 0.0
    for i, side in product(range(offset, offset + count), (0, 1)):
        anchor, denominator = views[side][i], 0.0
        for j in range(5):
            candidates = [(views[1 - side][j], 1.0), (hard[j], alpha if j == i else 1.0)]
            candidates += [(views[side][j], 1.0)] if j != i else []
            denominator += sum(weight * math.exp(cosine(anchor, one) / 0.3) for one, weight in candidates)
        total -= math.log(math.exp(cosine(anchor, views[1 - side][i]) / 0.3) / denominator)
    mine, everyone = slice(offset, offset + count), (torch.from_numpy(views[0]), torch.from_numpy(views[1]))
    result = nt_xent(
        everyone[0][mine],
        everyone[1][mine],
        temperature=0.3,
        everyone=everyone,
        offset=offset,
        hard_negatives=torch.from_numpy(hard),
        hard_negative_log_weight=math.log(alpha),
    )
    assert float(result) == pytest.approx(total / (2 * count), rel=1e-5)
