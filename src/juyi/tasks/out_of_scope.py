"""Out-of-scope queries: does the similarity to the nearest training query tell what no intent covers?"""

from __future__ import annotations

from collections.abc import Sequence, Sized
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from juyi.data import LabelledTexts, normalise
from juyi.errors import UsageError
from juyi.metrics import BinaryRanking, Counts, Statistic, Units, joint_effective
from juyi.prompts import SidedTexts
from juyi.tasks.bootstrapped_score import BootstrappedScore, bootstrapped
from juyi.tasks.intents import check_intents
from juyi.tasks.pair_classification import DEV_THRESHOLD, ORACLE_THRESHOLD
from juyi.tasks.similarity import EncodeOrSimilarity, similarity_of
from juyi.tasks.task import Task
from juyi.types import Score


@dataclass(frozen=True, eq=False)
class OutOfScope(Task):
    """Intents by their nearest training query, and a threshold on its similarity below which a query is rejected.

    The score of a query is its similarity to the nearest training query. The threshold is the highest that rejects at most
    `rejection_rate` of the in-scope validation queries. Without these it is taken from the in-scope test queries themselves, and
    the figures that depend on it bear the label `oracle-threshold`. Intervals are over the intents, and outside over the distinct
    queries or, where they are known, the intents there; each class is drawn within itself.

    Attributes:
        train: Examples of each intent.
        test: In-scope queries with their intents.
        outside_test: Queries that belong to none of the intents.
        validation: In-scope queries, for the threshold.
        rejection_rate: The share of in-scope queries that may be rejected.
        outside_intents: The intent of each query of `outside_test` where it has one that was kept out of the training, as
            `held_out` makes them: the queries of one such intent are rejected or accepted together.

    Raises:
        UsageError: One of the parts is empty, the examples lack an intent of the queries, or `rejection_rate` is not at least 0
            and below 1.
    """

    train: LabelledTexts = field(repr=False)
    test: LabelledTexts = field(repr=False)
    outside_test: Sequence[str] = field(repr=False)
    validation: LabelledTexts | None = field(default=None, repr=False)
    rejection_rate: float = 0.05
    outside_intents: Sequence[str] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not 0 <= self.rejection_rate < 1:
            raise UsageError(f"{self}: rejection_rate is {self.rejection_rate}; it is at least 0 and below 1, 0.05 for example.")
        parts: dict[str, Sized | None] = {
            "training": self.train,
            "in-scope test": self.test,
            "out-of-scope test": self.outside_test,
            "validation": self.validation,
        }
        for part, texts in parts.items():
            if texts is not None and not len(texts):
                raise UsageError(f"{self} has no {part} queries. Give it at least one.")
        if self.outside_intents is not None and len(self.outside_intents) != len(self.outside_test):
            raise UsageError(
                f"{self} has {len(self.outside_intents)} intents for {len(self.outside_test)} out-of-scope queries. "
                "Give one a query, or none."
            )
        for queries in (self.test, self.validation):
            if queries is not None:
                check_intents(str(self), self.train, queries)

    def __len__(self) -> int:
        return len(self.test) + len(self.outside_test)

    @cached_property
    def units(self) -> Units:
        """The queries of an intent are one unit, as in `IntentRecall`; so are repeats of an out-of-scope query."""
        outside = self.outside_intents or [normalise(text) for text in self.outside_test]
        inside = len(self.test)
        return Units.grouped([*self.test.labels, *outside], [place < inside for place in range(len(self))])

    def texts(self) -> Sequence[str]:
        """The examples and all queries."""
        return [*self.train.texts, *self._queries()]

    def sides(self) -> SidedTexts:
        """All queries, and the examples that are searched."""
        return SidedTexts(queries=self._queries(), corpus=self.train.texts)

    def measure(self, encoder: EncodeOrSimilarity) -> Sequence[BootstrappedScore]:
        """`auroc`, `aupr-in`, `aupr-out`, `fpr@95`; at the threshold `in-scope accuracy` and `out-of-scope recall`; `threshold`.

        In-scope is the positive class, but in `aupr-out`. `in-scope accuracy` is the share of in-scope queries that are accepted
        and get the right intent, `out-of-scope recall` the share of the others that are rejected. All are times 100, except the
        threshold, which has the unit of the similarity.

        Raises:
            UsageError: The encoder gives no usable embeddings.

        Source:
            Hendrycks & Gimpel 2017 (AUROC, AUPR), ODIN (FPR@95); Larson et al. 2019 (in-scope accuracy, out-of-scope recall).
        """
        hits = similarity_of(encoder).nearest(self._queries(), self.train.texts, 1)
        scores, inside = hits.scores[:, 0].astype(np.float64), len(self.test)
        right = np.array([self.train.labels[hit] for hit in hits.ids[:inside, 0]]) == np.array(self.test.labels)
        ranking = BinaryRanking(scores[: len(self)], np.arange(len(self)) < inside)
        others = BinaryRanking(-scores[: len(self)], np.arange(len(self)) >= inside)
        known = _Rejection(scores[:inside] if self.validation is None else scores[len(self) :], self.rejection_rate)
        fixed = known.threshold(np.ones(len(known.scores)))

        def threshold(counts: Counts) -> float:
            # An oracle's threshold belongs to the figure: it is chosen anew on each resample.
            return known.threshold(counts[:inside]) if self.validation is None else fixed

        def accuracy(counts: Counts) -> float:
            accepted = scores[:inside] >= threshold(counts)
            return float(counts[:inside] @ (accepted & right) / counts[:inside].sum())

        def rejected(counts: Counts) -> float:
            below = scores[inside : len(self)] < threshold(counts)
            return float(counts[inside:] @ below / counts[inside:].sum())

        label = ORACLE_THRESHOLD if self.validation is None else DEV_THRESHOLD
        return [
            self._figure("auroc", ranking.auroc),
            self._figure("aupr-in", ranking.average_precision),
            self._figure("aupr-out", others.average_precision),
            self._figure("fpr@95", lambda counts: ranking.false_positive_rate(0.95, counts)),
            self._figure("in-scope accuracy", accuracy, self._inside, label),
            self._figure("out-of-scope recall", rejected, self._outside, label),
            self.plain("threshold", fixed, len(known.scores), labels=[label]),
        ]

    def _queries(self) -> list[str]:
        return [*self.test.texts, *self.outside_test, *(() if self.validation is None else self.validation.texts)]

    @property
    def _inside(self) -> NDArray[np.intp]:
        return np.arange(len(self.test))

    @property
    def _outside(self) -> NDArray[np.intp]:
        return np.arange(len(self.test), len(self))

    def _figure(
        self, metric: str, statistic: Statistic, items: NDArray[np.intp] | None = None, *labels: str
    ) -> BootstrappedScore:
        if items is None:
            # Both classes weigh alike in what compares one with the other, however few queries one of them has.
            effective = joint_effective([self.units.effective(each) for each in (self._inside, self._outside)], [1, 1])
        else:
            effective = self.units.effective(items)
        count = len(self) if items is None else len(items)
        identity = Score(self.name, self.split, metric, 0.0, count, labels=(*self.labels, *labels))
        return bootstrapped(identity, statistic, self.bootstrap, self.units, items=items, effective=effective)


