"""The decision and what goes with it, in words."""

from __future__ import annotations

import pytest

from juyi.adaptation import Adaptation
from juyi.adaptation.verdict import moved_scales
from juyi.calibration import Calibration, Event


def worth(event: Event, half: float) -> Calibration:
    """One half lies at this similarity."""
    return Calibration(event, 10.0, -10 * half, 200, 100, 0.5, 0.03, 0.95, "0123", ())


def result(recommended: str = "supervised", **halves: float) -> Adaptation:
    calibrations = {name.replace("_", " "): [worth("hit", half)] for name, half in halves.items()}
    return Adaptation("mini", "", "quick", {}, recommended=recommended, calibrations=calibrations)


def test_a_scale_that_moved_is_said_with_both_places() -> None:
    (note,) = moved_scales(result(raw=0.63, supervised=0.51), {})
    assert "at a similarity of 0.51, with the raw encoder at 0.63" in note


def test_the_model_that_is_replaced_counts_too() -> None:
    (note,) = moved_scales(result(raw=0.51, supervised=0.51), {"hit": worth("hit", 0.7), "pair": worth("pair", 0.2)})
    assert "with the model that was here before at 0.70" in note


@pytest.mark.parametrize("halves", [{"raw": 0.51, "supervised": 0.52}, {"raw": 0.3}, {"supervised": 0.3}])
def test_a_scale_that_stayed_or_is_not_known_is_not_talked_about(halves: dict[str, float]) -> None:
    assert moved_scales(result(**halves), {}) == []


def test_raw_against_itself_says_nothing() -> None:
    assert moved_scales(result("raw", raw=0.63), {"pair": worth("pair", 0.1)}) == []
