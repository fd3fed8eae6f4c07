"""The classifier's features and its cross-entropy, a number at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from juyi.losses import pair_features, softmax_pair


def rows(seed: int, width: int = 3) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(4, width)))


def test_the_features_are_both_vectors_and_the_difference_without_sign() -> None:
    first, second = rows(1), rows(2)
    both, alone = pair_features(first, second, "both-and-difference"), pair_features(first, second, "difference")
    assert both.shape == (4, 9) and alone.shape == (4, 3)
    for row in range(4):
        for column in range(3):
            u, v = float(first[row, column]), float(second[row, column])
            assert both[row, column::3].tolist() == pytest.approx([u, v, abs(u - v)], abs=1e-6)
            assert float(alone[row, column]) == pytest.approx(abs(u - v), abs=1e-6)
    assert torch.equal(alone, pair_features(second, first, "difference"))
    assert not torch.equal(both, pair_features(second, first, "both-and-difference"))


@pytest.mark.parametrize("labels", [[0, 1, 2, 1], [2, 2, 2, 2]])
@pytest.mark.parametrize("stretch", [1.0, 30.0])
def test_the_loss_is_the_mean_cross_entropy(labels: list[int], stretch: float) -> None:
    logits = rows(3) * stretch
    total = 0.0
    for row, label in zip(logits.tolist(), labels, strict=True):
        total -= math.log(math.exp(row[label]) / sum(map(math.exp, row)))
    found = softmax_pair(logits, torch.tensor(labels))
    assert found.shape == () and found.dtype == torch.float32
    assert float(found) == pytest.approx(total / 4, rel=1e-5, abs=1e-6)


def test_half_inputs_are_computed_in_float32() -> None:
    first, second = rows(1).to(torch.bfloat16), rows(2).to(torch.bfloat16)
    for kind in ("both-and-difference", "difference"):
        found = pair_features(first, second, kind)  # type: ignore[arg-type]
        assert found.dtype == torch.float32
        torch.testing.assert_close(found[:, -3:], (first.float() - second.float()).abs(), rtol=0, atol=0)
    labels, logits = torch.tensor([0, 1, 2, 1]), rows(3).to(torch.bfloat16)
    assert softmax_pair(logits, labels).dtype == torch.float32
    torch.testing.assert_close(softmax_pair(logits, labels), softmax_pair(logits.float(), labels), rtol=0, atol=0)


def test_gradients_are_finite_where_the_vectors_are_equal_and_the_logits_large() -> None:
    first, second = (rows(1).float().requires_grad_() for _ in range(2))
    logits = pair_features(first, second, "both-and-difference") * 1e4
    softmax_pair(logits, torch.tensor([0, 3, 6, 8])).backward()
    for given in (first, second):
        assert given.grad is not None and given.grad.isfinite().all()
    assert first.grad is not None and first.grad.any()
