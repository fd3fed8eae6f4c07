from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from juyi.data import ScoredPairs
from juyi.data.sets import ENGLISH_STS
from juyi.suites import CHINESE_NAMES, PUBLISHED_COUNTS, count_warning, count_warnings
from juyi.tasks import STS, Task


def sized(name: str, split: str, count: int) -> STS:
    return STS(name, split, ScoredPairs(["a"] * count, ["b"] * count, np.zeros(count)))


def test_counts_are_compared_in_words() -> None:
    assert count_warning(sized("STS-B", "test", 1361)) is None
    assert count_warning(sized("other", "test", 5)) is None
    assert count_warning(sized("STS12", "dev", 5)) is None
    assert count_warning(sized("STS-B", "test", 1379)) == (
        "STS-B test has 1379 pairs, 18 more than the published 1361: its figures cannot be compared with published tables."
    )
    assert str(count_warning(sized("LCQMC", "dev", 8800))).startswith(
        "LCQMC dev has 8800 pairs, 2 fewer than the published 8802:"
    )


def test_a_task_that_has_no_size_has_no_warning() -> None:
    @dataclass(frozen=True, eq=False)
    class Unsized(Task):
        texts = measure = None  # type: ignore[assignment]

    assert count_warning(Unsized("STS-B", "test")) is None


def test_only_those_that_differ_are_warned_of() -> None:
    tasks = [sized("STS16", "test", 1186), sized("STS16", "test", 1187), sized("other", "test", 2), sized("SICK-R", "test", 9927)]
    assert [warning.partition(",")[0] for warning in count_warnings(tasks)] == [
        "STS16 test has 1187 pairs",
        "SICK-R test has 9927 pairs",
    ]


def test_the_published_counts_are_those_of_all_suites_and_add_up() -> None:
    assert set(PUBLISHED_COUNTS) == {*CHINESE_NAMES.values(), *ENGLISH_STS}
    sick = PUBLISHED_COUNTS["SICK-R"]
    assert sick["train+dev+test"] == sick["train"] + sick["dev"] + sick["test"]
