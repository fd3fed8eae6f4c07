"""Models by name on a suite by name: what `juyi.evaluate` and `juyi.compare` do."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from juyi.data import normalise, read_texts
from juyi.errors import DataError, UsageError
from juyi.evaluation.candidates import LEXICAL, agree_on_precision, open_candidate
from juyi.evaluation.compare import Comparison, compare_several
from juyi.evaluation.evaluate import Evaluation, Labels, evaluate_suite, for_task, suite_texts, transductive
from juyi.evaluation.fitting import open_fitting, post_processed, post_processed_name
from juyi.evaluation.options import EncodeOptions, EvaluationOptions
from juyi.prompts import PromptedEncode, prompts_in_effect
from juyi.suites import Suite, open_suite
from juyi.tasks import EncodeOrSimilarity
from juyi.types import Log, Progress


def evaluate(
    model: str | EncodeOrSimilarity = "",
    suite: str | Suite = "zh-sts",
    data: str | None = None,
    *,
    splits: Sequence[str] = (),
    tasks: Sequence[str] = (),
    encode_options: EncodeOptions = EncodeOptions(),
    progress: Progress = lambda done, total, what: None,
    log: Log = lambda _: None,
) -> Evaluation:
    """The figures of an encoder on a suite, with intervals: `juyi.evaluate("my-model", "zh-sts", "senteval_cn").scores`.

    Args:
        model: A name as `juyi evaluate` takes it (a folder, a hub id, an embedded encoder, a baseline, `MODEL+whitening`), or any
            function from texts to (n, dim) vectors.
        suite: A named suite, a file, or one that was opened (`juyi.suites.open_suite`).
        data: The folder of the suite's files.
        splits: Which splits.
        tasks: Only these.
        encode_options: How a model is run that is opened here.
        progress: Told of the texts and of each task.
        log: Hears what is to be known.

    Raises:
        JuyiError: The suite or the model cannot be opened, or nothing can be measured at all.
    """
    options, opened = _opened(suite, data, splits, tasks, log)
    if isinstance(model, str):
        return evaluate_model(model, opened, options, encode_options, progress=progress, log=log)
    return evaluate_suite(opened, model, name=getattr(model, "__name__", type(model).__name__), progress=progress)


def compare(
    first: str,
    *others: str,
    suite: str | Suite = "zh-sts",
    data: str | None = None,
    splits: Sequence[str] = (),
    tasks: Sequence[str] = (),
    encode_options: EncodeOptions = EncodeOptions(),
    log: Log = lambda _: None,
) -> list[list[Comparison]]:
    """Each of several models against the first, on the same resamples: is it better?

    Args:
        first: A name as `juyi compare` takes it.
        others: At least one.
        suite: A named suite, a file, or one that was opened.
        data: The folder of the suite's files.
        splits: Which splits.
        tasks: Only these.
        encode_options: How the models are run; all of them in one precision.
        log: Hears what is to be known.

    Raises:
        UsageError: Nothing is given to compare with.
        JuyiError: The suite or a model cannot be opened, or nothing can be measured at all.
    """
    if not others:
        raise UsageError(f"Only {first} was given. Name at least one more to compare with it.")
    options, opened = _opened(suite, data, splits, tasks, log)
    encode_options = one_precision((first, *others), opened, encode_options, log=log)
    reference, *seconds = (evaluate_model(model, opened, options, encode_options, log=log) for model in (first, *others))
    return compare_several(reference.bootstrapped, [second.bootstrapped for second in seconds])


def _opened(
    suite: str | Suite, data: str | None, splits: Sequence[str], tasks: Sequence[str], log: Log
) -> tuple[EvaluationOptions, Suite]:
    name = suite if isinstance(suite, str) else suite.name
    options = EvaluationOptions(name, data, tuple(splits), tuple(tasks))
    return options, suite if isinstance(suite, Suite) else open_suite_of(options, log)


def open_suite_of(options: EvaluationOptions, log: Log = lambda _: None) -> Suite:
    """The suite that the options name; its notes are told.

    Raises:
        UsageError: There is no such suite, or its data folder was not named.
        DataError: Its data cannot be used.
    """
    suite = open_suite(options.suite, options.data, splits=options.splits, tasks=options.tasks, reading=options, log=log)
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
    _say_prompts(name, candidate.encoder, suite, log)
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


def _say_prompts(name: str, encoder: EncodeOrSimilarity, suite: Suite, log: Log) -> None:
    """Tell once which prompts are put before which texts; in which task, where that is not the same in all."""
    if not isinstance(encoder, PromptedEncode):
        return
    found: dict[str, list[str]] = {}
    for task in suite.tasks:
        with suppress(UsageError):  # the task becomes a problem of the evaluation
            sides = task.sides()
            words = prompts_in_effect(for_task(encoder, task), alike=len(sides.alike) > 0, sides=len(sides.queries) > 0)
            found.setdefault(words, []).append(str(task))
    for words, tasks in found.items():
        if words:
            where = f" ({', '.join(tasks)})" if len(found) > 1 else ""
            log(f"Prompts of {name}: {words}{where}")


def _given_labels(options: EvaluationOptions) -> Labels:
    """The labels that were given, and `transductive` where a text of the task is among those that were trained on."""
    seen = {normalise(text) for file in options.trained_on for text in read_texts(file).texts}
    return lambda task: (*options.labels, *transductive(seen, task))
