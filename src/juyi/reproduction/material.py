"""What a table is measured on and learns from, as it lies in the folders of the data."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from juyi.data import normalise, read_texts
from juyi.errors import DataError, JuyiError, UsageError
from juyi.experiments.examples import Examples, read_examples, select_sentences
from juyi.experiments.recipe import DataSettings
from juyi.objectives import SENTENCES, Objective
from juyi.suites import AVERAGE, Suite, open_suite
from juyi.tables import Column, Protocol
from juyi.tasks import Task

_SPLITS = ("train", "dev", "test")


class Material:
    """Suites, sentences and files of a table, each read once.

    Args:
        folders: Where they are looked for, one after the other.
        protocol: Says what is learned from.
        columns: All that the table measures, whatever of it is run: what is held out does not depend on that.
    """

    def __init__(self, folders: Sequence[Path], protocol: Protocol, columns: Sequence[Column]) -> None:
        self._folders = folders
        self._protocol = protocol
        self._columns = columns
        self._suites: dict[tuple[str, tuple[str, ...], tuple[str, ...]], Suite] = {}
        self._sentences: dict[tuple[str, ...], list[str]] = {}
        self._digests: dict[int, str] = {}

    def suite(self, columns: Sequence[Column]) -> Suite:
        """The tasks of columns that share a suite and its splits.

        Raises:
            UsageError: The suite has no such task.
            DataError: None of the folders has them.
        """
        suite = self._opened(columns[0].suite, splits_of(columns[0]), _tasks(columns))
        there = list(dict.fromkeys(task.name for task in suite.tasks))
        for column in columns:
            if column.task not in (AVERAGE, *there):
                raise UsageError(f"The column '{column.name}' names the task '{column.task}'; here are {', '.join(there)}.")
        return suite

    def sentences(self, column: Column, files: Sequence[str] = ()) -> list[str]:
        """The sentences that a cell of this column learns from.

        Args:
            column: What is measured.
            files: In place of what the protocol names.

        Raises:
            UsageError: The protocol names none.
            DataError: They are not here.
        """
        source = self._protocol.texts
        if not files and not source:
            raise UsageError("The table names no sentences to learn from. Write protocol.texts, or give a file with --texts.")
        of_task = not files and self._protocol.of_task
        key = (*((column.suite, column.task, column.split) if of_task else ()), *(files or (source,)))
        if key not in self._sentences:
            if of_task:
                texts = self._of_task(column, source)
                seen: tuple[Column, ...] = (column,) if source == "other-splits" else ()
            else:
                places = [self.file(name) for name in files or (source,)]
                texts, seen = [text for place in places for text in read_texts(place).texts], self._held_out
            measured = self._measured(seen)
            texts = [text for text in texts if not measured or normalise(text) not in measured]
            self._sentences[key] = select_sentences(texts, DataSettings(sample=self._protocol.sample, distinct=bool(seen)))
        return self._sentences[key]

    def lacking(self, column: Column) -> str:
        """What is not here of the sentences that a cell of this column learns from, where all of its task are asked for."""
        if self._protocol.texts != "task":
            return ""
        tasks = self._opened(column.suite, _SPLITS, _tasks([column])).tasks
        there = {(task.name, task.split) for task in tasks}
        lacking = [split for split in _SPLITS if any((name, split) not in there for name, _ in there)]
        return f"learned without the sentences of {column.task} {', '.join(lacking)}, which are not here." if lacking else ""

    def examples(self, objective: Objective, settings: DataSettings) -> Examples:
        """The rows of pairs or triplets that a cell learns from; the settings name their files.

        Raises:
            DataError: They are not here, or cannot be read.
        """
        found = read_examples(objective, replace(settings, pairs=tuple(str(self.file(name)) for name in settings.pairs)))
        measured = self._measured(self._held_out)
        rows = zip(*(found[name] for name in found if name in SENTENCES), strict=True)
        kept = [place for place, row in enumerate(rows) if measured.isdisjoint(map(normalise, row))]
        return {name: [values[place] for place in kept] for name, values in found.items()}

    @property
    def _held_out(self) -> tuple[Column, ...]:
        """The columns whose sentences no row of a file may hold."""
        return tuple(self._columns) if self._protocol.held_out else ()

    def _measured(self, columns: Sequence[Column]) -> set[str]:
        """The texts that are measured for columns, normalised; a column whose data is not here is not measured."""
        texts: set[str] = set()
        for column in columns:
            with suppress(DataError):
                texts |= {normalise(text) for task in self.suite([column]).tasks for text in task.texts()}
        return texts

    def digest(self, data: Suite | list[str]) -> str:
        """What a suite or sentences of here hold, as a digest."""
        if id(data) not in self._digests:  # both are kept, so that the number stays theirs
            self._digests[id(data)] = content_digest(data.tasks if isinstance(data, Suite) else data)
        return self._digests[id(data)]

    def file(self, name: str) -> Path:
        """A file that the table names, in the folders or below them.

        Raises:
            DataError: It is in none of them.
        """
        for place in (Path(name), *(folder / name for folder in self._folders)):
            if place.is_file():
                return place
        below = () if Path(name).is_absolute() else self._folders
        for folder in below:
            if found := sorted(folder.rglob(name)):
                return found[0]
        raise DataError(f"{name} is not in {', '.join(map(str, self._folders))}. Put it there, or name another file.")

    def _of_task(self, column: Column, source: str) -> list[str]:
        measured = splits_of(column)
        splits = _SPLITS if source == "task" else tuple(split for split in _SPLITS if split not in measured)
        return [text for task in self._opened(column.suite, splits, _tasks([column])).tasks for text in task.texts()]

    def _opened(self, name: str, splits: tuple[str, ...], tasks: tuple[str, ...]) -> Suite:
        if (name, splits, tasks) not in self._suites:
            self._suites[name, splits, tasks] = self._open(name, splits, tasks)
        return self._suites[name, splits, tasks]

    def _open(self, name: str, splits: tuple[str, ...], tasks: tuple[str, ...]) -> Suite:
        """The suite, each split of a task from the first folder that has it: alone or with others, it is always the same data."""
        opened, problems = [], []
        for folder in self._folders:
            try:
                opened.append(open_suite(name, folder, splits=splits, tasks=tasks))
            except JuyiError as error:
                problems.append(str(error))
        found: dict[tuple[str, str], Task] = {}
        for task in (task for suite in opened for task in suite.tasks):
            found.setdefault((task.name, task.split), task)
        problems += [problem for suite in opened for problem in suite.problems]
        if not found:
            raise DataError(" ".join(dict.fromkeys(problems)))
        return replace(opened[0], tasks=[*found.values()], problems=problems)


def _tasks(columns: Sequence[Column]) -> tuple[str, ...]:
    """Their tasks; none, which is all of the suite, where one of them is the average."""
    return () if any(column.task == AVERAGE for column in columns) else tuple(dict.fromkeys(c.task for c in columns))


def splits_of(column: Column) -> tuple[str, ...]:
    """The splits that are measured for a column; none where the suite has no choice."""
    return column.splits or (() if column.suite == "transfer" else (column.split,))


def content_digest(value: Any) -> str:
    """SHA-256 of whatever a dataclass of data holds: texts, numbers, arrays, and what lies within."""
    digest = hashlib.sha256()
    _feed(digest, value)
    return digest.hexdigest()


def _feed(digest: Any, value: Any) -> None:
    if dataclasses.is_dataclass(value):
        digest.update(type(value).__name__.encode())
        for field in dataclasses.fields(value):
            _feed(digest, getattr(value, field.name))
    elif isinstance(value, np.ndarray):
        digest.update(f"{value.dtype}{value.shape}".encode() + value.tobytes())
    elif isinstance(value, Mapping):
        _feed(digest, sorted(map(str, value)))
        for key in sorted(value, key=str):
            _feed(digest, value[key])
    elif isinstance(value, list | tuple):
        digest.update(f"{len(value)}[".encode())
        for each in value:
            _feed(digest, each)
    else:
        digest.update(f"{type(value).__name__}{value}\0".encode())
