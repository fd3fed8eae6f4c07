"""Dense layers after the pooling."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from juyi.encoder import Dense, affine_head, random_head


def test_dense_is_a_linear_map_and_its_activation() -> None:
    for activation in ("tanh", "linear"):
        head = Dense(3, 2, activation)
        rows = torch.randn(4, 3)
        expected = rows @ head.linear.weight.T + head.linear.bias
        torch.testing.assert_close(head(rows), expected.tanh() if activation == "tanh" else expected)


@pytest.mark.parametrize("function", ["ReLU", "GELU", "SiLU", "Sigmoid"])
def test_the_other_activations_are_torchs(function: str) -> None:
    activation: Any = function.lower()
    head, rows = Dense(3, 2, activation, bias=False), torch.randn(4, 3)
    assert [*head.state_dict()] == ["linear.weight"]
    torch.testing.assert_close(head(rows), getattr(torch.nn, function)()(rows @ head.linear.weight.T))


@pytest.mark.parametrize(("width", "weights"), [(3, 2), (2, 3)])
def test_a_residual_is_added_after_the_activation(width: int, weights: int) -> None:
    head, rows = Dense(3, width, "tanh", residual=True), torch.randn(4, 3)
    state = head.state_dict()
    assert len(state) == weights
    added = rows if width == 3 else rows @ state["residual.weight"].T
    torch.testing.assert_close(head(rows), (rows @ state["linear.weight"].T + state["linear.bias"]).tanh() + added)


def test_a_random_tanh_head_has_berts_initialisation() -> None:
    torch.manual_seed(0)
    head = random_head(256, "tanh", training_only=True)
    assert float(head.linear.weight.detach().std()) == pytest.approx(0.02, rel=0.02)
    assert not head.linear.bias.any() and head.training_only


def test_a_random_linear_head_is_orthogonal_and_keeps_cosines() -> None:
    head = random_head(64, "linear")
    weight = head.linear.weight.detach()
    torch.testing.assert_close(weight @ weight.T, torch.eye(64), atol=1e-5, rtol=0)
    assert not head.linear.bias.any() and not head.training_only


def test_affine_head_is_x_times_matrix_plus_bias() -> None:
    rng = np.random.default_rng(1)
    matrix, bias, rows = rng.normal(size=(6, 3)), rng.normal(size=3), rng.normal(size=(5, 6))
    head = affine_head(matrix, bias)
    result = head(torch.from_numpy(rows).float()).detach().numpy()
    np.testing.assert_allclose(result, rows @ matrix + bias, atol=1e-5)
    assert head.activation == "linear" and not head.training_only
