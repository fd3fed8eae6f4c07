"""Turned targets: no cosine changes, and what a student knew already it need not learn again."""

from __future__ import annotations

import numpy as np
from scipy.stats import ortho_group

from juyi.teachers import turned_towards


def targets(count: int) -> np.ndarray:
    drawn = np.random.default_rng(1).normal(size=(count, 6)) * [3, 2, 2, 1, 1, 0.5]
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float16)


def test_a_student_in_other_axes_is_met_where_it_is() -> None:
    given = targets(300)
    turn = ortho_group.rvs(6, random_state=3)  # mirrored too, for one seed in two
    knows = np.random.default_rng(2).uniform(0.1, 9, size=(300, 1)) * (given.astype(np.float64) @ turn)
    places = np.arange(0, 300, 7)
    found = turned_towards(given, places, knows[places])
    assert found.dtype == np.float16 and found.shape == given.shape
    directions = knows / np.linalg.norm(knows, axis=1, keepdims=True)
    np.testing.assert_allclose(found, directions, atol=2e-3)
    assert np.abs(given - directions).max() > 0.5


def test_no_cosine_changes_whatever_the_student_gives() -> None:
    given, places = targets(50), np.arange(50)
    for students in (np.random.default_rng(4).normal(size=(50, 6)), np.ones((50, 6)), np.zeros((50, 6))):
        found = turned_towards(given, places, students).astype(np.float64)
        np.testing.assert_allclose(found @ found.T, given.astype(np.float64) @ given.astype(np.float64).T, atol=3e-3)
        np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-3)


def test_nothing_is_nearer() -> None:
    """No other rotation, of a thousand tried, brings the targets nearer to the student's vectors."""
    given, students = targets(40), np.random.default_rng(5).normal(size=(40, 6))
    units = students / np.linalg.norm(students, axis=1, keepdims=True)
    best = float((turned_towards(given, np.arange(40), students).astype(np.float64) * units).sum())
    others = [float((given.astype(np.float64) @ turn * units).sum()) for turn in ortho_group.rvs(6, size=1000, random_state=6)]
    assert best > max(others)
