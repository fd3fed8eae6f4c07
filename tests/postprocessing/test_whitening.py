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


@pytest.mark.parametrize("strength", [0.0, 0.1, 0.5, 1.0])
def test_a_strength_shrinks_the_covariance_towards_equal_variances(strength: float) -> None:
    rng = np.random.default_rng(7)
    vectors = (rng.normal(size=(500, 12)) * np.arange(1, 13) + 3).astype(np.float32)
    found = fit_whitening(vectors, strength=strength)
    covariance = np.cov(vectors.astype(np.float64).T)
    shrunk = strength * covariance + (1 - strength) * np.trace(covariance) / 12 * np.eye(12)
    np.testing.assert_allclose(found.matrix @ found.matrix.T, np.linalg.inv(shrunk), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(found.mean, vectors.mean(axis=0), rtol=1e-5)


def test_a_strength_of_zero_centres_and_turns_alone() -> None:
    vectors = np.random.default_rng(8).normal(size=(40, 6)).astype(np.float32) + 2
    centred = vectors - vectors.mean(axis=0)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    found = fit_whitening(vectors, strength=0.0)(vectors)
    np.testing.assert_allclose(found @ found.T, centred @ centred.T, atol=1e-5)


def test_few_vectors_keep_all_directions_where_the_strength_is_below_one() -> None:
    vectors = np.random.default_rng(9).normal(size=(5, 12)).astype(np.float32)
    assert fit_whitening(vectors, strength=0.5).matrix.shape == (12, 12)
    assert fit_whitening(vectors, strength=0.5).notes == ()
    assert fit_whitening(vectors).matrix.shape == (12, 4)


def test_a_strength_beyond_its_range_is_refused() -> None:
    with pytest.raises(UsageError, match=r"strength of the whitening is 1\.5"):
        fit_whitening(np.eye(3, dtype=np.float32), strength=1.5)
