"""Tasks as a user writes them down: a kind, a name and files. One class a kind; `read` gives the tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from juyi.data import (
    LabelledTexts,
    ReadOptions,
    ReadSettings,
    ScoredPairs,
    read_labelled_pairs,
    read_labelled_texts,
    read_scored_pairs,
)
from juyi.data.sets import read_clinc
from juyi.errors import DataError
from juyi.prompts import PromptChoice
from juyi.tasks.geometry import PAPER_THRESHOLD, Geometry
from juyi.tasks.intents import IntentRecall
from juyi.tasks.out_of_scope import OutOfScope, held_out
from juyi.tasks.pair_classification import PairClassification
from juyi.tasks.retrieval import retrieval_from_corpus, retrieval_from_groups
from juyi.tasks.sts import STS
from juyi.tasks.task import Task
from juyi.tasks.triplets import TripletAccuracy, read_any_triplets
from juyi.types import Log


@dataclass(frozen=True, kw_only=True)
class _Declared(ReadSettings):
    """What every declared task has: a name, its split, labels for its scores, how its files are read, and maybe a prompt.

    The prompt, put before every text, is the name of one of the model's prompts, or a text.
    """

    name: str
    split: str = "test"
    labels: tuple[str, ...] = ()
    prompt: str | None = None

    @property
    def prompts(self) -> PromptChoice:
        """The prompts that the task asks for."""
        return PromptChoice(self.prompt)

    def _pairs(self, path: Path, log: Log) -> ScoredPairs:
        return read_scored_pairs(path, **self.arguments(log))

    def _texts(self, path: Path, log: Log) -> LabelledTexts:
        return read_labelled_texts(path, **self.arguments(log))


@dataclass(frozen=True, kw_only=True)
class _Searching(_Declared):
    """A task that searches may ask for a prompt before its queries and for another before what is searched."""

    query_prompt: str | None = None
    corpus_prompt: str | None = None

    @property
    def prompts(self) -> PromptChoice:
        """The prompts that the task asks for."""
        return PromptChoice(self.prompt, self.query_prompt, self.corpus_prompt)


@dataclass(frozen=True, kw_only=True)
class ScoredPairsFile(_Declared):
    """Scored pairs: `sts`. Columns: sentence, sentence, score; or sub-task, sentence, sentence, score."""

    kind: Literal["sts"] = "sts"
    file: str

    def read(self, folder: Path, log: Log = lambda _: None) -> Task:
        """The task, with files looked for in the folder; the log hears how each was understood."""
        return STS(self.name, self.split, self._pairs(folder / self.file, log), labels=self.labels)


@dataclass(frozen=True, kw_only=True)
class LabelledPairsFile(_Declared):
    """Pairs with the labels 0 and 1: `pairs`. `dev` names the pairs that thresholds are chosen on."""

    kind: Literal["pairs"] = "pairs"
    file: str
    dev: str = ""

    def read(self, folder: Path, log: Log = lambda _: None) -> Task:
        """The task, with files looked for in the folder; the log hears how each was understood."""
        development = self._pairs(folder / self.dev, log) if self.dev else None
        return PairClassification(self.name, self.split, self._pairs(folder / self.file, log), development, labels=self.labels)


@dataclass(frozen=True, kw_only=True)
class TripletsFile(_Declared):
    """Anchor, positive, hard negative; or premise, hypothesis, and entailment, neutral or contradiction: `triplets`."""

    kind: Literal["triplets"] = "triplets"
    file: str

    def read(self, folder: Path, log: Log = lambda _: None) -> Task:
        """The task, with files looked for in the folder; the log hears how each was understood."""
        triplets = read_any_triplets(folder / self.file, **self.arguments(log))
        return TripletAccuracy(self.name, self.split, triplets, labels=self.labels)


@dataclass(frozen=True, kw_only=True)
class QuestionGroups(_Searching):
    """Group, question; the first question of a group stands in the corpus, the others are queries: `faq-groups`."""

    kind: Literal["faq-groups"] = "faq-groups"
    file: str

    def read(self, folder: Path, log: Log = lambda _: None) -> Task:
        """The task, with files looked for in the folder; the log hears how each was understood."""
        return retrieval_from_groups(self.name, self.split, self._texts(folder / self.file, log), self.labels)


@dataclass(frozen=True, kw_only=True)
class CorpusAndQueries(_Searching):
    """A corpus (id, text) and queries (id of a relevant text, query): `faq-corpus`.

    Without `queries` the corpus has three columns, id, question and answer: the answer is looked for with its question.
    """

    kind: Literal["faq-corpus"] = "faq-corpus"
    corpus: str
    queries: str = ""

    def read(self, folder: Path, log: Log = lambda _: None) -> Task:
        """The task, with files looked for in the folder; the log hears how each was understood."""
        path = folder / self.corpus
        if self.queries:
            corpus, queries = self._texts(path, log), self._texts(folder / self.queries, log)
        else:
            reading: ReadOptions = {**self.arguments(log), "columns": self.columns or ("1", "2", "3")}
            rows = read_labelled_pairs(path, **reading)
            corpus, queries = LabelledTexts(rows.first, rows.labels), LabelledTexts(rows.first, rows.second)
        return retrieval_from_corpus(self.name, self.split, corpus, queries, self.labels)


@dataclass(frozen=True, kw_only=True)
class IntentFiles(_Searching):
    """Examples and queries, each intent, query: `intents`. One file may hold both by split, in CLINC150's form."""

    kind: Literal["intents"] = "intents"
    train: str
    test: str = ""

    def read(self, folder: Path, log: Log = lambda _: None) -> Task:
        """The task, with files looked for in the folder; the log hears how each was understood."""
        if self.test:
            train, test = self._texts(folder / self.train, log), self._texts(folder / self.test, log)
        else:
            train, test = _splits(folder / self.train, "train", "test")
        return IntentRecall(self.name, self.split, train, test, labels=self.labels)


