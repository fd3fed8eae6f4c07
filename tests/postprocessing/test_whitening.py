"""Whitening against its definition."""

from __future__ import annotations

import numpy as np
import pytest

from juyi.errors import UsageError
from juyi.postprocessing import fit_whitening


def sample(count: int, dim: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(count, dim)) @ rng.normal(size=(dim, dim)) + rng.normal(size=dim) * 5).astype(np.float32)


def test_whitened_vectors_have_mean_zero_and_identity_covariance() -> None:
    vectors = sample(500, 12)
    whitening = fit_whitening(vectors)
    mapped = (vectors.astype(np.float64) - whitening.mean) @ whitening.matrix
    np.testing.assert_allclose(mapped.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(np.cov(mapped.T), np.eye(12), atol=1e-6)
    assert whitening.notes == ()


def test_the_call_is_map_then_normalise_and_bias_is_its_affine_form() -> None:
    vectors = sample(300, 8)
    whitening = fit_whitening(vectors, 5)
    mapped = np.stack([(v - whitening.mean) @ whitening.matrix for v in vectors.astype(np.float64)])
    np.testing.assert_allclose(vectors @ whitening.matrix + whitening.bias, mapped, atol=1e-4)
    np.testing.assert_allclose(whitening(vectors), mapped / np.linalg.norm(mapped, axis=1, keepdims=True), atol=1e-6)


def test_k_keeps_the_directions_of_largest_variance() -> None:
    vectors = sample(400, 10)
    values, directions = np.linalg.eigh(np.cov(vectors.astype(np.float64).T))
    matrix = fit_whitening(vectors, 3).matrix
    assert matrix.shape == (10, 3)
    for column, index in zip(matrix.T, (-1, -2, -3), strict=True):
        expected = directions[:, index] / np.sqrt(values[index])
        assert abs(column @ expected) / np.linalg.norm(column) / np.linalg.norm(expected) == pytest.approx(1, abs=1e-8)


def test_fewer_vectors_than_dimensions_is_guarded_and_said() -> None:
    whitening = fit_whitening(sample(20, 64))
    assert whitening.matrix.shape == (64, 19)  # n points span n - 1 directions
    assert np.abs(whitening.matrix).max() < 1e3
    assert "19 of 64" in whitening.notes[0]
    assert "few" in whitening.notes[1]


def test_duplicated_vectors_do_not_blow_up() -> None:
    vectors = np.repeat(sample(10, 32), 50, axis=0)
    assert fit_whitening(vectors).matrix.shape == (32, 9)


@pytest.mark.parametrize(
    ("vectors", "k", "words"),
    [
        (np.ones((1, 4), np.float32), None, "at least two"),
        (np.ones((5, 4), np.float32), None, "all equal"),
        (np.array([[1.0, np.nan], [0.0, 1.0]], np.float32), None, "NaN"),
        (sample(50, 4), 5, "1 to 4"),
        (sample(50, 4), 0, "1 to 4"),
    ],
)
def test_what_cannot_be_whitened_is_refused(vectors: np.ndarray, k: int | None, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        fit_whitening(vectors, k)
