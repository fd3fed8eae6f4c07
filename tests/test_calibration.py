"""Similarities as probabilities, in a model folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from juyi.calibration import CALIBRATION, Calibration, OperatingPoint, read_calibrations, write_calibrations
from juyi.errors import ModelError, UsageError
from juyi.hub import folder_digest

POINTS = tuple(
    OperatingPoint(probability, 0.5, precision, precision - 0.1, 1.0, 0.8, 0.7)
    for probability, precision in [(0.1, 0.6), (0.3, 0.85), (0.5, 0.8), (0.7, 0.93), (0.9, 0.99)]
)


def calibration(event: str = "hit", slope: float = 20.0) -> Calibration:
    return Calibration(event, slope, -12.0, 200, 100, 0.4, 0.03, 0.95, "0123", POINTS)  # type: ignore[arg-type]


def test_probability_and_similarity_undo_each_other() -> None:
    found = calibration()
    for probability in (0.05, 0.5, 0.93):
        assert found.probability(found.similarity(probability)) == pytest.approx(probability)
    assert found.similarity(0.5) == pytest.approx(0.6)


@pytest.mark.parametrize(("wanted", "probability"), [(0.5, 0.1), (0.8, 0.3), (0.82, 0.7), (0.95, 0.9), (1.0, None)])
def test_a_wanted_precision_takes_the_lowest_threshold_above_which_it_holds(wanted: float, probability: float | None) -> None:
    point = calibration().for_precision(wanted)
    assert (None if point is None else point.probability) == probability


def test_they_lie_in_the_folder_of_the_model(tmp_path: Path) -> None:
    every = [calibration("hit"), calibration("pair", 9.0)]
    write_calibrations(tmp_path, every)
    assert read_calibrations(tmp_path) == {"hit": every[0], "pair": every[1]}


def test_nothing_is_written_where_there_is_nothing_to_say(tmp_path: Path) -> None:
    write_calibrations(tmp_path, [])
    assert not (tmp_path / CALIBRATION).exists()
    assert read_calibrations(tmp_path) == {}


@pytest.mark.parametrize("content", ["", "{}", '[{"event": "hit"}]', '[{"event": "luck", "slope": 1}]'])
def test_a_damaged_file_is_said(tmp_path: Path, content: str) -> None:
    (tmp_path / CALIBRATION).write_text(content, encoding="utf-8")
    with pytest.raises(ModelError, match="Delete it"):
        read_calibrations(tmp_path)


@pytest.mark.parametrize("slope", [0.0, -1.0, float("nan"), float("inf")])
def test_a_slope_that_says_nothing_is_refused(slope: float) -> None:
    with pytest.raises(UsageError, match="above 0"):
        calibration(slope=slope)


def test_thresholds_beyond_all_probabilities_are_refused() -> None:
    for wrong in (0.0, 1.0, -0.1, 2.0):
        with pytest.raises(UsageError, match="between 0 and 1"):
            calibration().similarity(wrong)
    with pytest.raises(UsageError, match="at most 1"):
        calibration().for_precision(1.5)


def test_it_changes_nothing_about_which_model_it_is(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    before = folder_digest(tmp_path)
    write_calibrations(tmp_path, [calibration()])
    assert folder_digest(tmp_path) == before
