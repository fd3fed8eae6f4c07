"""What `juyi evaluate` and `juyi compare` share: a suite, what is fitted for it, and a bar while it is measured."""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from juyi.cli.output import say
from juyi.cli.subjects import LEXICAL, How, Opened, open_subject
from juyi.data import read_texts
from juyi.errors import DataError, UsageError
from juyi.experiments import load_suite
from juyi.tasks import Fitting, Measured, Progress, Sentences, Suite, Task, evaluate_suite, on_corpus, on_target
from juyi.types import Embeddings

TARGET, TRAIN = "target", "train"


@dataclass(frozen=True)
class What:
    """What is measured: the options of the command line.

    Attributes:
        suite: A named suite, a TOML file that declares tasks, or a file of pairs.
        data: The folder of its files.
        splits: Which splits.
        tasks: Only these.
        whiten: `target`, `train` or a file: what a whitening is fitted on; empty for none.
        dimensions: What the whitening keeps.
        flow: As `whiten`, for BERT-flow.
        labels: For every score.
        trained_on: Files that the encoder was trained on.
        encoding: Of the file, where the suite is one.
    """

    suite: str
    data: str | None = None
    splits: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    whiten: str = ""
    dimensions: int | None = None
    flow: str = ""
    labels: tuple[str, ...] = ()
    trained_on: tuple[str, ...] = ()
    encoding: str = "utf-8"

    def __post_init__(self) -> None:
        if self.whiten and self.flow:
            raise UsageError("--whiten and --flow were both given; one of them at a time.")
        if self.dimensions is not None and not self.whiten:
            raise UsageError("-k says how many dimensions a whitening keeps; give --whiten too.")


@dataclass(frozen=True)
class Found:
    """What one subject came to."""

    name: str
    measured: tuple[Measured, ...]
    problems: tuple[str, ...] = ()
    remark: str = ""


def split_options(given: Mapping[str, Any]) -> tuple[What, How]:
    """What is measured and how, from the options of `what_and_how`."""
    how = How(given["pooling"], given["engine"], given["precision"], given["cache"])
    return What(**{field.name: given[field.name] for field in dataclasses.fields(What)}), how


def open_what(what: What) -> Suite:
    """The suite that was asked for.

    Raises:
        UsageError: There is no such suite, or its data folder was not named.
        DataError: Its data cannot be used.
    """
    suite = load_suite(what.suite, what.data, splits=what.splits, tasks=what.tasks, encoding=what.encoding)
    for note in suite.notes:
        say(f"Note: {note}")
    if suite.problems and not suite.tasks:
        _say_problems(suite.problems)
        raise DataError("Nothing is left to measure.")
    return suite


def labelled(what: What, suite: Suite) -> Suite:
    """The suite with the labels that the models' figures bear: those that were given, and `transductive` where it is so.

    Raises:
        DataError: A file of `trained_on` cannot be read.
    """
    seen = {text for file in what.trained_on for text in read_texts(file, encoding=what.encoding).texts}
    return dataclasses.replace(suite, tasks=[_labelled(task, what.labels, seen) for task in suite.tasks])


def measure(what: What, suite: Suite, model: str, how: How) -> Found:
    """The figures of one model on the suite.

    Raises:
        JuyiError: The model cannot be loaded, has no vectors to fit anything on, or nothing can be measured at all.
    """
    model, what = _post_processed(model, what)
    if model == LEXICAL and (what.whiten or what.flow):
        raise UsageError(f"The baseline {LEXICAL} has no vectors: --whiten and --flow do not go with it. Leave one of them out.")
    opened = open_subject(model, how, [text for task in suite.tasks for text in task.texts()])
    tasks = [_labelled(task, opened.labels, set()) for task in suite.tasks]
    suite = dataclasses.replace(suite, tasks=tasks)
    with _bar(opened.name) as progress:
        result = evaluate_suite(suite, opened.subject, progress, fitting=_fitting(what, suite))
    name = _name(what, opened)
    own = [f"{name}: {problem}" for problem in result.problems[len(suite.problems) :]]
    return Found(name, result.measured, (*suite.problems, *own), opened.remark())


