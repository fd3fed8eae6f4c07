"""Several tasks at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from juyi.errors import DataError, UsageError
from juyi.tasks.fitting import Fitting
from juyi.tasks.measured import Measured
from juyi.tasks.memo import EncodeOnce
from juyi.tasks.similarity import Similarity, Subject, encode_of
from juyi.tasks.task import Task
from juyi.types import Score

ENCODING = "encoding"

HUB = "hub"
"""In place of a folder: the sets are read from the hub, at pinned revisions."""

Progress = Callable[[int, int, str], None]
"""Called as (done, in all, what comes next): of distinct texts under the name `encoding`, then of tasks, at the end with ""."""

Summary = Callable[[Sequence[Measured]], Sequence[Measured]]
"""From the figures of the tasks to their averages."""


@dataclass(frozen=True)
class Suite:
    """Tasks that are measured together, and what is wrong with their data.

    Attributes:
        name: What the suite is called.
        tasks: Those whose data can be used; no split of a task twice.
        problems: One sentence for each part that is missing or cannot be used, with its file and line.
        notes: What a reader of the figures should know.
        summarise: Makes the averages of the figures.
    """

    name: str
    tasks: Sequence[Task]
    problems: Sequence[str] = ()
    notes: Sequence[str] = ()
    summarise: Summary = field(default=lambda found: (), repr=False)


@dataclass(frozen=True, eq=False)
class SuiteResult:
    """The figures of all tasks, in their order, and behind them their averages.

    `problems` are those of the suite, and one sentence for each task that the subject could not do.
    """

    measured: tuple[Measured, ...]
    problems: tuple[str, ...] = ()

    @property
    def scores(self) -> tuple[Score, ...]:
        """The figures with their intervals."""
        return tuple(each.score for each in self.measured)

    def value(self, task: str, split: str, metric: str = "spearman", subset: str = "") -> float:
        """One figure by name.

        Raises:
            UsageError: There is none of that name.
        """
        for score in self.scores:
            if (score.task, score.split, score.metric, score.subset) == (task, split, metric, subset):
                return score.value
        known = ", ".join(f"{score.task} {score.split} {score.metric} {score.subset}".rstrip() for score in self.scores)
        raise UsageError(f"There is no score {task} {split} {metric} {subset}".rstrip() + f". There are: {known}.")

    def records(self, model: str) -> list[dict[str, Any]]:
        """The machine-readable form of all scores."""
        return [score.as_record(model) for score in self.scores]


def read_suite(
    name: str, readers: Iterable[tuple[str, Callable[[], Task]]], *, notes: Sequence[str] = (), summarise: Summary | None = None
) -> Suite:
    """A suite of whatever can be read; what cannot becomes a problem in words.

    Args:
        name: What the suite is called.
        readers: What each task is called, and what reads it.
        notes: Passed on.
        summarise: Passed on.
    """
    tasks: list[Task] = []
    problems: list[str] = []
    for called, read in readers:
        try:
            tasks.append(read())
        except (DataError, UsageError) as error:
            message = str(error)
            problems.append(message if called in message else f"{called}: {message}")
    return Suite(name, tasks, problems, notes, summarise or (lambda found: ()))


class _Named(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def split(self) -> str: ...


N = TypeVar("N", bound=_Named)


def choose(items: Sequence[N], names: Sequence[str], splits: Sequence[str], suite: str) -> list[N]:
    """Those of the tasks, read or only declared, that are asked for; all of them where nothing is.

    Args:
        items: What there is to choose from; of nothing nothing is chosen.
        names: Tasks.
        splits: Splits.
        suite: What errors call the whole.

    Raises:
        UsageError: There is no such task, or none of them has such a split.
    """
    known = list(dict.fromkeys(item.name for item in items))
    if items and (strange := [name for name in names if name not in known]):
        raise UsageError(f"There is no task '{strange[0]}' in {suite}. There are: {', '.join(known)}.")
    named = [item for item in items if not names or item.name in names]
    chosen = [item for item in named if not splits or item.split in splits]
    if named and not chosen:
        there = ", ".join(dict.fromkeys(item.split for item in named))
        raise UsageError(f"The suite {suite} has no split '{splits[0]}'. There are: {there}.")
    return chosen


def evaluate_suite(
    suite: Suite | Sequence[Task], subject: Subject, progress: Progress | None = None, *, fitting: Fitting | None = None
) -> SuiteResult:
    """The figures of an encoder on several tasks; each distinct text is encoded once over all of them.

    A task that the subject cannot do (its vectors are constant, it has none) becomes a problem of the result; the others are
    measured.

    Args:
        suite: At least one task; no split of a task twice.
        subject: Whatever encodes or compares.
        progress: Told of the texts and of each task before it starts.
        fitting: Whitens, or does another thing that is fitted on sentences, task by task.

    Raises:
        UsageError: No tasks, a split of a task twice, or a fitting for a subject that has no vectors.
    """
    suite = suite if isinstance(suite, Suite) else Suite("tasks", suite)
    told = progress if progress is not None else lambda done, total, name: None
    _check_names(suite)
    once = None if isinstance(subject, Similarity) and fitting is None else EncodeOnce(encode_of(subject))
    if once is not None:
        texts = [text for task in suite.tasks for text in task.texts()]
        once.prepare(texts, lambda done, total: told(done, total, ENCODING))
    found: list[Measured] = []
    problems = list(suite.problems)
    for done, task in enumerate(suite.tasks):
        told(done, len(suite.tasks), str(task))
        try:
            if fitting is not None and once is not None:
                found.extend(fitting.labelled(task).measure(fitting.encode(task, once)))
            else:
                found.extend(task.measure(subject if once is None else once))
        except UsageError as error:
            problems.append(f"{task} could not be measured: {error}")
    told(len(suite.tasks), len(suite.tasks), "")
    return SuiteResult((*found, *suite.summarise(found)), tuple(problems))


def _check_names(suite: Suite) -> None:
    if not suite.tasks:
        reasons = " ".join(suite.problems) or "Give at least one."
        raise UsageError(f"There are no tasks to evaluate. {reasons}")
    names = [str(task) for task in suite.tasks]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UsageError(f"{twice[0]} occurs twice, and an average would count it double. Give it once.")
