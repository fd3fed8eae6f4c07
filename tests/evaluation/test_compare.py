"""Several comparisons at once: the words, and how often they are wrong."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import numpy as np
import pytest
from numpy.typing import NDArray

from juyi.evaluation import compare_scores, compare_several, comparison_rows, comparison_verdict, main_figures, units_note
from juyi.metrics import Bootstrap, Units, resample_counts
from juyi.tasks import BootstrappedScore
from juyi.types import Score

BOOTSTRAP = Bootstrap(resamples=300)


def made(value: float, error: float = 1.0, task: str = "T", metric: str = "spearman", seed: int = 0) -> BootstrappedScore:
    """A score whose resamples are normally distributed around it."""
    replicates = value + error * np.random.default_rng(seed).normal(size=BOOTSTRAP.resamples)
    return BootstrappedScore(Score(task, "test", metric, value, 10), replicates, BOOTSTRAP)


def table(differences: Sequence[float], metric: str = "spearman") -> tuple[list[BootstrappedScore], list[BootstrappedScore]]:
    """Two candidates on as many tasks; differences in standard errors."""
    first = [made(0, 0, f"T{place}", metric) for place in range(len(differences))]
    return first, [made(value, 1, f"T{place}", metric, place) for place, value in enumerate(differences)]


def test_a_difference_that_is_certain_alone_is_not_so_among_ten() -> None:
    (alone,) = compare_scores(*table([2.3]))
    assert alone.difference is not None and alone.difference.interval.excludes(0)
    assert (alone.standing, alone.family) == ("ahead", 1)
    among = compare_scores(*table([2.3, *[0.1] * 9]))
    assert among[0].difference == alone.difference  # the interval is that of one comparison
    assert {each.standing for each in among} == {"not told apart"}
    assert {each.family for each in among} == {10}


def test_twenty_comparisons_can_be_told_apart() -> None:
    """A p-value from counting 1,000 resamples is never small enough for that many."""
    found = compare_scores(*table([4.5, -4.5, *[0.1] * 18]))
    assert [each.standing for each in found[:3]] == ["ahead", "behind", "not told apart"]
    for each in found[:2]:
        assert each.difference is not None and each.difference.p_value is not None
        assert 0 < each.difference.p_value < 0.05 / 20


def test_holm_lets_the_next_follow() -> None:
    """Of 2.3 standard errors: nothing beside two that are nothing; beside two that are certain the last of three to judge."""
    assert [each.standing for each in compare_scores(*table([2.3, 0.1, 0.1]))] == ["not told apart"] * 3
    assert [each.standing for each in compare_scores(*table([2.3, 5, 5]))] == ["ahead"] * 3


def test_all_candidates_are_one_family() -> None:
    first, second = table([2.3])
    _, third = table([0.1])
    (one,), (two,) = compare_several(first, [second, third])
    assert (one.family, two.family) == (2, 2)
    assert (one.standing, two.standing) == ("ahead", "not told apart")  # 2.3 errors: p is 0.021, below a half of 5 %
    many = compare_several(first, [second, *[third] * 4])
    assert [each.standing for (each,) in many] == ["not told apart"] * 5
    assert [each.difference for (each,) in many[:1]] == [one.difference]


def test_only_main_figures_are_counted_and_called() -> None:
    first = [made(0, 0, "FAQ", "mrr@10"), made(0, 0, "FAQ", "recall@1"), made(0, 0, "avg"), made(0, 0, "G", "mean-cosine")]
    second = [made(9, 1, "FAQ", "mrr@10"), made(9, 1, "FAQ", "recall@1"), made(9, 1, "avg"), made(9, 1, "G", "mean-cosine")]
    found = compare_scores(first, second)
    assert [(each.standing, each.family) for each in found] == [("ahead", 1), ("", 0), ("", 0), ("", 0)]
    assert all(each.difference is not None for each in found)
    assert [each.first.task for each in main_figures(found)] == ["FAQ", "G"]
    assert [row["second is"] for row in comparison_rows(found)] == ["ahead", "", "", ""]


def test_lower_may_be_better() -> None:
    assert [each.standing for each in compare_scores(*table([9, -9], "fpr@95"))] == ["behind", "ahead"]


def test_a_record_says_what_the_word_rests_on() -> None:
    (found,) = compare_scores(*table([2.3]))
    record = found.record("a", "b")
    assert found.difference is not None
    assert (record["p_value"], record["standing"], record["units"]) == (found.difference.p_value, "ahead", None)
    undrawn = BootstrappedScore(Score("T", "test", "threshold", 0.5, 9), None, BOOTSTRAP)
    (plain,) = compare_scores([undrawn], [undrawn])
    assert (plain.record("a", "b")["p_value"], plain.record("a", "b")["standing"]) == (None, "")


def test_the_sentence_says_for_how_many_it_is_corrected() -> None:
    words = comparison_verdict(compare_scores(*table([9, 0.1])), "one", "two")
    assert words == "two against one: ahead on 1 of 2; not told apart on T1 test. Corrected for 2 comparisons (Holm 1979)."
    assert comparison_verdict(compare_scores(*table([9])), "one", "two") == "two against one: ahead on 1 of 1."


def drawn(count: int, units: int, effective: float, task: str = "T", replicates: bool = True) -> BootstrappedScore:
    figures = np.arange(BOOTSTRAP.resamples, dtype=float) if replicates else None
    score = Score(task, "test", "spearman", 1.0, count, units=units)
    return BootstrappedScore(score, figures, BOOTSTRAP, Units.single(units), effective)


def test_a_note_says_what_groups_are_and_where_they_are_few() -> None:
    assert units_note([]) == units_note([made(1)]) == units_note([drawn(100, 100, 100)]) == ""
    assert units_note([drawn(100, 50, 45)]).startswith("n in groups: ")
    assert units_note([drawn(20, 20, 20)]) == (
        "Few independent groups or items, so that intervals are a rough guide: T test (20)."
    )
    assert "T test (300, so unequal that they weigh like 11)" in units_note([drawn(500, 300, 11.2)])
    alone = units_note([drawn(100, 3, 1.2, replicates=False)])
    assert alone.endswith("No interval where nearly all items are one group: T test (3, so unequal that they weigh like 1).")


def grouped_scores(rng: np.random.Generator, simulations: int, tasks: int, lead: float = 0.0) -> list[list[BootstrappedScore]]:
    """The scores of one encoder, simulation by simulation: means over the items of 30 groups of unequal size, task by task."""
    columns: list[list[BootstrappedScore]] = [[] for _ in range(simulations)]
    for task in range(tasks):
        groups = np.repeat(np.arange(30), np.random.default_rng(task).geometric(0.25, 30))
        units = Units.grouped(groups.tolist())
        counts = np.stack(list(islice(resample_counts(units, seed=0, stream=f"T{task} test"), BOOTSTRAP.resamples))).astype(float)
        values: NDArray[np.float64] = rng.normal(size=(30, simulations))[groups] + rng.normal(size=(len(groups), simulations))
        values += lead if task == 0 else 0.0
        replicates = counts @ values / counts.sum(axis=1, keepdims=True)
        for each, value, figures in zip(columns, values.mean(axis=0), replicates.T, strict=True):
            score = Score(f"T{task}", "test", "spearman", float(value), len(groups), units=30)
            each.append(BootstrappedScore(score, figures, BOOTSTRAP, units, units.effective()))
    return columns


def test_of_ten_tasks_none_tells_equal_encoders_apart_in_nineteen_of_twenty_cases() -> None:
    rng = np.random.default_rng(0)
    tables = [compare_scores(*pair) for pair in zip(grouped_scores(rng, 600, 10), grouped_scores(rng, 600, 10), strict=True)]
    wrong = np.mean([any(each.standing != "not told apart" for each in table) for table in tables])
    assert wrong <= 0.07
    uncorrected = [[each.difference is not None and each.difference.interval.excludes(0) for each in table] for table in tables]
    assert np.mean([any(table) for table in uncorrected]) > 0.25


def test_among_ten_tasks_a_clear_lead_is_found() -> None:
    rng = np.random.default_rng(1)
    leads = zip(grouped_scores(rng, 200, 10), grouped_scores(rng, 200, 10, lead=1.8), strict=True)
    assert np.mean([compare_scores(*pair)[0].standing == "ahead" for pair in leads]) > 0.8


@pytest.mark.parametrize("copies", [1, 3])
def test_a_candidate_is_never_told_apart_from_itself(copies: int) -> None:
    scores = grouped_scores(np.random.default_rng(2), 1, 4)[0]
    for found in compare_several(scores, [scores] * copies):
        assert {each.standing for each in found} == {"not told apart"}
        assert {each.difference.p_value for each in found if each.difference is not None} == {1.0}
