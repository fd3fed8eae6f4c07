"""The seven poolings against slow loops."""

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
    }[pooling]
    result = np.zeros((ROWS, DIM))
    for row in range(ROWS):
        for column in range(DIM):
            total, count = 0.0, 0
            for token in range(LENGTH):
                if mask[row, token] and (pooling not in ("cls", "pooler") or token == 0):
                    total += sum(float(states[layer][row, token, column]) for layer in layers) / len(layers)
                    count += 1
            result[row, column] = total / count
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


def test_the_names_are_these_seven() -> None:
    names = ("cls", "pooler", "last-avg", "first-last-avg", "top2-avg", "embedding-last-avg", "embedding-avg")
    assert names == POOLING_NAMES


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
    for pooling in ("cls", "pooler", "last-avg"):
        torch.testing.assert_close(pool(pooling, states[-1:], mask), pool(pooling, states, mask))  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_the_precision_stays(dtype: torch.dtype, mask: torch.Tensor) -> None:
    assert masked_mean(torch.ones(ROWS, LENGTH, DIM, dtype=dtype), mask).dtype == dtype
