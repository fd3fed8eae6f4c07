"""The uses of an encoder, measured: FAQ retrieval, intents, out-of-scope queries, and a user's own files."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from juyi.data import ReadSettings, understand
from juyi.errors import DataError
from juyi.suites.declared import (
    CorpusAndQueries,
    DeclaredTask,
    IntentFiles,
    QuestionGroups,
    ScopeFile,
    ScoredPairsFile,
    TripletsFile,
)
from juyi.suites.suite import Suite, choose, read_suite
from juyi.tasks.pair_classification import PairClassification
from juyi.tasks.sts import STS
from juyi.tasks.task import Task
from juyi.types import Log

_ENDS = r"\.(?:tsv|csv|jsonl|parquet)(?:\.gz|\.xz)?"
_GROUPS = re.compile(rf"(?:(.+)[._])?groups(?:_(.+))?{_ENDS}")
_CORPUS = re.compile(rf"(.+)\.corpus({_ENDS})")
_TEST = re.compile(rf"(.+)\.test({_ENDS})")
_CLINC = re.compile(rf"(clinc(?!.*\.(?:train|test)\.).*?)(?:{_ENDS}|\.json)")

_LAYOUT = (
    "groups_NAME.tsv or NAME.groups.tsv (group, question), NAME.corpus.tsv with NAME.queries.tsv (id, text) or with a column "
    "of answers (id, question, answer), NAME.train.tsv with NAME.test.tsv (intent, query), clinc….tsv or clinc….json (split, "
    "intent, query)"
)

_OTHERWISE = "Anything else can be declared in a suite of your own: see `juyi evaluate --help`."


def declared_suite(name: str, declared: Sequence[DeclaredTask], folder: str | Path, log: Log = lambda _: None) -> Suite:
    """The suite of tasks that a user wrote down.

    Args:
        name: What the suite is called.
        declared: The tasks.
        folder: Where their files are looked for.
        log: Hears how each file was understood.
    """
    return read_suite(name, [(f"{each.name} {each.split}", partial(_read, each, Path(folder), log)) for each in declared])


def applied(folder: str | Path, splits: Sequence[str] = (), tasks: Sequence[str] = ()) -> Suite:
    """The suite of what lies in a folder under the usual names: question groups, corpora, intents, CLINC150.

    Args:
        folder: Where the files are.
        splits: Only these.
        tasks: Only these, by their names in tables.

    Raises:
        UsageError: There is no such task or split.
        DataError: The folder does not exist, or holds nothing of these.
    """
    root = Path(folder)
    if not root.is_dir():
        raise DataError(f"there is no such folder. Name one with {_LAYOUT}.", path=folder)
    declared = list(_found(sorted(path.name for path in root.iterdir() if path.is_file())))
    if not declared:
        raise DataError(
            f"nothing is here to measure. Looked for: {_LAYOUT}. Other files can be declared in a suite of your own: see --help.",
            path=folder,
        )
    return declared_suite("applied", choose(declared, tasks, splits, "applied"), root)


def of_file(path: str | Path, reading: ReadSettings = ReadSettings(), log: Log = lambda _: None) -> Suite:
    """The suite of one file, whose columns tell what it holds (`juyi.data.understand`).

    Scored pairs are measured by rank, and where all scores are 0 or 1 as pairs to classify too. Triplets, and pairs that say
    entailment, neutral or contradiction, are measured as triplets; texts with a label as question groups.

    Args:
        path: The file.
        reading: How it is read.
        log: Hears how it was understood.

    Raises:
        DataError: The file cannot be read, or has other columns.
    """
    place = Path(path)
    found = understand(place, **reading.arguments())
    how = {"name": place.name.partition(".")[0], "file": place.name, "split": "all", **reading.settings}
    declared: DeclaredTask
    match found.shape:
        case "scored pairs":
            declared = ScoredPairsFile(**how)
        case "triplets" | "labelled pairs":
            declared = TripletsFile(**how)
        case "labelled texts" | "pairs":
            declared = QuestionGroups(**how)
        case _:
            held = ", ".join(f"{name} ({role})" for name, role in found.columns)
            raise DataError(
                f"these columns are nothing that can be measured: {held}. Scored pairs have two sentences and a score, triplets "
                f"three sentences, question groups a group and a question. {_OTHERWISE}",
                path=path,
            )
    suite = declared_suite(place.name, [declared], place.parent, log)
    classes = [task for task in suite.tasks if isinstance(task, STS) and {*task.pairs.scores.tolist()} == {0.0, 1.0}]
    pairs = [PairClassification(f"{declared.name} (0/1)", declared.split, task.pairs) for task in classes]
    return dataclasses.replace(suite, tasks=[*suite.tasks, *pairs])


def _read(declared: DeclaredTask, folder: Path, log: Log) -> Task:
    """A declared task with the prompts that it asks for."""
    return dataclasses.replace(declared.read(folder, log), prompts=declared.prompts)


def _found(names: Sequence[str]) -> Iterator[DeclaredTask]:
    there = set(names)
    for file in names:
        if match := _GROUPS.fullmatch(file):
            yield QuestionGroups(name=f"FAQ {' '.join(filter(None, match.groups())) or 'groups'}", file=file)
        elif match := _CORPUS.fullmatch(file):
            queries = f"{match[1]}.queries{match[2]}"
            yield CorpusAndQueries(name=f"FAQ {match[1]}", corpus=file, queries=queries if queries in there else "")
        elif match := _CLINC.fullmatch(file):
            yield IntentFiles(name=f"intents {match[1]}", train=file)
            yield ScopeFile(name=f"out-of-scope {match[1]}", file=file)
        elif (match := _TEST.fullmatch(file)) and (train := f"{match[1]}.train{match[2]}") in there:
            yield IntentFiles(name=f"intents {match[1]}", train=train, test=file)
