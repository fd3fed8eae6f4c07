"""Scores as probabilities."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from juyi.errors import UsageError
from juyi.metrics import calibration_error, fit_platt


def drawn(count: int, slope: float, intercept: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    scores = rng.normal(0.5, 0.2, count)
    return scores, rng.random(count) < expit(slope * scores + intercept)


def test_the_line_that_drew_the_labels_is_found() -> None:
    scores, right = drawn(20_000, 12.0, -6.0)
    slope, intercept = fit_platt(scores, right)
    assert slope == pytest.approx(12, rel=0.05)
    assert intercept == pytest.approx(-6, rel=0.05)
    assert calibration_error(expit(slope * scores + intercept), right) < 0.01


def test_many_items_give_what_logistic_regression_gives() -> None:
    scores, right = drawn(5_000, 5.0, -3.0)
    other = LogisticRegression(C=np.inf, tol=1e-8).fit(scores[:, None], right)
    assert fit_platt(scores, right) == pytest.approx((other.coef_[0, 0], other.intercept_[0]), rel=0.01)


def test_clean_separation_leaves_finite_numbers() -> None:
    slope, intercept = fit_platt([0.1, 0.2, 0.3, 0.7, 0.8, 0.9], [0, 0, 0, 1, 1, 1])
    assert 0 < slope < 100
    # Of three wrong and three right items neither end is certain.
    assert expit(slope * 0.9 + intercept) < 0.95 and expit(slope * 0.1 + intercept) > 0.05


def test_a_weight_of_two_is_an_item_twice() -> None:
    scores, right = drawn(200, 8.0, -4.0)
    twice = np.random.default_rng(1).random(200) < 0.5
    repeated = np.concatenate([np.arange(200), np.flatnonzero(twice)])
    assert fit_platt(scores, right, 1.0 + twice) == pytest.approx(fit_platt(scores[repeated], right[repeated]), rel=1e-3)


def test_labels_that_fall_with_the_score_give_a_slope_below_zero() -> None:
    scores, right = drawn(1_000, 9.0, -4.5)
    assert fit_platt(scores, ~right)[0] < 0


def test_the_error_of_probabilities_that_say_too_much() -> None:
    right = np.arange(1000) % 2 == 0
    assert calibration_error(np.full(1000, 0.5), right) == pytest.approx(0, abs=0.001)
    assert calibration_error(np.full(1000, 0.9), right) == pytest.approx(0.4, abs=0.001)
    assert calibration_error(np.full(1000, 0.9), right, np.where(right, 9.0, 1.0)) == pytest.approx(0.0, abs=0.01)


@pytest.mark.parametrize(
    ("scores", "right", "weights"),
    [
        ([0.1, 0.2], [1, 1], None),
        ([0.1, 0.2], [0, 0], None),
        ([0.3, 0.3], [0, 1], None),
        ([0.1, 0.2, 0.3], [0, 1], None),
        ([0.1, 0.2], [0, 1], [1.0]),
        ([0.1, np.nan], [0, 1], None),
    ],
)
def test_what_has_no_probability_is_refused(scores: list[float], right: list[int], weights: list[float] | None) -> None:
    with pytest.raises(UsageError):
        fit_platt(scores, right, weights)
