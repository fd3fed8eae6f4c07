"""Vectors in fewer bytes keep what they are for."""

from __future__ import annotations

import numpy as np
import pytest

from juyi.embedding_files import NUMBER_TYPES, stored_numbers, stored_width
from juyi.embeddings import cosine_rows
from juyi.errors import UsageError


def vectors(count: int, dim: int) -> np.ndarray:
    rng = np.random.default_rng(3)
    return (rng.normal(size=(count, dim)) * rng.lognormal(size=(count, 1))).astype(np.float32)


@pytest.mark.parametrize("dim", [8, 13, 384])
def test_the_width_is_that_of_the_rows(dim: int) -> None:
    for kind in NUMBER_TYPES:
        assert stored_numbers(vectors(4, dim), kind).shape == (4, stored_width(dim, kind))
        assert stored_numbers(vectors(0, dim), kind).shape == (0, stored_width(dim, kind))


@pytest.mark.parametrize(("kind", "lowest"), [("float32", 1.0), ("float16", 0.999999), ("int8", 0.9999)])
def test_the_direction_stays(kind: str, lowest: float) -> None:
    rows = vectors(500, 384)
    stored = stored_numbers(rows, kind)  # type: ignore[arg-type]
    assert cosine_rows(rows, stored.astype(np.float32)).min() >= lowest


def test_one_byte_uses_its_whole_range_whatever_the_length() -> None:
    rows = vectors(100, 64)
    stored = stored_numbers(rows, "int8")
    assert (np.abs(stored.astype(int)).max(axis=1) == 127).all()
    np.testing.assert_array_equal(stored, stored_numbers(rows * np.float32(1e-20), "int8"))
    assert not stored_numbers(np.zeros((1, 4), np.float32), "int8").any()


def test_bits_differ_as_often_as_directions_do() -> None:
    """Two random directions at an angle differ in the share angle / pi of their signs (Goemans & Williamson 1995)."""
    rng = np.random.default_rng(5)
    first = rng.normal(size=(200, 4096)).astype(np.float32)
    second = first + rng.normal(size=first.shape).astype(np.float32)
    bits = [np.unpackbits(stored_numbers(side, "binary"), axis=1) for side in (first, second)]
    share = (bits[0] != bits[1]).mean()
    assert share == pytest.approx(np.arccos(cosine_rows(first, second).mean()) / np.pi, abs=0.003)
    np.testing.assert_array_equal(np.unpackbits(stored_numbers(first[:, :13], "binary"), axis=1)[:, :13], first[:, :13] > 0)


def test_what_half_precision_cannot_hold_is_an_error() -> None:
    with pytest.raises(UsageError, match=r"A vector holds 1e\+05, and float16 ends at 65,504"):
        stored_numbers(np.array([[1e5, 1]], dtype=np.float32), "float16")


@pytest.mark.parametrize("kind", NUMBER_TYPES)
@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_what_is_no_number_is_an_error(kind: str, wrong: float) -> None:
    with pytest.raises(UsageError, match="1 values that are NaN or infinite"):
        stored_numbers(np.array([[1, wrong]], dtype=np.float32), kind)  # type: ignore[arg-type]
