"""Figures as rows: what stands beside what, with how many places."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from juyi.data import ScoredPairs
from juyi.errors import UsageError
from juyi.evaluation import (
    compare_scores,
    comparison_rows,
    count_text,
    difference_text,
    flat_record,
    interval_text,
    markdown_table,
    score_rows,
    score_text,
    seed_rows,
    short_seed_row,
)
from juyi.metrics import Bootstrap, Difference
from juyi.tasks import STS, BootstrappedScore
from juyi.types import Interval, Score


def made(value: float, task: str = "T", half: float | None = 2.0, **more: Any) -> BootstrappedScore:
    """A figure whose resamples lie evenly around it."""
    given = {"split": "test", "metric": "spearman", "count": 10} | more
    span = None if half is None else Interval(value - half, value + half)
    figures = None if half is None else np.linspace(value - half, value + half, 1000)
    return BootstrappedScore(Score(task=task, value=value, interval=span, **given), figures, Bootstrap())


@pytest.mark.parametrize(
    ("value", "low", "high", "shown", "between"),
    [
        (84.0554, 46.5, 96.5, "84.06", "46.5 – 96.5"),
        (99.499, 99.36, 99.62, "99.50", "99.36 – 99.62"),
        (-3.7331, -3.7424, -3.7238, "-3.733", "-3.742 – -3.724"),
        (100.0, 100.0, 100.0, "100.00", "100.0 – 100.0"),  # no spread deserves no more places
    ],
)
def test_a_figure_has_as_many_places_as_its_interval_deserves(
    value: float, low: float, high: float, shown: str, between: str
) -> None:
    found = Interval(low, high)
    assert score_text(Score("T", "test", "m", value, 10, interval=found)) == shown
    assert interval_text(found) == between


def test_a_figure_without_interval_has_two_places() -> None:
    assert score_text(Score("T", "test", "threshold", 0.63499, 10)) == "0.63"
    assert interval_text(None) == ""


@pytest.mark.parametrize(("units", "shown"), [(None, "10000"), (10000, "10000"), (644, "10000 in 644")])
def test_the_number_of_groups_stands_beside_that_of_the_items_where_they_differ(units: int | None, shown: str) -> None:
    score = Score("BQ", "test", "spearman", 41.0, 10000, units=units)
    assert count_text(score) == shown
    scored = BootstrappedScore(score, None, Bootstrap())
    assert score_rows([scored], {})[0]["n"] == comparison_rows(compare_scores([scored], [scored]))[0]["n"] == shown
    assert (score.as_record("m")["units"], flat_record(score.as_record("m"))["units"]) == (units, units)


def test_a_table_in_markdown() -> None:
    assert markdown_table([{"task": "a|b", "n": 10, "x": 0.123456}, {"task": "c", "n": None, "x": "1.00"}]) == (
        "| task | n | x |\n| --- | ---: | ---: |\n| a\\|b | 10 | 0.1235 |\n| c | – | 1.00 |\n"
    )
    assert markdown_table([]) == ""


def test_a_difference_has_signs() -> None:
    assert difference_text(Difference(1.25, Interval(-0.5, 3.0))) == "+1.2 (-0.5 – +3.0)"
    assert difference_text(Difference(-0.211, Interval(-0.44, -0.04))) == "-0.21 (-0.44 – -0.04)"


def test_sub_tasks_stand_below_their_task_and_means_beside_it() -> None:
    found = [
        made(60, subset="all", count=30),
        made(61, subset="mean", count=30),
        made(62, subset="wmean", count=30),
        made(50, subset="one", count=20),
        made(72, subset="two", count=10),
        made(70, "U"),
    ]
    rows = score_rows(found, {})
    assert [row["task"] for row in rows] == ["T test", "  one", "  two", "U test"]
    assert [(row["spearman"], row["mean"], row["wmean"]) for row in rows] == [
        ("60.00", "61.00", "62.00"),
        ("50.00", "", ""),
        ("72.00", "", ""),
        ("70.00", "", ""),
    ]
    assert [row["n"] for row in rows] == ["30", "20", "10", "10"]


def test_columns_that_would_be_empty_are_left_out() -> None:
    assert [*score_rows([made(60)], {})[0]] == ["task", "n", "spearman", "95 %"]
    rows = score_rows([made(60), made(61, metric="accuracy", labels=("mine", "dev-selected"))], {})
    assert [*rows[0]] == ["task", "n", "metric", "value", "95 %", "labels"]
    assert [(row["task"], row["metric"], row["labels"]) for row in rows] == [
        ("T test", "spearman", ""),
        ("", "accuracy", "mine, dev-selected"),  # the task is named where it begins
    ]


def test_word_overlap_stands_beside_each_figure_with_the_paired_difference() -> None:
    rng = np.random.default_rng(0)
    gold = rng.normal(size=200)
    task = STS("T", "test", ScoredPairs([f"a{i}" for i in range(200)], [f"b{i}" for i in range(200)], gold))
    model, other = (task.measure_similarities(gold + rng.normal(size=200) * scale) for scale in (0.5, 1.0))
    found = [*model, made(0.63, metric="threshold", half=None, split="test"), made(1, "U")]
    (first, threshold, unmatched) = score_rows(found, {each.key: each for each in [*other, found[1]]})
    difference = model[0].difference(other[0])
    assert difference is not None
    assert (first["overlap"], first["against it"]) == (score_text(other[0].score), difference_text(difference))
    assert (threshold["overlap"], threshold["against it"]) == ("", "")  # a threshold is on another scale there
    assert (unmatched["overlap"], unmatched["against it"]) == ("", "")


def test_a_flat_record_has_the_bounds_as_columns() -> None:
    record = made(60, labels=("a", "b")).score.as_record("m")
    row = flat_record(record)
    assert [*row] == ["model", "task", "split", "subset", "metric", "value", "count", "units", "low", "high", "labels"]
    assert (row["low"], row["high"], row["labels"]) == (58.0, 62.0, "a b")
    assert flat_record(made(60, half=None).score.as_record("m"))["low"] is None


def test_seeds_are_summed_up_by_student_s_t() -> None:
    runs = [[made(value, labels=labels), made(7, "U")] for value, labels in ((60.0, ()), (61.0, ("a",)), (65.0, ("b", "a")))]
    first, second = seed_rows(runs)
    assert first["value"] == pytest.approx(62)
    expected = stats.t.interval(0.95, 2, loc=62, scale=stats.sem([60, 61, 65]))
    assert first["interval"] == pytest.approx(list(expected))
    assert (first["seeds"], first["values"], first["labels"]) == (3, [60.0, 61.0, 65.0], ["a", "b"])
    assert second["interval"] == [7, 7]
    assert flat_record(first)["low"] == first["interval"][0] and "values" not in flat_record(first)


def test_what_one_run_lacks_has_no_mean() -> None:
    rows = seed_rows([[made(60), made(70, "U")], [made(71, "U"), made(50, "V")]])
    assert [(row["task"], row["values"]) for row in rows] == [("U", [70, 71])]
    with pytest.raises(UsageError, match="at least 2"):
        seed_rows([[made(60)]])


def test_a_small_spread_is_shown_with_more_places() -> None:
    (row,) = seed_rows([[made(0.3421)], [made(0.3425)], [made(0.3423)]])
    assert short_seed_row(row)["mean"] == "0.342 ± 0.000"
    assert short_seed_row(row)["each"] == "0.342 0.343 0.342"
    (row,) = seed_rows([[made(60.0, subset="one")], [made(62.0, subset="one")]])
    short = short_seed_row(row)
    half = stats.t.ppf(0.975, 1)  # the standard error is 1
    assert short["mean"] == f"61.00 ± {half:.2f}"
    assert (short["task"], short["split"], short["subset"], short["n"], short["each"]) == ("T", "test", "one", 10, "60.00 62.00")
