"""The figures of one encoder on a suite."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

from juyi.data import normalise
from juyi.errors import UsageError
from juyi.evaluation.candidates import LEXICAL, open_candidate
from juyi.evaluation.fitting import Fitting
from juyi.evaluation.options import EncodeOptions
from juyi.prompts import Prompt, PromptedEncode
from juyi.suites import Suite
from juyi.tasks import BootstrappedScore, EncodeOnce, EncodeOrSimilarity, Similarity, Task, encode_of, encoded_once
from juyi.types import Progress, Score

ENCODING = "encoding"
"""What `Progress` hears is in hand while distinct texts are encoded."""

TRANSDUCTIVE = "transductive"

Labels = Callable[[Task], Sequence[str]]
"""What the figures of a task bear beside the task's own labels."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The figures of one encoder on all tasks, in their order, and behind them their averages.

    Attributes:
        name: What records and tables call the encoder.
        bootstrapped: The figures with their resamples.
        problems: Those of the suite, and one sentence for each task that the encoder could not do.
        remark: What is to be known about the encoder; maybe nothing.
    """

    name: str
    bootstrapped: tuple[BootstrappedScore, ...]
    problems: tuple[str, ...] = ()
    remark: str = ""

    @property
    def scores(self) -> tuple[Score, ...]:
        """The figures with their intervals."""
        return tuple(each.score for each in self.bootstrapped)

    @property
    def by_key(self) -> Mapping[tuple[str, str, str, str], BootstrappedScore]:
        """The figures by task, split, subset and metric."""
        return {each.key: each for each in self.bootstrapped}

    def value(self, task: str, split: str, metric: str = "spearman", subset: str = "") -> float:
        """One figure by name.

        Raises:
            UsageError: There is none of that name.
        """
        if (task, split, subset, metric) in self.by_key:
            return self.by_key[task, split, subset, metric].score.value
        known = ", ".join(f"{score.task} {score.split} {score.metric} {score.subset}".rstrip() for score in self.scores)
        raise UsageError(f"There is no score {task} {split} {metric} {subset}".rstrip() + f". There are: {known}.")

    def only(self, task: str) -> Evaluation:
        """The figures of one task."""
        return replace(self, bootstrapped=tuple(each for each in self.bootstrapped if each.score.task == task))

    def records(self) -> list[dict[str, Any]]:
        """The machine-readable form of all scores."""
        return [score.as_record(self.name) for score in self.scores]


def evaluate_suite(
    suite: Suite | Sequence[Task],
    encoder: EncodeOrSimilarity,
    *,
    name: str = "",
    labels: Labels = lambda _: (),
    fitting: Fitting | None = None,
    progress: Progress = lambda done, total, what: None,
) -> Evaluation:
    """The figures of an encoder on several tasks; each distinct text is encoded once over all of them.

    A task that the encoder cannot do (its vectors are constant, it has none) becomes a problem of the result; the others are
    measured.

    Args:
        suite: At least one task; no split of a task twice.
        encoder: Whatever encodes or compares; a `PromptedEncode` puts the prompts of its model before the texts.
        name: What records call it.
        labels: What the figures bear beside the tasks' own labels.
        fitting: Whitens, or does another thing that is fitted on sentences, task by task.
        progress: Told of the texts and of each task before it starts.

    Raises:
        UsageError: No tasks, a split of a task twice, or a fitting for an encoder that has no vectors.
    """
    suite = suite if isinstance(suite, Suite) else Suite("tasks", suite)
    _check_names(suite)
    prompted = None
    if not isinstance(encoder, Similarity) or fitting is not None:
        prompted = PromptedEncode.of(encode_of(encoder)).wrapped(encoded_once)
        _prepare(prompted, suite, progress)
    found: list[BootstrappedScore] = []
    problems = list(suite.problems)
    for done, task in enumerate(suite.tasks):
        progress(done, len(suite.tasks), str(task))
        try:
            own = encoder if prompted is None else for_task(prompted, task)
            if fitting is not None and isinstance(own, PromptedEncode):
                more, scores = fitting.labels(task), task.measure(fitting.encode(task, own))
            else:
                more, scores = (), task.measure(own)
        except UsageError as error:
            problems.append(f"{task} could not be measured: {error}")
        else:
            found.extend(each.labelled(*labels(task), *more) for each in scores)
    progress(len(suite.tasks), len(suite.tasks), "")
    return Evaluation(name, (*found, *suite.summarise(found)), tuple(problems))


def for_task(encode: PromptedEncode, task: Task) -> PromptedEncode:
    """The encoder with the prompts that a task asks for, where none were asked for already.

    Raises:
        UsageError: The task names a prompt that the model does not have.
    """
    return encode.chosen(encode.choice.over(task.prompts))


def _prepare(prompted: PromptedEncode, suite: Suite, progress: Progress) -> None:
    """Encode the distinct texts of all tasks, each once under each prompt that it is needed with."""
    wanted: dict[str, tuple[Prompt, dict[str, None]]] = {}
    for task in suite.tasks:
        with suppress(UsageError):  # which the task itself meets again
            for prompt, some in for_task(prompted, task).by_prompt(task.sides()).items():
                wanted.setdefault(prompt.text, (prompt, {}))[1].update(dict.fromkeys(some))
    done, total = 0, sum(len(texts) for _, texts in wanted.values())
    for prompt, texts in wanted.values():
        tell = partial(_tell, progress, done, total)
        cast(EncodeOnce, prompted.under(prompt)).prepare(texts, tell)
        done += len(texts)


def _tell(progress: Progress, before: int, total: int, done: int, _: int) -> None:
    progress(before + done, total, ENCODING)


def suite_texts(suite: Suite) -> list[str]:
    """All texts of a suite, task after task."""
    return [text for task in suite.tasks for text in task.texts()]


def evaluate_overlap(suite: Suite, *, progress: Progress = lambda done, total, what: None) -> Evaluation:
    """What word overlap reaches on those tasks that need no vectors."""
    candidate = open_candidate(LEXICAL, EncodeOptions())
    return evaluate_suite(suite, candidate.encoder, name=candidate.name, progress=progress)


def transductive(seen: set[str], task: Task) -> tuple[str, ...]:
    """`transductive` where a text of the task is among these; both normalised, as `juyi.data.normalise` does it."""
    return () if not seen or seen.isdisjoint(map(normalise, task.texts())) else (TRANSDUCTIVE,)


def _check_names(suite: Suite) -> None:
    if not suite.tasks:
        reasons = " ".join(suite.problems) or "Give at least one."
        raise UsageError(f"There are no tasks to evaluate. {reasons}")
    names = [str(task) for task in suite.tasks]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UsageError(f"{twice[0]} occurs twice, and an average would count it double. Give it once.")