@dataclass(frozen=True)
class HeldOut:
    """An intent file made into an out-of-scope problem; see `held_out`."""

    train: LabelledTexts
    validation: LabelledTexts
    test: LabelledTexts
    outside: LabelledTexts


def held_out(texts: LabelledTexts, share: float = 0.25, *, seed: int = 0) -> HeldOut:
    """An out-of-scope problem from a file of intents: some intents are taken for unknown, and their queries lie outside.

    The queries of each other intent are shuffled and dealt out: of five, three train, one tests and one validates. An intent of
    one query only trains, one of two or three does not validate. A query that an intent has twice counts once, so that none is
    its own example.

    Args:
        texts: Queries with their intents.
        share: The share of the intents that lie outside, at least one of them.
        seed: The same seed makes the same problem.

    Raises:
        UsageError: `share` is not between 0 and 1, or no intent would be left inside.

    Source:
        Lin & Xu 2019: unknown intents are simulated by intents that are kept out of the training.
    """
    queries: dict[str, dict[str, None]] = {}
    for intent, text in zip(texts.labels, texts.texts, strict=True):
        queries.setdefault(intent, {})[text] = None
    unknown = max(1, round(share * len(queries)))
    if not 0 < share < 1 or unknown >= len(queries):
        raise UsageError(
            f"share is {share} of {len(queries)} intents; it lies between 0 and 1, and at least one intent must stay inside."
        )
    rng = np.random.default_rng(seed)
    intents = list(queries)
    outside = {intents[place] for place in rng.permutation(len(intents))[:unknown]}
    parts = HeldOut(*(LabelledTexts([], []) for _ in range(4)))
    dealt = (parts.train, parts.test, parts.train, parts.validation, parts.train)
    for intent, known in queries.items():
        distinct = list(known)
        for turn, place in enumerate(rng.permutation(len(distinct))):
            part = parts.outside if intent in outside else dealt[turn % len(dealt)]
            part.labels.append(intent)
            part.texts.append(distinct[place])
    return parts


class _Rejection:
    """The threshold that rejects at most a share of in-scope queries."""

    def __init__(self, scores: NDArray[np.float64], rate: float) -> None:
        self.scores = np.sort(scores)
        self.order = np.argsort(scores)
        self.rate = rate

    def threshold(self, counts: Counts) -> float:
        """The highest score with at most that share of the drawn queries below it."""
        drawn = np.cumsum(counts[self.order])
        return float(self.scores[np.searchsorted(drawn / drawn[-1], self.rate, side="right")])
