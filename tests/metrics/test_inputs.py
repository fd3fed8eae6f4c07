from __future__ import annotations

import numpy as np
import pytest

from juyi.embeddings import finite_matrix, unit_rows
from juyi.metrics import finite_vector


@pytest.mark.parametrize(
    ("given", "kept"), [(np.float16, np.float32), (np.float32, np.float32), (np.float64, np.float64), (np.int64, np.float32)]
)
def test_matrices_are_single_precision_or_better(given: type, kept: type) -> None:
    assert finite_matrix(np.ones((2, 3), dtype=given), "it").dtype == kept
    assert unit_rows(np.ones((2, 3), dtype=given), "it").dtype == kept


def test_vectors_are_double_precision() -> None:
    assert finite_vector([True, False], "it").tolist() == [1.0, 0.0]


def test_unit_rows_have_length_one_at_any_magnitude() -> None:
    rows = np.random.default_rng(0).normal(size=(4, 5)) * np.array([[1e-200], [1.0], [1e200], [1e-300]])
    np.testing.assert_allclose(np.linalg.norm(unit_rows(rows, "it"), axis=1), 1, atol=1e-15)
    np.testing.assert_allclose(unit_rows(rows, "it")[1], rows[1] / np.linalg.norm(rows[1]), atol=1e-15)
    assert unit_rows(np.empty((0, 5)), "it").shape == (0, 5)
