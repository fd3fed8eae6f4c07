"""Verdicts, intervals over items and seeds, and differences on the same resamples."""

from __future__ import annotations

import numpy as np
import pytest

from juyi.reproduction import Outcome, Place, differences
from juyi.reproduction.results import Result
from juyi.reproduction.seeded_difference import SeededDifference
from juyi.tables import Column, Row, Variant


def outcome(published: float | None, *values: float, half: float = 2.0, reason: str = "", name: str = "raw") -> Outcome:
    results = {
        seed: Result(
            value, (value - half, value + half), 100, 100, replicates=tuple(np.linspace(value - half, value + half, 101))
        )
        for seed, value in enumerate(values, start=1)
    }
    variant = Variant(name, recipe="" if name == "raw" else "zh/simcse")
    return Outcome(Place(Row("r"), Column("c"), variant), published, results, reason, 1.0)


VERDICTS = {
    "the same": (outcome(50.0, 50.2), "reproduced"),
    "within the interval, too far": (outcome(50.0, 51.5), "near"),
    "close, but certainly another": (outcome(50.0, 50.5, half=0.1), "near"),
    "far, and certain": (outcome(50.0, 55.0), "missed"),
    "nothing published": (outcome(None, 50.0), "no figure"),
    "not run": (outcome(50.0), "not run"),
    "on other data": (outcome(50.0, 50.0, reason="400 pairs"), "other conditions"),
}


@pytest.mark.parametrize("name", VERDICTS)
def test_verdicts(name: str) -> None:
    found, verdict = VERDICTS[name]
    assert found.verdict == verdict
    assert found.record()["verdict"] == verdict


def test_items_and_seeds_both_widen_the_interval() -> None:
    """Figures whose items and seeds are drawn anew each time: the true one lies within 95 % of the intervals."""
    rng = np.random.default_rng(5)
    covered = 0
    for _ in range(2000):
        of_items = rng.normal(0, 1)  # the same items for all seeds
        values = 50 + of_items + rng.normal(0, 1.5, size=3)
        found = outcome(50.0, *values, half=1.96)
        assert found.interval is not None
        covered += found.interval[0] <= 50 <= found.interval[1]
    assert 0.945 <= covered / 2000 <= 0.985


def test_one_seed_has_the_interval_of_its_items() -> None:
    assert outcome(None, 50.0).interval == (48.0, 52.0)
    assert outcome(None).interval is None


def test_a_difference_is_taken_seed_by_seed_on_the_same_resamples() -> None:
    raw, trained = outcome(None, 50.0), outcome(None, 53.0, 54.0, name="SimCSE")
    (found,) = differences([raw, trained])
    assert (found.variant, found.against) == ("SimCSE", "raw")
    assert found.value == pytest.approx(3.5)
    # The resamples rise and fall together, so that only the spread of the seeds is left: t(1) at 97.5 % is 12.706.
    assert found.interval == pytest.approx((3.5 - 12.706 * 0.5, 3.5 + 12.706 * 0.5), abs=0.01)


def test_figures_on_other_resamples_are_not_compared() -> None:
    raw = outcome(None, 50.0)
    other = Outcome(raw.place, None, {1: Result(51.0, None, 100, 100)}, "", 1.0)
    assert differences([raw, other]) == []


@pytest.mark.parametrize(("of_seeds", "count"), [(5.0, 3), (0.2, 3), (0.0, 1)])
def test_a_p_value_is_as_rare_as_it_says(of_seeds: float, count: int) -> None:
    """Differences whose items and seeds are drawn anew each time, where there is none."""
    rng = np.random.default_rng(9)
    drawn = np.linspace(-1.96, 1.96, 101) / 0.95  # the quantiles at 95 % are those of a normal distribution
    p_values = []
    for _ in range(3000):
        values = rng.normal() + rng.normal(0, of_seeds, size=count) if of_seeds else np.array([rng.normal()])
        p_values.append(SeededDifference(values, values.mean() + drawn).p_value())
    for level in (0.05, 0.002):
        assert np.mean(np.less(p_values, level)) <= level + 3 * np.sqrt(level / 3000)


def test_a_p_value_says_what_the_interval_says() -> None:
    rng = np.random.default_rng(3)
    for _ in range(200):
        values = rng.normal(2, 1, size=rng.integers(1, 5))
        found = SeededDifference(values, values.mean() + rng.normal(size=400))
        low, high = found.interval
        assert (found.p_value() < 0.05) == (low > 0 or high < 0)
        assert found.p_value(low) == pytest.approx(0.05, abs=1e-6)
