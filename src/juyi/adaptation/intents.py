"""Intents as evidence: does the nearest labelled query have the right one, and is what has none told apart?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from juyi.adaptation.decisions import Decisions
from juyi.adaptation.evidence import Evidence, Lesson, OfFold, Outcomes, drawn_rows, limited
from juyi.adaptation.questions import ring_lesson
from juyi.data import LabelledTexts, normalise
from juyi.metrics import BinaryRanking, Counts, Statistic, Units

_FEWEST_INTENTS = 10
_EXAMPLES = 4
_OUTSIDE = frozenset(
    {
        "oos",
        "ood",
        "outofscope",
        "outofdomain",
        "outsideofscope",
        "none",
        "other",
        "others",
        "无",
        "无意图",
        "其他",
        "其它",
        "未知",
    }
)


@dataclass(frozen=True, eq=False)
class IntentEvidence(Evidence):
    """Queries with their intents: accuracy of the nearest labelled query, and AUROC of the rejection.

    A query is compared with the labelled queries of the other folds. Queries outside of all intents are those that the labels
    say are (`oos`, `其他`); where none does and there are ten intents or more, those of a fold of the intents take the part: in
    that fold nothing is learned from them and none is an example. They are then in the figures twice, once as a query with an
    intent and once, in another fold, as one without.

    The intents are those that the encoder will work with, so a unit of the accuracy is a query, not an intent; one that was
    held out as unknown is drawn as a whole in the rejection.

    Attributes:
        labelled: The queries; a repeated one stands there once.
        held_out: The fold in which each intent is unknown; empty where the labels name queries without one, or have few intents.
        asked: The rows that are measured, (rows,); None for all. The others are examples alone.
    """

    labelled: LabelledTexts = field(repr=False)
    held_out: Mapping[str, int] = field(default_factory=dict, kw_only=True, repr=False)
    asked: NDArray[np.bool_] | None = field(default=None, kw_only=True, repr=False)

    def in_folds(self, folds: NDArray[np.intp]) -> IntentEvidence:
        """See `Evidence.in_folds`; the intents are dealt into the same folds, where they take the part of unknown ones."""
        dealt = super().in_folds(folds)
        intents, count = sorted({*self.labelled.labels}), int(folds.max()) + 1
        if self._unknown.any() or len(intents) < _FEWEST_INTENTS or count < 2:
            return replace(dealt, held_out={})
        order = np.random.default_rng(0).permutation(len(intents))
        return replace(dealt, held_out={intents[place]: turn % count for turn, place in enumerate(order.tolist())})

    @property
    def folds(self) -> NDArray[np.intp]:
        """The fold of each item: of the queries with an intent, then of those without."""
        return np.concatenate([self.fold_of_row[self._inside], self._outside_folds])

    @cached_property
    def units(self) -> Units:
        """Queries; outside, the intents that were held out."""
        names = [str(place) for place in self._inside.tolist()]
        held = bool((self._held_out >= 0).any())
        names += [self.labelled.labels[place] if held else str(place) for place in self._outside.tolist()]
        inside = len(self._inside)
        return Units.grouped(names, [place < inside for place in range(len(names))])

    def rows(self) -> Sequence[Sequence[str]]:
        """Each query alone."""
        return [[text] for text in self.labelled.texts]

    def labels(self) -> list[Any]:
        """The intents, and which of the rows are measured where not all are."""
        return self.labelled.labels if self.asked is None else [self.labelled.labels, self.asked.tolist()]

    @property
    def compared_with(self) -> Sequence[str]:
        """See `Evidence.compared_with`: the labelled queries."""
        return self.labelled.texts

    def subset(self, places: Sequence[int]) -> IntentEvidence:
        """See `Evidence.subset`."""
        labels, texts = ([side[i] for i in places] for side in (self.labelled.labels, self.labelled.texts))
        asked = None if self.asked is None else self.asked[list(places)]
        return replace(self, labelled=LabelledTexts(labels, texts), asked=asked)

    def fitting(self, texts: int, rows: int) -> IntentEvidence:
        """See `Evidence.fitting`: some of the queries are examples alone, four times as many as are measured at the most.

        With fewer examples than there will be, an encoder that orders them badly would look worse than it is.
        """
        kept = limited(self, _EXAMPLES * rows, most_texts=_EXAMPLES * texts)
        asked = drawn_rows(kept.rows(), rows, texts)
        if len(asked) == len(kept.rows()):
            return kept
        return replace(kept, asked=np.isin(np.arange(len(kept.rows())), asked))

    @property
    def measured_rows(self) -> int:
        """See `Evidence.measured_rows`."""
        return len(self.rows()) if self.asked is None else int(self.asked.sum())

    def texts(self) -> Sequence[str]:
        """The queries."""
        return self.labelled.texts

    def lesson(self, left_out: int | None = None) -> Lesson | None:
        """Pairs of one intent, each query with the next."""
        groups: dict[str, list[str]] = {}
        for place in self._examples(left_out).tolist():
            groups.setdefault(self.labelled.labels[place], []).append(self.labelled.texts[place])
        rng = np.random.default_rng(0)
        return ring_lesson([[group[i] for i in rng.permutation(len(group))] for group in groups.values()])

    def outcomes(self, similarity: OfFold) -> Outcomes:
        """Whether the nearest example has the right intent, its similarity among those of its fold, and as it is; (items, 3)."""
        found = np.zeros((len(self.folds), 3))
        items = np.concatenate([self._inside, self._outside])
        for fold in np.unique(self.folds).tolist():
            chosen, examples = np.flatnonzero(self.folds == fold), self._examples(fold)
            queries = [self.labelled.texts[i] for i in items[chosen]]
            hits = similarity(fold).nearest(queries, [self.labelled.texts[i] for i in examples], 1)
            nearest = np.array([self.labelled.labels[examples[hit]] for hit in hits.ids[:, 0]])
            scores = hits.scores[:, 0].astype(np.float64)
            found[chosen, 0] = nearest == np.array([self.labelled.labels[i] for i in items[chosen]])
            found[chosen, 1] = (scores - scores.mean()) / (scores.std() or 1.0)
            found[chosen, 2] = scores
        return found

    def statistics(self, outcomes: Outcomes) -> dict[str, Statistic]:
        """`accuracy`, and `auroc` of the queries with an intent against those without where there are some."""
        inside = np.arange(len(outcomes)) < len(self._inside)
        right = outcomes[:, 0] * inside

        def accuracy(counts: Counts) -> float:
            return float(counts @ right / (counts @ inside))

        if inside.all():
            return {"accuracy": accuracy}
        return {"accuracy": accuracy, "auroc": BinaryRanking(outcomes[:, 1], inside).auroc}

    def decisions(self, outcomes: Outcomes) -> Decisions:
        """That the nearest example has the intent of the query; of a query without one, none has.

        Where the labels name such queries, they are as many as the labels say, else every fifth.
        """
        inside = np.arange(len(outcomes)) < len(self._inside)
        decisions = Decisions("intent", outcomes[:, 2], (outcomes[:, 0] > 0) & inside, self.folds, self.units)
        return decisions if inside.all() or self._unknown.any() else decisions.with_unanswered(inside)

    def effective(self) -> float:
        """That of the accuracy."""
        return self.units.effective(self.items_of("accuracy"))

    def items_of(self, metric: str) -> NDArray[np.intp] | None:
        """The accuracy is about the queries with an intent."""
        return np.arange(len(self._inside)) if metric == "accuracy" else None

    @property
    def _asked(self) -> NDArray[np.bool_]:
        return np.ones(len(self.labelled), dtype=np.bool_) if self.asked is None else self.asked

    @cached_property
    def _unknown(self) -> NDArray[np.bool_]:
        """Which queries the labels say have no intent."""
        return np.array([normalise(label) in _OUTSIDE for label in self.labelled.labels], dtype=np.bool_)

    @cached_property
    def _held_out(self) -> NDArray[np.intp]:
        """The fold in which a query's intent is held out, (rows,); -1 where it never is. All -1 or none."""
        return np.array([self.held_out.get(label, -1) for label in self.labelled.labels])

    @cached_property
    def _inside(self) -> NDArray[np.intp]:
        """The rows that are measured as queries with an intent: in their own fold, where this one is known."""
        return np.flatnonzero(self._asked & ~self._unknown & (self._held_out != self.fold_of_row))

    @cached_property
    def _outside(self) -> NDArray[np.intp]:
        """The rows that are measured as queries without one."""
        return np.flatnonzero(self._asked & (self._unknown | (self._held_out >= 0)))

    @cached_property
    def _outside_folds(self) -> NDArray[np.intp]:
        return np.where(self._unknown, self.fold_of_row, self._held_out)[self._outside]

    def _examples(self, left_out: int | None) -> NDArray[np.intp]:
        """The rows that stand as examples, and are learned from, where a fold is left out."""
        if left_out is None:
            return np.flatnonzero(~self._unknown)
        return np.flatnonzero(~self._unknown & (self.fold_of_row != left_out) & (self._held_out != left_out))
