"""Post-processing that is fitted on sentences: each task may have sentences of its own."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from juyi.data import normalise, read_texts
from juyi.errors import UsageError
from juyi.evaluation.options import EvaluationOptions
from juyi.prompts import PromptedEncode, SidedTexts
from juyi.suites import open_suite
from juyi.tasks import Task
from juyi.types import Embeddings, Encode, Log

TARGET, TRAIN = "target", "train"

Map = Callable[[Embeddings], Embeddings]
"""From the embeddings of some texts to new ones, row by row."""


@dataclass(frozen=True)
class FittingTexts:
    """What a map is fitted on.

    Attributes:
        key: Tasks with the same key share one fitted map.
        texts: Repeats count once. Texts that are alike are, for a task that searches, fitted on under both of its prompts.
        label: What the figures owe to these texts: `transductive`, or nothing.
    """

    key: Hashable
    texts: Sequence[str] | SidedTexts
    label: str = ""


class Fitting:
    """Fits a map for each task on the texts that belong to it, each set of texts once.

    Args:
        fit: Makes the map; whitening or flow.
        texts: The texts of a task; UsageError where it has none.
    """

    def __init__(self, fit: Callable[[Embeddings], Map], texts: Callable[[Task], FittingTexts]) -> None:
        self._fit = fit
        self._texts = texts
        self._maps: dict[Hashable, Map] = {}

    def labels(self, task: Task) -> tuple[str, ...]:
        """The label that its texts give to the figures of a task."""
        return tuple(filter(None, [self._texts(task).label]))

    def encode(self, task: Task, encode: Encode) -> PromptedEncode:
        """What encodes for this task: the encoder, then the map that was fitted for it, with the prompts that are in effect."""
        given = self._texts(task)
        texts = given.texts if isinstance(given.texts, SidedTexts) else SidedTexts(alike=given.texts)
        if len(texts.alike) and not len(task.sides().alike):
            texts = SidedTexts(queries=texts.alike, corpus=texts.alike)
        prompted = PromptedEncode.of(encode)
        by_prompt = prompted.by_prompt(texts)
        key = (given.key, *(prompt.text for prompt in by_prompt))
        if key not in self._maps:
            self._maps[key] = self._fit(np.concatenate([prompted.under(prompt)(some) for prompt, some in by_prompt.items()]))
        fitted = self._maps[key]
        return prompted.wrapped(lambda inner: lambda some: fitted(inner(some)))


def on_target(task: Task) -> FittingTexts:
    """Fit on the texts of the task's own split: transductive, and independent of what else is measured."""
    return FittingTexts(str(task), task.sides(), "transductive")


def on_texts(texts: Sequence[str] | SidedTexts, name: str) -> Callable[[Task], FittingTexts]:
    """Fit once, on other texts; transductive for a task whose texts, normalised, are among them."""
    texts = texts if isinstance(texts, SidedTexts) else SidedTexts(alike=texts)
    known = {normalise(text) for text in texts.every}
    return lambda task: FittingTexts(name, texts, "" if known.isdisjoint(map(normalise, task.texts())) else "transductive")


def post_processed(model: str, options: EvaluationOptions) -> tuple[str, EvaluationOptions]:
    """The model without `+whitening` or `+flow` behind its name, which stand for the options of this one model."""
    match = re.fullmatch(r"(.*)\+(whitening|flow)(?::(.+))?", model)
    if match is None:
        return model, options
    source = match[3] or TARGET
    fit = {"whiten": source, "flow": ""} if match[2] == "whitening" else {"whiten": "", "flow": source, "dimensions": None}
    return match[1], dataclasses.replace(options, **fit)


def post_processed_name(name: str, options: EvaluationOptions) -> str:
    """What records and tables call a candidate with the post-processing of these options."""
    if options.whiten:
        kept = "" if options.dimensions is None else f", {options.dimensions}"
        return f"{name} + whitening({_short(options.whiten)}{kept})"
    return f"{name} + flow({_short(options.flow)})" if options.flow else name


def open_fitting(options: EvaluationOptions, log: Log = lambda _: None) -> Fitting | None:
    """The post-processing that the options ask for; None for none.

    Raises:
        UsageError: There is no such file to fit on.
        DataError: It cannot be read.
    """
    source = options.whiten or options.flow
    if not source:
        return None
    if source == TARGET:
        texts: Callable[[Task], FittingTexts] = on_target
    elif source == TRAIN:
        texts = _on_train(options)
    elif not Path(source).is_file():
        option = "--whiten" if options.whiten else "--flow"
        raise UsageError(
            f"{option} is '{source}'; target, train or a file of sentences is needed, and there is no such file. "
            f"A MODEL stands before {option}, or behind another option."
        )
    else:
        texts = on_texts(read_texts(source, log=log).texts, source)
    return Fitting(lambda vectors: _fit(options, vectors, log), texts)


def _on_train(options: EvaluationOptions) -> Callable[[Task], FittingTexts]:
    training = open_suite(options.suite, options.data, splits=(TRAIN,), tasks=options.tasks, reading=options)
    of_task = {task.name: on_texts(task.sides(), task.name) for task in training.tasks}

    def texts(task: Task) -> FittingTexts:
        if task.name not in of_task:
            # A problem names its split, and behind "Found:" those of the others.
            reasons = [each for each in training.problems if f"{task.name} {TRAIN}" in each.partition(" Found:")[0]]
            raise UsageError(" ".join([f"{task.name} has no training sentences to fit on.", *reasons]))
        return of_task[task.name](task)

    return texts


def _fit(options: EvaluationOptions, vectors: Embeddings, log: Log) -> Any:
    fitted: Any
    if options.whiten:
        from juyi.postprocessing import fit_whitening

        fitted = fit_whitening(vectors, options.dimensions)
    else:
        from juyi.postprocessing import fit_flow  # needs torch

        fitted = fit_flow(vectors)
    for note in fitted.notes:
        log(f"Note: {note}")
    return fitted


def _short(source: str) -> str:
    return source if source in (TARGET, TRAIN) else Path(source).name
