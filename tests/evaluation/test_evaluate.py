"""Several tasks at once: each text encoded once, labels stamped, what cannot be done said in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from juyi.baselines import LexicalOverlap
from juyi.errors import DataError, UsageError
from juyi.evaluation import Fitting, FittingTexts, evaluate_suite
from juyi.metrics import Bootstrap
from juyi.suites import Suite, over_splits, read_suite
from juyi.tasks import BootstrappedScore, EncodeOrSimilarity, Task, mean_of
from juyi.tasks.similarity import encode_of
from juyi.types import Embeddings, Interval, Score


@dataclass(frozen=True, eq=False)
class Fixed(Task):
    """A task that encodes its texts and gives a figure that is known."""

    value: float = 0.0
    count: int = 10
    asks: tuple[str, ...] = ("a",)
    broken: str = field(default="", repr=False)

    def texts(self) -> Sequence[str]:
        return self.asks

    def measure(self, encoder: EncodeOrSimilarity) -> Sequence[BootstrappedScore]:
        encode_of(encoder)(self.asks)
        if self.broken:
            raise UsageError(self.broken)
        score = Score(self.name, self.split, "spearman", self.value, self.count, interval=Interval(0, 50), labels=self.labels)
        return [BootstrappedScore(score, np.array([0.0, 50.0]), Bootstrap(resamples=2))]


def ones(texts: Sequence[str]) -> Embeddings:
    return np.ones((len(texts), 2), dtype=np.float32)


class Recording:
    """An encoder that notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, texts: Sequence[str]) -> Embeddings:
        self.asked.extend(texts)
        return ones(texts)


TASKS = [
    Fixed("BQ", "dev", 40.0, 100, ("a", "b"), labels=("dev-selected",)),
    Fixed("ATEC", "dev", 10.0, 10, ("b", "c")),
    Fixed("BQ", "test", 20.0, 300, ("a", "c"), labels=("transductive",)),
]


def averages(found: Sequence[BootstrappedScore]) -> list[BootstrappedScore]:
    return over_splits(found, ["dev", "test"])


def identities(found: Sequence[Score]) -> list[tuple[str, str, float, int]]:
    return [(score.task, score.split, score.value, score.count) for score in found]


def test_figures_come_first_and_averages_behind() -> None:
    result = evaluate_suite(Suite("zh", TASKS, summarise=averages), ones, name="m")
    assert identities(result.scores) == [
        ("BQ", "dev", 40, 100), ("ATEC", "dev", 10, 10), ("BQ", "test", 20, 300),
        ("BQ", "avg", 30, 400), ("BQ", "w-avg", 25, 400),
    ]  # fmt: skip
    assert result.value("BQ", "w-avg") == 25
    record = result.records()[4]
    assert record.pop("interval") is not None
    assert record == {
        "model": "m", "task": "BQ", "split": "w-avg", "subset": "", "metric": "spearman", "value": 25.0, "count": 400,
        "labels": ["dev-selected", "transductive"], "units": None,
    }  # fmt: skip
    assert result.problems == ()


def test_tasks_alone_are_a_suite_without_averages() -> None:
    assert identities(evaluate_suite(TASKS, ones).scores) == identities(evaluate_suite(Suite("zh", TASKS), ones).scores)
    assert len(evaluate_suite(TASKS, ones).scores) == 3


def test_each_distinct_text_is_encoded_once_over_all_tasks() -> None:
    recording = Recording()
    evaluate_suite(TASKS, recording)
    assert recording.asked == ["a", "b", "c"]


def test_progress_is_told_of_the_texts_and_before_each_task_and_at_the_end() -> None:
    told: list[tuple[int, int, str]] = []
    evaluate_suite(TASKS, ones, progress=lambda *progress: told.append(progress))
    assert told == [
        (0, 3, "encoding"), (3, 3, "encoding"), (0, 3, "BQ dev"), (1, 3, "ATEC dev"), (2, 3, "BQ test"), (3, 3, ""),
    ]  # fmt: skip


def test_what_cannot_be_measured_is_a_problem_and_the_others_are_measured() -> None:
    tasks = [TASKS[0], replace(TASKS[1], broken="All vectors are equal."), TASKS[2]]
    result = evaluate_suite(Suite("zh", tasks, problems=["LCQMC is missing."], summarise=averages), ones)
    assert [score.task for score in result.scores] == ["BQ"] * 4
    assert result.problems == ("LCQMC is missing.", "ATEC dev could not be measured: All vectors are equal.")


