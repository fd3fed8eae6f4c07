from __future__ import annotations

import numpy as np
import pytest

from juyi.metrics import Bootstrap
from juyi.suites import over_splits, over_tasks
from juyi.tasks import BootstrappedScore
from juyi.types import Interval, Score


def figure(
    task: str, split: str, value: float, count: int = 10, subset: str = "", metric: str = "spearman", labels: tuple[str, ...] = ()
) -> BootstrappedScore:
    """A figure whose resamples lie one below and one above it."""
    score = Score(task, split, metric, value, count, subset, Interval(value - 1, value + 1), labels)
    return BootstrappedScore(score, np.array([value - 1, value + 1]), Bootstrap(resamples=2))


def values(found: list[BootstrappedScore]) -> dict[tuple[str, ...], float]:
    return {each.key: each.score.value for each in found}


def test_over_splits_by_hand() -> None:
    found = [figure("BQ", "dev", 40, 100, labels=("a",)), figure("ATEC", "dev", 10), figure("BQ", "test", 20, 300, labels=("b",))]
    plain, weighted = over_splits(found, ["dev", "test"])
    # (40 + 20) / 2, and (100 · 40 + 300 · 20) / 400; ATEC lacks a split.
    assert (plain.key, plain.score.value, plain.score.count) == (("BQ", "avg", "", "spearman"), 30, 400)
    assert (weighted.key, weighted.score.value, weighted.score.count) == (("BQ", "w-avg", "", "spearman"), 25, 400)
    assert plain.score.labels == ("a", "b")
    assert plain.score.interval is not None and plain.score.interval.level == 0.95


def test_a_missing_split_leaves_no_average_and_one_alone_has_none() -> None:
    found = [figure("BQ", "dev", 40), figure("BQ", "test", 20), figure("BQ", "train", 60)]
    assert over_splits(found[:2], ["train", "dev", "test"]) == []
    assert over_splits(found, ["dev"]) == []
    assert [each.score.value for each in over_splits(found, ["train", "dev", "test"])] == pytest.approx([40, 40])
    assert [each.score.value for each in over_splits(found, ["test", "dev"])] == pytest.approx([30, 30])


def test_subsets_and_metrics_are_averaged_apart() -> None:
    found = [
        figure("x", split, value, subset=subset, metric=metric)
        for split, value in (("dev", 1.0), ("test", 3.0))
        for subset, metric in (("", "f1"), ("s", "f1"), ("", "accuracy"))
    ]
    assert values(over_splits(found, ["dev", "test"])) == {
        ("x", split, subset, metric): 2
        for subset, metric in (("", "f1"), ("s", "f1"), ("", "accuracy"))
        for split in ("avg", "w-avg")
    }


def test_over_tasks_by_hand() -> None:
    found = [
        figure("A", "test", 10, 5), figure("B", "test", 20, 7), figure("C", "test", 60, 8),
        figure("A", "dev", 1), figure("B", "test", 99, metric="accuracy"), figure("D", "test", 1000),
    ]  # fmt: skip
    (mean,) = over_tasks(found, ["A", "B", "C"], ["test"], "spearman")
    assert (mean.key, mean.score.value, mean.score.count) == (("avg", "test", "", "spearman"), 30, 20)
    assert mean.score.interval is not None


def test_a_missing_task_leaves_no_average() -> None:
    found = [figure("A", "test", 10), figure("B", "dev", 20)]
    assert over_tasks(found, ["A", "B"], ["test"], "spearman") == []
    assert over_tasks([], ["A"], ["test"], "spearman") == []
    assert len(over_tasks(found, ["A"], ["test"], "spearman")) == 1


def test_each_way_to_pool_sub_tasks_has_its_average_and_tasks_without_count_in_each() -> None:
    found = [
        *(figure("A", "test", value, subset=subset) for subset, value in (("all", 10), ("mean", 20), ("wmean", 30), ("x", 999))),
        figure("B", "test", 50),
    ]
    assert values(over_tasks(found, ["A", "B"], ["test"], "spearman")) == {
        ("avg", "test", "all", "spearman"): 30,
        ("avg", "test", "mean", "spearman"): 35,
        ("avg", "test", "wmean", "spearman"): 40,
    }


def test_splits_that_stand_for_each_other() -> None:
    found = [figure("A", "10-fold", 10, metric="accuracy"), figure("B", "test", 30, metric="accuracy")]
    assert values(over_tasks(found, ["A", "B"], ["test", "10-fold"], "accuracy")) == {("avg", "test", "", "accuracy"): 20}


@pytest.mark.parametrize("names", [["A", "B"], ["B", "A"]])
def test_the_order_of_the_figures_does_not_matter(names: list[str]) -> None:
    found = [figure(name, "test", value) for name, value in zip(names, (10, 20), strict=True)]
    (mean,), (again,) = (over_tasks(each, ["A", "B"], ["test"], "spearman") for each in (found, found[::-1]))
    assert mean.replicates is not None and again.replicates is not None
    np.testing.assert_array_equal(mean.replicates, again.replicates)
