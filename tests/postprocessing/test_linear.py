"""A learned linear map: it finds what the labels are about, and nothing where they say nothing."""

from __future__ import annotations

import numpy as np
import pytest

from juyi.errors import UsageError
from juyi.metrics import spearman
from juyi.postprocessing import LinearSettings, fit_linear_on_pairs, fit_linear_on_scores

DIM = 16
SHORT = LinearSettings(rate=1e-2, fewest_steps=40, most_steps=40)


def meanings(count: int, seed: int, noise: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """Two vectors for each meaning: the first four dimensions are alike, the others are strong noise."""
    rng = np.random.default_rng(seed)
    meaning = np.concatenate([rng.normal(size=(count, 4)), np.zeros((count, DIM - 4))], axis=1)
    first, second = (meaning + noise * rng.normal(size=meaning.shape) * (np.arange(DIM) >= 4) for _ in range(2))
    return first.astype(np.float32), second.astype(np.float32)


def units(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def found(first: np.ndarray, second: np.ndarray, matrix: np.ndarray) -> float:
    """How many find their other side."""
    cosines = units(first @ matrix) @ units(second @ matrix).T
    return float((cosines.argmax(axis=1) == np.arange(len(first))).mean())


def test_pairs_teach_what_the_meaning_is_and_it_holds_for_others() -> None:
    first, second = meanings(600, seed=0)
    matrix = fit_linear_on_pairs(first, second, np.arange(600), SHORT)
    assert matrix.shape == (DIM, DIM) and matrix.dtype == np.float32
    others = meanings(200, seed=1)
    assert found(*others, matrix) > 0.5
    assert found(*others, np.eye(DIM)) < 0.1


def test_scores_teach_it_too() -> None:
    rng = np.random.default_rng(2)

    def scored(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        first, second = rng.normal(size=(2, count, DIM)).astype(np.float32)
        return first, second, (units(first[:, :4]) * units(second[:, :4])).sum(axis=1).astype(np.float64)

    matrix = fit_linear_on_scores(*scored(800), SHORT)
    first, second, scores = scored(400)

    def correlation(matrix: np.ndarray) -> float:
        return spearman((units(first @ matrix) * units(second @ matrix)).sum(axis=1), scores)

    assert correlation(matrix) > correlation(np.eye(DIM)) + 0.2


def test_what_means_the_same_is_no_negative() -> None:
    """Where all pairs are of one group nothing is pushed away, and the map stays the identity."""
    first, second = meanings(50, seed=3)
    np.testing.assert_array_equal(fit_linear_on_pairs(first, second, np.zeros(50, dtype=np.intp), SHORT), np.eye(DIM))
    assert not np.array_equal(fit_linear_on_pairs(first, second, np.arange(50), SHORT), np.eye(DIM))


def test_equal_scores_teach_nothing() -> None:
    first, second = meanings(50, seed=4)
    np.testing.assert_array_equal(fit_linear_on_scores(first, second, np.ones(50), SHORT), np.eye(DIM))


def test_the_seed_draws_the_batches_and_lengths_do_not_matter() -> None:
    first, second = meanings(300, seed=5)
    once, again, other = (fit_linear_on_pairs(first, second, np.arange(300), SHORT, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(once, again)
    assert not np.array_equal(once, other)
    stretched = first * np.linspace(0.5, 4, 300, dtype=np.float32)[:, None]
    np.testing.assert_allclose(fit_linear_on_pairs(stretched, second, np.arange(300), SHORT, seed=1), once, atol=1e-4)


@pytest.mark.parametrize(("rows", "steps"), [(2, 100), (640, 100), (1_280, 200), (3_840, 600), (100_000, 600)])
def test_more_rows_are_learned_in_more_steps(rows: int, steps: int) -> None:
    assert LinearSettings().steps(rows) == steps


@pytest.mark.parametrize(
    "changed",
    [{"rate": 0.0}, {"rate": np.inf}, {"passes": -1.0}, {"batch_size": 1}, {"most_rows": 0}, {"fewest_steps": 1_000}],
)
def test_settings_that_make_no_sense_are_refused(changed: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=f"linear.{next(iter(changed))} is"):
        LinearSettings(**changed)  # type: ignore[arg-type]


def test_what_does_not_fit_is_refused() -> None:
    rows = np.ones((3, 4), np.float32)
    for first, second, labels in ((rows, rows[:2], 3), (rows, rows, 4), (rows[:1], rows[:1], 1)):
        with pytest.raises(UsageError, match="two sides of at least two rows and a label for each"):
            fit_linear_on_pairs(first, second, np.arange(labels))
    with pytest.raises(UsageError, match="NaN or infinite"):
        fit_linear_on_scores(rows, rows, np.array([0.0, np.nan, 1.0]))
    with pytest.raises(UsageError, match="NaN or infinite"):
        fit_linear_on_pairs(rows * np.inf, rows, np.arange(3))