def test_an_encoder_that_gives_no_rows_is_no_problem_of_a_task() -> None:
    with pytest.raises(UsageError, match=r"shape \(1, 2\) for 3 texts"):
        evaluate_suite(TASKS, lambda texts: ones("a"))


def reader(task: Task | Exception) -> Callable[[], Task]:
    def read() -> Task:
        if isinstance(task, Exception):
            raise task
        return task

    return read


def test_what_cannot_be_read_becomes_a_problem_in_words() -> None:
    suite = read_suite(
        "zh",
        [
            ("BQ dev", reader(TASKS[0])),
            ("ATEC dev", reader(DataError("too few columns.", path="/data/atec.tsv", line=7))),
            ("BQ test", reader(UsageError("BQ test has 1 pairs."))),
            ("ATEC test", reader(TASKS[1])),
        ],
        notes=["a note"],
    )
    assert (suite.name, list(suite.tasks), list(suite.notes)) == ("zh", TASKS[:2], ["a note"])
    assert list(suite.problems) == ["ATEC dev: /data/atec.tsv, line 7: too few columns.", "BQ test has 1 pairs."]
    assert evaluate_suite(suite, ones).problems == tuple(suite.problems)
    with pytest.raises(ZeroDivisionError):
        read_suite("zh", [("BQ dev", reader(ZeroDivisionError()))])


def test_averages_are_made_by_the_suite() -> None:
    suite = read_suite(
        "zh", [("BQ dev", reader(TASKS[0])), ("BQ test", reader(TASKS[2]))], summarise=lambda found: [mean_of(found)]
    )
    assert [score.value for score in evaluate_suite(suite, ones).scores] == [40, 20, 30]


def test_a_task_never_counts_double() -> None:
    with pytest.raises(UsageError, match="BQ dev occurs twice, and an average would count it double"):
        evaluate_suite([TASKS[0], TASKS[0]], ones)


def test_no_tasks_and_unknown_figures_are_refused() -> None:
    with pytest.raises(UsageError, match=r"no tasks to evaluate\. Give at least one"):
        evaluate_suite([], ones)
    with pytest.raises(UsageError, match=r"no tasks to evaluate\. BQ is missing\. ATEC too\."):
        evaluate_suite(Suite("zh", [], problems=["BQ is missing.", "ATEC too."]), ones)
    with pytest.raises(UsageError, match=r"no score BQ train spearman\. There are: BQ dev spearman, ATEC dev"):
        evaluate_suite(TASKS, ones).value("BQ", "train")


@dataclass(frozen=True, eq=False)
class FirstComponent(Fixed):
    """Its figure is the first component of its first text."""

    def measure(self, encoder: EncodeOrSimilarity) -> Sequence[BootstrappedScore]:
        return [self.plain("first", float(encode_of(encoder)(self.asks)[0, 0]), 1)]


def test_a_fitted_map_stands_between_encoder_and_task() -> None:
    tasks = [FirstComponent("A", "dev", asks=("a",)), FirstComponent("B", "dev", asks=("b",), labels=("translated",))]

    def sentences(task: Task) -> FittingTexts:
        if task.name == "A":
            raise UsageError("A has no training sentences.")
        return FittingTexts("all", ["b", "c", "d"], "transductive")

    fitting = Fitting(lambda rows: lambda vectors: vectors + len(rows), sentences)
    recording = Recording()
    result = evaluate_suite(tasks, recording, fitting=fitting)
    assert result.scores == (Score("B", "dev", "first", 4.0, 1, labels=("translated", "transductive")),)
    assert result.problems == ("A dev could not be measured: A has no training sentences.",)
    assert recording.asked == ["a", "b", "c", "d"]


def test_a_fitting_needs_vectors() -> None:
    fitting = Fitting(lambda rows: lambda vectors: vectors, lambda task: FittingTexts("all", ["b"]))
    with pytest.raises(UsageError, match="LexicalOverlap compares texts and has no vectors"):
        evaluate_suite(TASKS, LexicalOverlap(), fitting=fitting)
