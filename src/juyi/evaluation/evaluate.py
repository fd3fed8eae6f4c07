"""The figures of encoders on a suite."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from juyi.data import normalise, read_texts
from juyi.errors import DataError, UsageError
from juyi.evaluation.candidates import LEXICAL, agree_on_precision, open_candidate
from juyi.evaluation.fitting import Fitting, open_fitting, post_processed, post_processed_name
from juyi.evaluation.options import EncodeOptions, EvaluationOptions
from juyi.suites import Suite, load_suite
from juyi.tasks import BootstrappedScore, EncodeOnce, EncodeOrSimilarity, Similarity, Task, encode_of
from juyi.types import Log, Progress, Score

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
        encoder: Whatever encodes or compares.
        name: What records call it.
        labels: What the figures bear beside the tasks' own labels.
        fitting: Whitens, or does another thing that is fitted on sentences, task by task.
        progress: Told of the texts and of each task before it starts.

    Raises:
        UsageError: No tasks, a split of a task twice, or a fitting for an encoder that has no vectors.
    """
    suite = suite if isinstance(suite, Suite) else Suite("tasks", suite)
    _check_names(suite)
    once = None if isinstance(encoder, Similarity) and fitting is None else EncodeOnce(encode_of(encoder))
    if once is not None:
        once.prepare(suite_texts(suite), lambda done, total: progress(done, total, ENCODING))
    found: list[BootstrappedScore] = []
    problems = list(suite.problems)
    for done, task in enumerate(suite.tasks):
        progress(done, len(suite.tasks), str(task))
        try:
            more = [*labels(task), *(() if fitting is None else fitting.labels(task))]
            if fitting is not None and once is not None:
                scores = task.measure(fitting.encode(task, once))
            else:
                scores = task.measure(encoder if once is None else once)
        except UsageError as error:
            problems.append(f"{task} could not be measured: {error}")
        else:
            found.extend(each.labelled(*more) for each in scores)
    progress(len(suite.tasks), len(suite.tasks), "")
    return Evaluation(name, (*found, *suite.summarise(found)), tuple(problems))


def open_suite_of(options: EvaluationOptions, log: Log = lambda _: None) -> Suite:
    """The suite that the options name; its notes are told.

    Raises:
        UsageError: There is no such suite, or its data folder was not named.
        DataError: Its data cannot be used.
    """
    suite = load_suite(options.suite, options.data, splits=options.splits, tasks=options.tasks, encoding=options.encoding)
    for note in suite.notes:
        log(f"Note: {note}")
    if suite.problems and not suite.tasks:
        for problem in suite.problems:
            log(f"Problem: {problem}")
        raise DataError("Nothing is left to measure.")
    return suite


def one_precision(
    models: Sequence[str], suite: Suite, encode_options: EncodeOptions, *, log: Log = lambda _: None
) -> EncodeOptions:
    """The options with one precision for all candidates that will be measured beside each other on a suite.

    To be called before the first of them is measured; with the result `evaluate_model` decides nothing more.

    Args:
        models: As `evaluate_model` takes them.
        suite: Its texts are the sample.
        encode_options: How encoders are run.
        log: Hears once which precision was chosen and why.

    Raises:
        UsageError: bfloat16 was asked for, and one of the candidates cannot have it.
        ModelError: There is no such model.
    """
    bare = [post_processed(model, EvaluationOptions())[0] for model in models]
    return agree_on_precision(bare, encode_options, suite_texts(suite), log=log)


def suite_texts(suite: Suite) -> list[str]:
    """All texts of a suite, task after task."""
    return [text for task in suite.tasks for text in task.texts()]


def evaluate_model(
    model: str,
    suite: Suite,
    options: EvaluationOptions = EvaluationOptions(),
    encode_options: EncodeOptions = EncodeOptions(),
    *,
    progress: Progress = lambda done, total, what: None,
    log: Log = lambda _: None,
) -> Evaluation:
    """The figures of one candidate, by name, on a suite that was opened.

    Args:
        model: Whatever `open_candidate` understands; behind it maybe `+whitening`, `+whitening:train`, `+flow:FILE`, which stand
            for the options of this candidate alone.
        suite: What is measured.
        options: Post-processing and labels.
        encode_options: How encoders are run; a precision of `auto` is decided for this candidate alone, see `one_precision`.
        progress: Told of the texts and of each task.
        log: Hears what is to be known.

    Raises:
        JuyiError: The model cannot be loaded, has no vectors to fit anything on, or nothing can be measured at all.
    """
    model, options = post_processed(model, options)
    if model == LEXICAL and (options.whiten or options.flow):
        raise UsageError(f"The baseline {LEXICAL} has no vectors: --whiten and --flow do not go with it. Leave one of them out.")
    candidate = open_candidate(model, encode_options, suite_texts(suite), log=log)
    name = post_processed_name(candidate.name, options)
    given = _given_labels(options)
    result = evaluate_suite(
        suite,
        candidate.encoder,
        name=name,
        labels=lambda task: (*candidate.labels, *given(task)),
        fitting=open_fitting(options, log),
        progress=progress,
    )
    own = [f"{name}: {problem}" for problem in result.problems[len(suite.problems) :]]
    return Evaluation(name, result.bootstrapped, (*suite.problems, *own), candidate.remark())


def evaluate_overlap(suite: Suite, *, progress: Progress = lambda done, total, what: None) -> Evaluation:
    """What word overlap reaches on those tasks that need no vectors."""
    candidate = open_candidate(LEXICAL, EncodeOptions())
    return evaluate_suite(suite, candidate.encoder, name=candidate.name, progress=progress)


def _given_labels(options: EvaluationOptions) -> Labels:
    """The labels that were given, and `transductive` where a text of the task is among those that were trained on."""
    seen = {normalise(text) for file in options.trained_on for text in read_texts(file, encoding=options.encoding).texts}
    return lambda task: (*options.labels, *transductive(seen, task))


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
