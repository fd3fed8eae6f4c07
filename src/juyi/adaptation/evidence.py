"""What labels say about encoders: items that are measured, units of them that are independent, and rows to learn from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from juyi.adaptation.decisions import Decisions
from juyi.calibration import Calibration
from juyi.data import normalise
from juyi.metrics import Bootstrap, Statistic, Units, connected
from juyi.objectives import Objective
from juyi.tasks import BootstrappedScore, Similarity
from juyi.tasks.bootstrapped_score import bootstrapped
from juyi.types import Score

SPLIT = "held-out"
"""The split of every figure here: none is of an item that its encoder learned the label of."""

Outcomes = NDArray[np.float64]
"""What an encoder made of each item, in whatever columns its evidence measures, (items, columns)."""

OfFold = Callable[[int], Similarity]
"""What compares texts for the items of a fold: an encoder that learned from the labels of the other folds, or of none."""


@dataclass(frozen=True, eq=False)
class Lesson:
    """Labels as an objective learns them.

    Attributes:
        objective: What is minimised.
        columns: Column name to what stands in it.
        distinct: Rows of one group may not meet in a batch: they would be each other's negatives.
        groups: How many groups there are, no larger is a batch; 0 where that does not matter.
    """

    objective: Objective
    columns: dict[str, list[Any]]
    distinct: bool = False
    groups: int = 0

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))


@dataclass(frozen=True, eq=False)
class Evidence(ABC):
    """Labels of one kind.

    Attributes:
        name: What tables call it: `pairs`, `groups`, `clicks`, `queries`, `intents`.
        bootstrap: How intervals are drawn.
        fold_of_row: The fold of each row; see `in_folds`.
    """

    name: str
    bootstrap: Bootstrap = field(default=Bootstrap(), kw_only=True, repr=False)
    fold_of_row: NDArray[np.intp] = field(default_factory=lambda: np.zeros(0, dtype=np.intp), kw_only=True, repr=False)

    @abstractmethod
    def rows(self) -> Sequence[Sequence[str]]:
        """The texts of each labelled row; rows that share one lie in one fold."""

    @abstractmethod
    def labels(self) -> Any:
        """What is known about the rows beside their texts, as JSON has it."""

    @abstractmethod
    def subset(self, places: Sequence[int]) -> Self:
        """Some of the rows alone."""

    def in_folds(self, folds: NDArray[np.intp]) -> Self:
        """The same labels, dealt out.

        Shapes:
            folds: (rows,), counted from 0
        """
        return replace(self, fold_of_row=folds)

    @property
    def corpus(self) -> Sequence[str]:
        """What is searched; empty where nothing is."""
        return ()

    @property
    def compared_with(self) -> Sequence[str]:
        """The texts that an item is looked for in; empty where items are pairs."""
        return self.corpus

    def fitting(self, texts: int, rows: int) -> Self:
        """What is measured where there is time for so many texts and so many rows: whole units, in the same folds."""
        return limited(self, rows, most_texts=texts)

    @property
    def measured_rows(self) -> int:
        """How many rows are measured; the others are there to be compared with."""
        return len(self.rows())

    @property
    def folds(self) -> NDArray[np.intp]:
        """The fold of each item, (items,); items are rows unless an evidence says otherwise."""
        return self.fold_of_row

    @property
    @abstractmethod
    def units(self) -> Units:
        """The items that are drawn together."""

    @abstractmethod
    def texts(self) -> Sequence[str]:
        """Every text that will be encoded; some may occur twice."""

    @abstractmethod
    def lesson(self, left_out: int | None = None) -> Lesson | None:
        """What can be learned from all rows but those of one fold; None where nothing can."""

    @abstractmethod
    def outcomes(self, similarity: OfFold) -> Outcomes:
        """What is measured of each item, with what compares texts for its fold."""

    @abstractmethod
    def statistics(self, outcomes: Outcomes) -> dict[str, Statistic]:
        """The figures as functions of a resample of the items, the deciding one first."""

    def main_statistic(self, outcomes: Outcomes) -> Statistic:
        """The deciding figure."""
        return next(iter(self.statistics(outcomes).values()))

    def figures(self, outcomes: Outcomes) -> list[BootstrappedScore]:
        """The figures, times 100, with their intervals over units; the deciding one first."""
        return [self._figure(metric, statistic) for metric, statistic in self.statistics(outcomes).items()]

    def main_figure(self, outcomes: Outcomes) -> BootstrappedScore:
        """The deciding figure with its interval."""
        metric, statistic = next(iter(self.statistics(outcomes).items()))
        return self._figure(metric, statistic)

    def decisions(self, outcomes: Outcomes) -> Decisions | None:
        """The single decisions behind the figures, each with the similarity it was taken by; None where the labels name none."""
        return None

    def calibration(self, outcomes: Outcomes) -> Calibration | None:
        """What the similarities are worth as probabilities; None where the labels are too few or of another kind."""
        decisions = self.decisions(outcomes)
        return None if decisions is None else decisions.calibrated([[*map(list, self.rows())], self.labels()], self.bootstrap)

    def effective(self) -> float:
        """The effective number of units of the deciding figure; see `juyi.metrics.Units.effective`."""
        return self.units.effective()

    def items_of(self, metric: str) -> NDArray[np.intp] | None:
        """The places of the items that a figure is about; None for all."""
        return None

    def _figure(self, metric: str, statistic: Statistic) -> BootstrappedScore:
        items = self.items_of(metric)
        identity = Score(self.name, SPLIT, metric, 0.0, self.units.items if items is None else len(items))
        return bootstrapped(identity, statistic, self.bootstrap, self.units, items=items)


AnyEvidence = TypeVar("AnyEvidence", bound=Evidence)


def joined_lesson(lessons: Sequence[Lesson]) -> Lesson | None:
    """The lessons with the objective of the first as one; None where there are none."""
    alike = [lesson for lesson in lessons if lesson.objective == lessons[0].objective]
    if len(alike) < 2:
        return alike[0] if alike else None
    columns = {name: [cell for lesson in alike for cell in lesson.columns[name]] for name in alike[0].columns}
    return Lesson(alike[0].objective, columns, alike[0].distinct, sum(lesson.groups for lesson in alike))


def dealt(evidence: Sequence[Evidence], folds: int, *, seed: int = 0) -> list[Evidence]:
    """All evidence in the same folds: texts that a row holds together, of whatever kind of labels, lie in one.

    So an encoder that learned from one kind of labels in all folds but one met none of the texts of that fold in any kind. The
    connected components go to the folds in turn, the large ones first, each to the fold with the fewest rows.

    Args:
        evidence: Labels of one kind or several.
        folds: How many.
        seed: Draws the order.
    """
    rows = [[normalise(text) for text in row] for each in evidence for row in each.rows()]
    if not rows:
        return list(evidence)
    components = connected(rows)
    sizes = np.bincount(components)
    order = np.random.default_rng(seed).permutation(len(sizes))
    order = order[np.argsort(-sizes[order], kind="stable")]
    filled, fold_of = np.zeros(folds, dtype=np.intp), np.empty(len(sizes), dtype=np.intp)
    for component in order.tolist():
        fold_of[component] = filled.argmin()
        filled[fold_of[component]] += sizes[component]
    ends = np.cumsum([len(each.rows()) for each in evidence])
    return [each.in_folds(part) for each, part in zip(evidence, np.split(fold_of[components], ends[:-1]), strict=True)]


def limited(evidence: AnyEvidence, most: int, *, most_texts: int | None = None, seed: int = 0) -> AnyEvidence:
    """At most so many rows, whole connected components of them, drawn by the seed; the evidence itself where it has no more.

    Rows that were dealt into folds stay in theirs.
    """
    places = drawn_rows(evidence.rows(), most, most_texts, seed)
    if len(places) == len(evidence.rows()):
        return evidence
    part = evidence.subset(places.tolist())
    return replace(part, fold_of_row=evidence.fold_of_row[places]) if len(evidence.fold_of_row) else part


def drawn_rows(rows: Sequence[Sequence[str]], most: int, most_texts: int | None = None, seed: int = 0) -> NDArray[np.intp]:
    """The places of at most so many rows with at most so many distinct texts, whole connected components of them."""
    known = [[normalise(text) for text in row] for row in rows]
    components = connected(known)
    count = int(components.max(initial=-1)) + 1
    texts = {text: component for row, component in zip(known, components.tolist(), strict=True) for text in row}
    sizes = np.bincount(components, minlength=count), np.bincount(list(texts.values()), minlength=count)
    limits = most, len(texts) if most_texts is None else most_texts
    order = np.random.default_rng(seed).permutation(count)
    fits = np.all([np.cumsum(size[order]) <= limit for size, limit in zip(sizes, limits, strict=True)], axis=0)
    if fits.sum() < min(2, count):  # one component of nearly all rows: a part of it is better than nothing
        return np.arange(min(most, max(2, len(rows) * limits[1] // max(1, len(texts)))))
    return np.flatnonzero(np.isin(components, order[fits]))