@dataclass(frozen=True, kw_only=True)
class ScopeFile(_Searching):
    """Queries inside and outside the intents: `out-of-scope`.

    The file is in CLINC150's form (split, intent, query; splits train, val, test, oos_test), or holds intent, query: then a
    share of the intents, `hold_out`, is taken for unknown.
    """

    kind: Literal["out-of-scope"] = "out-of-scope"
    file: str
    hold_out: float = 0.0
    rejection_rate: float = 0.05
    seed: int = 0

    def read(self, folder: Path, log: Log = lambda _: None) -> Task:
        """The task, with files looked for in the folder; the log hears how each was understood."""
        path = folder / self.file
        if self.hold_out:
            problem = held_out(self._texts(path, log), self.hold_out, seed=self.seed)
            train, test, outside = problem.train, problem.test, problem.outside
            outside_intents = outside.labels
            validation = problem.validation if len(problem.validation) else None  # intents of few queries leave none
        else:
            train, validation, test, outside = _splits(path, "train", "val", "test", "oos_test")
            outside_intents = None
        return OutOfScope(
            self.name,
            self.split,
            train,
            test,
            outside.texts,
            validation,
            self.rejection_rate,
            outside_intents,
            labels=self.labels,
        )


@dataclass(frozen=True, kw_only=True)
class GeometryFile(_Declared):
    """Scored pairs: `geometry`; positives are the pairs with a score above `threshold`."""

    kind: Literal["geometry"] = "geometry"
    file: str
    threshold: float = PAPER_THRESHOLD

    def read(self, folder: Path, log: Log = lambda _: None) -> Task:
        """The task, with files looked for in the folder; the log hears how each was understood."""
        return Geometry(self.name, self.split, self._pairs(folder / self.file, log), self.threshold, labels=self.labels)


DeclaredTask = (
    ScoredPairsFile
    | LabelledPairsFile
    | TripletsFile
    | QuestionGroups
    | CorpusAndQueries
    | IntentFiles
    | ScopeFile
    | GeometryFile
)


def _splits(path: Path, *names: str) -> Sequence[LabelledTexts]:
    splits = read_clinc(path)
    if missing := [name for name in names if name not in splits]:
        raise DataError(
            f"the splits are {', '.join(splits)}; {', '.join(missing)} is missing. The first column names the split of each row.",
            path=path,
        )
    return [splits[name] for name in names]
