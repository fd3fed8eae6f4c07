"""Post-processing that is fitted on sentences: each task may have sentences of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from juyi.tasks.memo import EncodeOnce
from juyi.tasks.task import Task
from juyi.types import Embeddings, Encode

Map = Callable[[Embeddings], Embeddings]
"""From the embeddings of some texts to new ones, row by row."""


@dataclass(frozen=True)
class Sentences:
    """What a map is fitted on.

    Attributes:
        key: Tasks with the same key share one fitted map.
        texts: Repeats count once.
        label: What the figures owe to these sentences: `transductive`, or nothing.
    """

    key: Hashable
    texts: Sequence[str]
    label: str = ""


class Fitting:
    """Fits a map for each task on the sentences that belong to it, each set of sentences once.

    Args:
        fit: Makes the map; whitening or flow.
        sentences: The sentences of a task; UsageError where it has none.
    """

    def __init__(self, fit: Callable[[Embeddings], Map], sentences: Callable[[Task], Sentences]) -> None:
        self._fit = fit
        self._sentences = sentences
        self._maps: dict[Hashable, Map] = {}

    def labelled(self, task: Task) -> Task:
        """The task with the label that its sentences give to its figures."""
        label = self._sentences(task).label
        return dataclasses.replace(task, labels=tuple(dict.fromkeys((*task.labels, *filter(None, [label])))))

    def encode(self, task: Task, once: EncodeOnce) -> Encode:
        """What encodes for this task: the encoder, then the map that was fitted for it."""
        sentences = self._sentences(task)
        if sentences.key not in self._maps:
            self._maps[sentences.key] = self._fit(once(list(dict.fromkeys(sentences.texts))))
        fitted = self._maps[sentences.key]
        return lambda texts: fitted(once(texts))


def on_target(tasks: Sequence[Task]) -> Callable[[Task], Sentences]:
    """Fit on the sentences of the task itself, over all its splits that are measured: transductive."""
    own = {name: [text for task in tasks if task.name == name for text in task.texts()] for name in {task.name for task in tasks}}
    return lambda task: Sentences(task.name, own[task.name], "transductive")


def on_corpus(texts: Sequence[str], name: str) -> Callable[[Task], Sentences]:
    """Fit once, on other sentences; transductive for a task whose sentences are among them."""
    known = set(texts)
    return lambda task: Sentences(name, texts, "" if known.isdisjoint(task.texts()) else "transductive")
