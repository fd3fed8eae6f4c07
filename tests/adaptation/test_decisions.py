"""Probabilities from labels: fitted on decisions of encoders that had not learned them, and true of new ones."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from juyi.adaptation.decisions import FEWEST, Decisions
from juyi.metrics import Bootstrap, Units

QUICK = Bootstrap(resamples=100)


def decisions(count: int, seed: int = 0, slope: float = 15.0, folds: int = 4, per_unit: int = 2) -> Decisions:
    """Units of decisions that have something in common, as the queries of one question do."""
    rng = np.random.default_rng(seed)
    units = np.arange(count) // per_unit
    similarity = rng.normal(0.6, 0.12, count) + 0.05 * rng.normal(size=units.max() + 1)[units]
    right = rng.random(count) < expit(slope * (similarity - 0.6))
    return Decisions("hit", similarity, right, units % folds, Units.grouped(units.tolist()))


def test_the_probabilities_are_those_of_new_decisions() -> None:
    found = decisions(2_000).calibrated([], QUICK)
    assert found is not None
    new = decisions(50_000, seed=1)
    probabilities = found.probability(new.similarity)
    for low, high in ((0.1, 0.3), (0.4, 0.6), (0.7, 0.9)):
        inside = (probabilities >= low) & (probabilities < high)
        assert new.right[inside].mean() == pytest.approx(probabilities[inside].mean(), abs=0.04)
    assert found.error < 0.05
    assert (found.count, found.units) == (2_000, 1_000)


def test_what_a_threshold_leads_to_holds_for_new_decisions_as_often_as_it_says() -> None:
    new = decisions(50_000, seed=999)
    held, total = 0, 0
    for seed in range(40):
        found = decisions(600, seed).calibrated([], QUICK)
        assert found is not None
        for point in found.points:
            accepted = new.similarity >= point.similarity
            total += 1
            held += point.low <= new.right[accepted].mean() <= point.high
    assert total > 300
    assert held / total > 0.9  # of intervals at 95 %, whose thresholds differ a little from fold to fold


def test_points_rise_in_all_that_a_threshold_brings() -> None:
    found = decisions(3_000).calibrated([], QUICK)
    assert found is not None
    assert [point.probability for point in found.points] == sorted(point.probability for point in found.points)
    assert all(
        a.similarity < b.similarity and a.kept >= b.kept and a.refused <= b.refused
        for a, b in zip(found.points, found.points[1:], strict=False)
    )
    assert found.similarity(0.5) == pytest.approx(next(point.similarity for point in found.points if point.probability == 0.5))


def test_where_nothing_went_wrong_the_precision_is_not_certain_yet() -> None:
    rng = np.random.default_rng(0)
    similarity = np.concatenate([rng.uniform(0.8, 0.9, 40), rng.uniform(0.1, 0.2, 40)])
    right = np.arange(80) < 40
    found = Decisions("pair", similarity, right, np.arange(80) % 4, Units.single(80)).calibrated([], QUICK)
    assert found is not None
    point = next(each for each in found.points if each.probability == 0.5)
    assert point.precision == 1.0
    assert point.low == pytest.approx(0.025 ** (1 / 40))


@pytest.mark.parametrize("right", [FEWEST - 1, 200 - FEWEST + 1])
def test_too_few_of_a_class_claim_nothing(right: int) -> None:
    similarity = np.linspace(0, 1, 200)
    assert (
        Decisions("pair", similarity, np.arange(200) >= 200 - right, np.arange(200) % 4, Units.single(200)).calibrated([], QUICK)
        is None
    )


def test_similarities_that_do_not_differ_claim_nothing() -> None:
    right = np.arange(200) % 2 == 0
    assert Decisions("pair", np.full(200, 0.5), right, np.arange(200) % 4, Units.single(200)).calibrated([], QUICK) is None
    but_for_one_fold = np.where(np.arange(200) % 4 == 0, np.linspace(0, 1, 200), 0.5)
    assert Decisions("pair", but_for_one_fold, right, np.arange(200) % 4, Units.single(200)).calibrated([], QUICK) is None


def test_where_the_more_similar_is_not_the_likelier_nothing_is_claimed() -> None:
    found = decisions(500)
    turned = Decisions("hit", -found.similarity, found.right, found.folds, found.units)
    assert turned.calibrated([], QUICK) is None


def test_weights_say_how_many_decisions_each_stands_for() -> None:
    found = decisions(4_000)
    # Wrong decisions are drawn three times as often, and count a third.
    rng = np.random.default_rng(5)
    kept = found.right & (rng.random(4_000) < 1 / 3) | ~found.right
    weights = np.where(found.right, 3.0, 1.0)[kept]
    units = Units.grouped(found.units.of[kept].tolist())
    drawn = Decisions("hit", found.similarity[kept], found.right[kept], found.folds[kept], units, weights).calibrated([], QUICK)
    whole = found.calibrated([], QUICK)
    assert whole is not None and drawn is not None
    assert drawn.similarity(0.5) == pytest.approx(whole.similarity(0.5), abs=0.02)
    assert drawn.right == pytest.approx(whole.right, abs=0.03)
