from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from juyi.data.sets import ENGLISH_STS, HUB_SETS
from juyi.errors import DataError, UsageError
from juyi.evaluation import evaluate_suite
from juyi.suites import english_sts
from juyi.tasks import Task
from juyi.types import Embeddings

SUBTASKS = {
    "STS12": {"MSRpar": 30, "MSRvid": 20},
    "STS13": {"FNWN": 20, "headlines": 24},
    "STS14": {"images": 22, "OnWN": 26},
    "STS15": {"belief": 20, "images": 21},
    "STS16": {"plagiarism": 23, "headlines": 20},
}
SICK = {"train": 21, "trial": 9, "test": 25}
WHOLE = "train+dev+test"


def encode(texts: Sequence[str]) -> Embeddings:
    """A fixed random direction for each text."""
    return np.stack([np.random.default_rng(list(text.encode())).normal(size=5) for text in texts]).astype(np.float32)


def write(path: Path, count: int, subtask: str = "") -> None:
    rng = np.random.default_rng(list(path.name.encode()))
    rows = [f"{path.name} {i} one\t{path.name} {i} other\t{rng.integers(0, 26) / 5}" for i in range(count)]
    path.write_text("".join(f"{subtask}\t{row}\n" if subtask else f"{row}\n" for row in rows), encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for year, parts in SUBTASKS.items():
        for subtask, count in parts.items():
            write(tmp_path / f"{year}.{subtask}.tsv", count, subtask)
    for split, count in (("train", 20), ("dev", 22), ("test", 28)):
        write(tmp_path / f"stsb.{split}.tsv", count)
    for split, count in SICK.items():
        write(tmp_path / f"sick_r.{split}.tsv", count)
    return tmp_path


def names(tasks: Sequence[Task]) -> list[tuple[str, str]]:
    return [(task.name, task.split) for task in tasks]


def test_seven_tasks_and_sick_both_ways(folder: Path) -> None:
    suite = english_sts(folder)
    assert suite.problems == []
    assert names(suite.tasks) == [*((name, "test") for name in ENGLISH_STS), ("SICK-R", WHOLE)]
    test, whole = suite.tasks[-2:]
    assert (len(list(test.texts())), len(list(whole.texts()))) == (2 * 25, 2 * (21 + 9 + 25))
    assert list(whole.texts())[:1] == ["sick_r.train.tsv 0 one"]
    assert list(whole.texts())[21:22] == ["sick_r.trial.tsv 0 one"]
    assert list(whole.texts())[30:55] == list(test.texts())[:25]


def test_counts_of_each_sub_task_and_the_average_over_seven(folder: Path) -> None:
    result = evaluate_suite(english_sts(folder), encode)
    value = result.value
    counts = {(score.task, score.split, score.subset): score.count for score in result.scores}
    for year, parts in SUBTASKS.items():
        assert {subset: count for (task, _, subset), count in counts.items() if task == year} == {
            **dict.fromkeys(("all", "mean", "wmean"), sum(parts.values())),
            **parts,
        }
        figures = [value(year, "test", subset=subset) for subset in parts]
        assert value(year, "test", subset="mean") == pytest.approx(sum(figures) / 2)
        weighted = sum(figure * count for figure, count in zip(figures, parts.values(), strict=True)) / sum(parts.values())
        assert value(year, "test", subset="wmean") == pytest.approx(weighted)
    assert (counts["SICK-R", "test", ""], counts["SICK-R", WHOLE, ""]) == (25, 55)
    for subset in ("all", "mean", "wmean"):
        seven = [
            *(value(year, "test", subset=subset) for year in SUBTASKS),
            value("STSBenchmark", "test"),
            value("SICK-R", "test"),
        ]
        assert value("avg", "test", subset=subset) == pytest.approx(sum(seven) / 7)
        assert counts["avg", "test", subset] == sum(sum(parts.values()) for parts in SUBTASKS.values()) + 28 + 25
    assert len([score for score in result.scores if score.task == "avg"]) == 3


BROKEN = {
    "an empty file": ("", r"STS13\.FNWN\.tsv: .*empty"),
    "a column too few": ("FNWN\ta\tb\t1\nFNWN\tc\td\n", r"STS13\.FNWN\.tsv, line 2: too few columns"),
    "no number": ("FNWN\ta\tb\t1\nFNWN\tc\td\tNaN\n", r"STS13\.FNWN\.tsv, line 2: the score .* is 'NaN'"),
    "one pair": ("FNWN\ta\tb\t1\n", r"STS13 test FNWN has 1 pairs; a correlation needs at least 2"),
}


@pytest.mark.parametrize(("text", "words"), BROKEN.values(), ids=BROKEN)
def test_a_broken_sub_task_is_named_and_the_other_tasks_are_measured(folder: Path, text: str, words: str) -> None:
    (folder / "STS13.FNWN.tsv").write_text(text, encoding="utf-8")
    suite = english_sts(folder)
    (problem,) = suite.problems
    assert re.search(words, problem)
    assert "STS13 test" in problem
    result = evaluate_suite(suite, encode)
    assert {score.task for score in result.scores} == {*ENGLISH_STS} - {"STS13"}
    assert result.problems == (problem,)


def test_a_set_that_is_missing_is_a_problem_and_leaves_no_average(folder: Path) -> None:
    (folder / "stsb.test.tsv").unlink()
    (folder / "sick_r.trial.tsv").unlink()
    suite = english_sts(folder)
    benchmark, whole = suite.problems
    assert benchmark.startswith("STSBenchmark test: ") and "the test split of STSBenchmark is not here" in benchmark
    assert whole.startswith(f"SICK-R {WHOLE}: ") and "the dev split of SICK-R is not here" in whole
    assert ("SICK-R", "test") in names(suite.tasks)
    assert "avg" not in {score.task for score in evaluate_suite(suite, encode).scores}


def test_tasks_and_splits_can_be_chosen(folder: Path) -> None:
    suite = english_sts(folder, ["dev", "test"], ["sick-r", "sts_12", "STS-B"])
    assert names(suite.tasks) == [
        ("STS12", "test"), ("STSBenchmark", "dev"), ("STSBenchmark", "test"),
        ("SICK-R", "dev"), ("SICK-R", "test"), ("SICK-R", WHOLE),
    ]  # fmt: skip
    assert names(english_sts(folder, ["dev"], ["STS12", "SICK"]).tasks) == [("SICK-R", "dev")]


def test_what_is_not_known_is_refused(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(UsageError, match=r"no English STS task 'STS17'\. Allowed: STS12, STS13"):
        english_sts(folder, tasks=["STS12", "STS17"])
    with pytest.raises(UsageError, match=r"no split 'valid'\. Allowed: train, dev, test"):
        english_sts(folder, ["valid"])
    with pytest.raises(DataError, match="none of the English STS sets is here"):
        english_sts(tmp_path_factory.mktemp("empty"))


def test_other_counts_than_the_published_ones_are_noted(folder: Path) -> None:
    notes = english_sts(folder).notes
    assert len(notes) == 8
    assert notes[0].startswith("STS12 test has 50 pairs, 3058 fewer than the published 3108:")
    assert notes[-1].startswith(f"SICK-R {WHOLE} has 55 pairs, 9872 fewer than the published 9927:")


def test_the_test_split_of_sick_on_the_hub_is_the_whole_set(hub) -> None:
    asked = hub()
    suite = english_sts("hub")
    assert asked == [(HUB_SETS[name].repository, "test") for name in ENGLISH_STS]
    assert names(suite.tasks) == [*((name, "test") for name in ENGLISH_STS[:-1]), ("SICK-R", WHOLE)]
    # The average of the published table is over the 4,927 pairs of the test split, which the hub does not have by itself.
    assert "avg" not in {score.task for score in evaluate_suite(suite, encode).scores}


@pytest.mark.shared
def test_the_real_sets(shared_data: Path) -> None:
    suite = english_sts(shared_data / "en_sts", tasks=["STS12", "STS13", "STS14", "STS15", "STS-B", "SICK-R"])
    assert names(suite.tasks) == [
        *((f"STS1{year}", "test") for year in (2, 3, 4, 5)), ("STSBenchmark", "test"), ("SICK-R", "test"), ("SICK-R", WHOLE),
    ]  # fmt: skip
    assert (list(suite.problems), list(suite.notes)) == ([], [])
    assert [len(task.texts()) // 2 for task in suite.tasks] == [3108, 1500, 3750, 3000, 1379, 4927, 9927]
