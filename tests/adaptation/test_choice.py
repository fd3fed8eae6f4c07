"""The choice among candidates: no gain where there is none, the gain that there is, and how many labels it takes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from juyi.adaptation import PairEvidence, choose, dealt, smallest_gain, units_needed
from juyi.adaptation.questions import QuestionEvidence
from juyi.data import ScoredPairs
from juyi.metrics import Bootstrap, Difference
from juyi.tasks import Retrieval
from juyi.types import Interval

UNITS, OF_EACH, CANDIDATES = 60, 3, 12


def evidence(units: int = UNITS, seed: int = 0, name: str = "groups") -> QuestionEvidence:
    """Units of three queries each, with one answer."""
    queries = [f"{name}{unit}-{number}" for unit in range(units) for number in range(OF_EACH)]
    corpus = [f"{name} answer {unit}" for unit in range(units)]
    search = Retrieval(name, "held-out", queries, corpus, [[unit] for unit in range(units) for _ in range(OF_EACH)])
    made = QuestionEvidence(name, search, bootstrap=Bootstrap(resamples=100, seed=seed))
    return dealt([made], 4, seed=seed)[0]


def drawn(rng: np.random.Generator, gains: list[float], units: int = UNITS) -> dict[str, list[np.ndarray]]:
    """Reciprocal ranks of candidates: a part that all share, one that each unit has with each candidate, and noise."""
    shared = rng.normal(0.5, 0.2, (units, 1, 1))
    found = {}
    for number, gain in enumerate(gains):
        own = rng.normal(0, 0.1, (units, 1)) + rng.normal(0, 0.1, (units, OF_EACH))
        values = (shared[..., 0] + own + gain).reshape(-1, 1)
        found["raw" if number == 0 else f"candidate {number}"] = [np.repeat(values, 5, axis=1)]
    return found


@pytest.mark.slow
def test_equal_candidates_show_a_gain_no_more_often_than_they_may() -> None:
    rng = np.random.default_rng(1)
    runs, claimed, naive, gains = 160, 0, 0, []
    for number in range(runs):
        found = evidence(seed=number)
        measured = drawn(rng, [0.0] * CANDIDATES)
        choice = choose([found], measured)
        claimed += choice.recommended != "raw"
        gains.append(choice.gain.value if choice.gain else 0.0)
        best = max(measured, key=lambda name: measured[name][0].mean())
        difference = found.main_figure(measured[best][0]).difference(found.main_figure(measured["raw"][0]))
        naive += difference is not None and difference.interval.low > 0
    assert claimed <= 0.05 * runs, claimed
    assert naive > 0.1 * runs  # what choosing and judging on the same units would claim
    assert abs(np.mean(gains)) < 3 * np.std(gains) / np.sqrt(runs)  # no winner's curse


def test_a_candidate_that_is_better_is_found_and_its_gain_is_unbiased() -> None:
    rng = np.random.default_rng(2)
    found, gains, right = [], [], 0
    for number in range(30):
        choice = choose([evidence(seed=number)], drawn(rng, [0.0] * 6 + [0.12] + [0.0] * 5))
        found.append(choice.recommended)
        right += choice.recommended == "candidate 6"
        assert choice.gain is not None
        gains.append(choice.gain.value)
    assert right == 30
    assert np.mean(gains) == pytest.approx(12, abs=3 * np.std(gains) / np.sqrt(30))


def test_the_gain_is_that_of_the_candidates_that_won_without_the_fold() -> None:
    rng = np.random.default_rng(3)
    found = evidence()
    measured = drawn(rng, [0.0, 0.02, 0.02, 0.02])
    choice = choose([found], measured)
    by_hand = []
    for fold in range(4):
        others = found.folds != fold
        winner = max(measured, key=lambda name: measured[name][0][others, 0].mean())
        assert winner == choice.winners[fold]
        by_hand += (measured[winner][0][~others, 0] - measured["raw"][0][~others, 0]).tolist()
    assert choice.gain is not None
    assert choice.gain.value == pytest.approx(100 * np.mean(by_hand))


def test_several_kinds_decide_by_their_mean_and_none_may_be_harmed() -> None:
    kinds = dealt([evidence(name="groups"), evidence(name="clicks")], 4)
    rng = np.random.default_rng(4)
    raw = drawn(rng, [0.0])["raw"][0]
    noise = rng.normal(0, 0.01, raw.shape)
    better = {"raw": [raw, raw], "other": [raw + 0.3 + noise, raw + 0.05 + noise]}
    choice = choose(kinds, better)
    assert choice.recommended == "other"
    assert choice.gain is not None and choice.gain.value == pytest.approx(17.5, abs=0.5)
    harmful = {"raw": [raw, raw], "other": [raw + 0.3 + noise, raw - 0.1 + noise]}
    choice = choose(kinds, harmful)
    assert choice.certain and choice.winner == "other" and choice.recommended == "raw"


def test_where_raw_wins_nothing_is_gained() -> None:
    rng = np.random.default_rng(5)
    choice = choose([evidence()], drawn(rng, [0.0, -0.3, -0.3]))
    assert choice.winner == choice.recommended == "raw"
    assert choice.gain is not None and choice.gain.value == 0


def test_resamples_that_lack_a_class_are_drawn_again() -> None:
    scores = np.array([1.0] * 3 + [0.0] * 37)  # one resample in twenty has no positive pair
    pairs = PairEvidence("pairs", ScoredPairs([f"左{i}" for i in range(40)], [f"右{i}" for i in range(40)], scores))
    rng = np.random.default_rng(7)
    choice = choose(dealt([pairs], 4), {name: [rng.normal(size=(40, 1))] for name in ("raw", "other")})
    assert choice.gain is not None and np.isfinite([choice.gain.interval.low, choice.gain.interval.high]).all()


def test_so_many_units_show_the_gain_four_times_in_five() -> None:
    gain, units, error = 2.0, 50, 1.5
    half = norm.ppf(0.975) * error
    needed = units_needed(Difference(gain, Interval(gain - half, gain + half)), units)
    assert needed is not None
    rng = np.random.default_rng(6)
    spread = error * np.sqrt(units)  # of one unit
    means = rng.normal(gain, spread / np.sqrt(needed), 20_000)
    shown = np.mean(means / (spread / np.sqrt(needed)) > norm.ppf(0.975))
    assert shown == pytest.approx(0.8, abs=0.01)
    assert units_needed(Difference(-1.0, Interval(-2.0, 0.0)), units) is None
    least = smallest_gain(Difference(gain, Interval(gain - half, gain + half)))
    assert np.mean(rng.normal(least, error, 20_000) / error > norm.ppf(0.975)) == pytest.approx(0.8, abs=0.01)
