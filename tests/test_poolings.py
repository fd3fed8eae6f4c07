"""The nine poolings against slow loops."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from juyi.poolings import POOLING_NAMES, layers_of, masked_mean, pool, pool_packed, reads_lower_layers

LAYERS, ROWS, LENGTH, DIM = 4, 5, 7, 6


@pytest.fixture
def states() -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    return [torch.randn(ROWS, LENGTH, DIM, generator=generator, dtype=torch.float64) for _ in range(LAYERS + 1)]


@pytest.fixture
def mask() -> torch.Tensor:
    lengths = [7, 1, 3, 6, 2]
    return torch.tensor([[int(column < length) for column in range(LENGTH)] for length in lengths])


def slow(pooling: str, states: list[torch.Tensor], mask: torch.Tensor) -> np.ndarray:
    """One loop a number, from the table in the module's docstring."""
    layers = {
        "cls": [LAYERS],
        "pooler": [LAYERS],
        "last-avg": [LAYERS],
        "first-last-avg": [1, LAYERS],
        "top2-avg": [LAYERS - 1, LAYERS],
        "embedding-last-avg": [0, LAYERS],
        "embedding-avg": [0],
        "last-token": [LAYERS],
        "max": [LAYERS],
    }[pooling]
    result = np.zeros((ROWS, DIM))
    for row in range(ROWS):
        for column in range(DIM):
            values = []
            for token in range(LENGTH):
                if mask[row, token]:
                    values.append(sum(float(states[layer][row, token, column]) for layer in layers) / len(layers))
            match pooling:
                case "cls" | "pooler":
                    result[row, column] = values[0]
                case "last-token":
                    result[row, column] = values[-1]
                case "max":
                    result[row, column] = max(values)
                case _:
                    result[row, column] = sum(values) / len(values)
    return result


@pytest.mark.parametrize("pooling", POOLING_NAMES)
def test_equals_the_slow_loop(pooling: str, states: list[torch.Tensor], mask: torch.Tensor) -> None:
    np.testing.assert_allclose(pool(pooling, states, mask).numpy(), slow(pooling, states, mask), atol=1e-12)  # type: ignore[arg-type]


@pytest.mark.parametrize("pooling", POOLING_NAMES)
def test_rows_side_by_side_equal_the_slow_loop(pooling: str, states: list[torch.Tensor], mask: torch.Tensor) -> None:
    side_by_side = [state[mask == 1] for state in states]
    row, lengths = mask.nonzero()[:, 0], mask.sum(1)
    found = pool_packed(pooling, side_by_side, lengths.cumsum(0) - lengths, row)  # type: ignore[arg-type]
    np.testing.assert_allclose(found.numpy(), slow(pooling, states, mask), atol=1e-12)


@pytest.mark.parametrize("pooling", POOLING_NAMES)
def test_padding_never_counts(pooling: str, states: list[torch.Tensor], mask: torch.Tensor) -> None:
    before = pool(pooling, states, mask)  # type: ignore[arg-type]
    for state in states:
        state[mask == 0] = 1e6
    torch.testing.assert_close(pool(pooling, states, mask), before)  # type: ignore[arg-type]


@pytest.mark.parametrize("pooling", ["last-token", "max", "last-avg"])
def test_it_does_not_matter_which_side_the_padding_lies_on(pooling: str, states: list[torch.Tensor], mask: torch.Tensor) -> None:
    shifted = [torch.stack([row.roll(LENGTH - int(n), 0) for row, n in zip(s, mask.sum(1), strict=True)]) for s in states]
    left = torch.stack([row.roll(LENGTH - int(row.sum())) for row in mask])
    torch.testing.assert_close(pool(pooling, shifted, left), pool(pooling, states, mask))  # type: ignore[arg-type]


@pytest.mark.parametrize("pooling", ["last-token", "max", "last-avg", "first-last-avg"])
def test_nothing_but_padding_gives_zeros(pooling: str, states: list[torch.Tensor], mask: torch.Tensor) -> None:
    whole = pool(pooling, states, mask)  # type: ignore[arg-type]
    mask[1] = 0
    found = pool(pooling, states, mask)  # type: ignore[arg-type]
    assert not found[1].any()
    torch.testing.assert_close(found[[0, 2, 3, 4]], whole[[0, 2, 3, 4]])


@pytest.mark.parametrize("pooling", ["last-token", "max"])
def test_the_gradient_is_that_of_rows_side_by_side(pooling: str, states: list[torch.Tensor], mask: torch.Tensor) -> None:
    padded = states[-1].requires_grad_()
    weights = torch.randn(ROWS, DIM, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    (pool(pooling, [padded], mask) * weights).sum().backward()  # type: ignore[arg-type,no-untyped-call]
    flat = padded.detach()[mask == 1].requires_grad_()
    row, lengths = mask.nonzero()[:, 0], mask.sum(1)
    found = pool_packed(pooling, [flat], lengths.cumsum(0) - lengths, row)  # type: ignore[arg-type]
    (found * weights).sum().backward()  # type: ignore[no-untyped-call]
    assert flat.grad is not None and padded.grad is not None
    torch.testing.assert_close(flat.grad, padded.grad[mask == 1])


def test_the_names_are_these_nine() -> None:
    means = ("last-avg", "first-last-avg", "top2-avg", "embedding-last-avg", "embedding-avg")
    assert ("cls", "pooler", *means, "last-token", "max") == POOLING_NAMES


@pytest.mark.parametrize(
    ("pooling", "layers"),
    [
        ("cls", (12,)),
        ("pooler", (12,)),
        ("last-avg", (12,)),
        ("first-last-avg", (1, 12)),
        ("top2-avg", (11, 12)),
        ("embedding-last-avg", (0, 12)),
        ("embedding-avg", (0,)),
        ("last-token", (12,)),
        ("max", (12,)),
    ],
)
def test_layers_of(pooling: str, layers: tuple[int, ...]) -> None:
    assert layers_of(pooling, 12) == layers  # type: ignore[arg-type]
    assert reads_lower_layers(pooling) == (layers != (12,))  # type: ignore[arg-type]


def test_one_layer_is_first_and_last(states: list[torch.Tensor], mask: torch.Tensor) -> None:
    two = states[:2]
    torch.testing.assert_close(pool("first-last-avg", two, mask), pool("last-avg", two, mask))
    torch.testing.assert_close(pool("top2-avg", two, mask), pool("embedding-last-avg", two, mask))


def test_the_last_layer_alone_is_enough_for_the_single_layer_poolings(states: list[torch.Tensor], mask: torch.Tensor) -> None:
    for pooling in ("cls", "pooler", "last-avg", "last-token", "max"):
        torch.testing.assert_close(pool(pooling, states[-1:], mask), pool(pooling, states, mask))  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_the_precision_stays(dtype: torch.dtype, mask: torch.Tensor) -> None:
    assert masked_mean(torch.ones(ROWS, LENGTH, DIM, dtype=dtype), mask).dtype == dtype