def _post_processed(model: str, what: What) -> tuple[str, What]:
    """The model without `+whitening` or `+flow` behind its name, which stand for the options of this one model."""
    match = re.fullmatch(r"(.*)\+(whitening|flow)(?::(.+))?", model)
    if match is None:
        return model, what
    source = match[3] or TARGET
    fit = {"whiten": source, "flow": ""} if match[2] == "whitening" else {"whiten": "", "flow": source, "dimensions": None}
    return match[1], dataclasses.replace(what, **fit)


def overlap(suite: Suite) -> dict[tuple[str, str, str, str], Measured]:
    """What word overlap reaches on those tasks that need no vectors."""
    with _bar(LEXICAL) as progress:
        result = evaluate_suite(suite, open_subject(LEXICAL, How(), []).subject, progress)
    return {each.key: each for each in result.measured}


def report_problems(everything: Sequence[Found]) -> None:
    """Say what could not be read or measured, and leave with exit code 1 where there was something."""
    problems = dict.fromkeys(problem for found in everything for problem in found.problems)
    _say_problems(problems)
    if problems:
        sys.exit(1)


def _say_problems(problems: Iterable[str]) -> None:
    for problem in problems:
        say(f"Problem: {problem}")


def _labelled(task: Task, labels: Sequence[str], seen: set[str]) -> Task:
    more = () if seen.isdisjoint(task.texts()) else ("transductive",)
    return dataclasses.replace(task, labels=tuple(dict.fromkeys((*task.labels, *labels, *more))))


def _name(what: What, opened: Opened) -> str:
    if what.whiten:
        kept = "" if what.dimensions is None else f", {what.dimensions}"
        return f"{opened.name} + whitening({_short(what.whiten)}{kept})"
    return f"{opened.name} + flow({_short(what.flow)})" if what.flow else opened.name


def _short(source: str) -> str:
    return source if source in (TARGET, TRAIN) else Path(source).name


def _fitting(what: What, suite: Suite) -> Fitting | None:
    source = what.whiten or what.flow
    if not source:
        return None
    if source == TARGET:
        sentences = on_target(suite.tasks)
    elif source == TRAIN:
        sentences = _on_train(what)
    elif not Path(source).is_file():
        option = "--whiten" if what.whiten else "--flow"
        raise UsageError(
            f"{option} is '{source}'; target, train or a file of sentences is needed, and there is no such file. "
            f"A MODEL stands before {option}, or behind another option."
        )
    else:
        sentences = on_corpus(read_texts(source, encoding=what.encoding).texts, source)
    return Fitting(lambda vectors: _fit(what, vectors), sentences)


def _on_train(what: What) -> Any:
    training = load_suite(what.suite, what.data, splits=(TRAIN,), tasks=what.tasks, encoding=what.encoding)
    of_task = {task.name: on_corpus(task.texts(), task.name) for task in training.tasks}

    def sentences(task: Task) -> Sentences:
        if task.name not in of_task:
            # A problem names its split, and behind "Found:" those of the others.
            reasons = [each for each in training.problems if f"{task.name} {TRAIN}" in each.partition(" Found:")[0]]
            raise UsageError(" ".join([f"{task.name} has no training sentences to fit on.", *reasons]))
        return of_task[task.name](task)

    return sentences


def _fit(what: What, vectors: Embeddings) -> Any:
    fitted: Any
    if what.whiten:
        from juyi.postprocessing import fit_whitening

        fitted = fit_whitening(vectors, what.dimensions)
    else:
        from juyi.postprocessing import fit_flow  # needs torch

        fitted = fit_flow(vectors)
    for note in fitted.notes:
        say(f"Note: {note}")
    return fitted


@contextmanager
def _bar(name: str) -> Iterator[Progress]:
    """A bar on stderr: sentences while they are encoded, then tasks."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        shown = bar.add_task(name, total=None)

        def told(done: int, total: int, what: str) -> None:
            bar.update(shown, completed=done, total=total, description=f"{name}: {what}" if what else name)

        yield told
