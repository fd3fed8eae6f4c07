"""Questions as evidence: is the right text of a corpus found? Groups of a FAQ, clicks, queries with their relevant texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from juyi.adaptation.decisions import Decisions
from juyi.adaptation.evidence import Evidence, Lesson, OfFold, Outcomes, drawn_rows
from juyi.data import normalise
from juyi.metrics import Statistic, Units, connected, mean_statistic, ndcg, recall, reciprocal_rank, relevance
from juyi.objectives import SimCSESupervised
from juyi.tasks import Retrieval

_MOST = 10
_METRICS = ("mrr@10", "recall@1", "recall@5", "recall@10", "ndcg@10")


@dataclass(frozen=True, eq=False)
class QuestionEvidence(Evidence):
    """Queries and what answers them: MRR@10, recall@k, nDCG@10.

    Every query is searched for in the whole corpus, with an encoder that learned from no query and no text of the query's
    unit. So what is measured are questions that the encoder does not know; those whose standard question was learned are
    found more often.

    Attributes:
        retrieval: Queries, corpus, and which texts of it answer which query.
    """

    retrieval: Retrieval = field(repr=False)

    @property
    def corpus(self) -> Sequence[str]:
        """See `Evidence.corpus`."""
        return self.retrieval.corpus

    @property
    def units(self) -> Units:
        """Queries with a relevant text in common are one unit."""
        return self.retrieval.units

    def rows(self) -> Sequence[Sequence[str]]:
        """Each query with its relevant texts."""
        found = self.retrieval
        rows = zip(found.queries, found.relevant, strict=True)
        return [[query, *(found.corpus[place] for place in sorted(places))] for query, places in rows]

    def labels(self) -> list[str]:
        """The corpus; which of it answers a query stands in the rows."""
        return list(self.retrieval.corpus)

    def subset(self, places: Sequence[int]) -> QuestionEvidence:
        """Some of the queries. Texts that answer others alone leave the corpus with them; those that answer none stay."""
        whole = self.retrieval
        wanted = {place for query in places for place in whole.relevant[query]}
        answers = {place for relevant in whole.relevant for place in relevant}
        kept = [place for place in range(len(whole.corpus)) if place in wanted or place not in answers]
        return replace(self, retrieval=_part(whole, places, kept))

    def fitting(self, texts: int, rows: int) -> QuestionEvidence:
        """See `Evidence.fitting`: queries take half of the texts at the most, the rest is for what they are looked for in."""
        whole = self.retrieval
        if len(whole) <= rows and len(whole) + len(whole.corpus) <= texts:
            return self
        spare = texts - len(whole.corpus)  # for queries, where the whole corpus is encoded
        asked = drawn_rows(self.rows(), min(rows, max(texts // 2, spare)), texts)
        answers = {place for query in asked for place in whole.relevant[query]}
        others = [place for place in range(len(whole.corpus)) if place not in answers]
        room = max(0, texts - len(asked) - len(answers))
        drawn = np.random.default_rng(0).permutation(others)[:room].tolist()
        part = _part(whole, asked.tolist(), sorted({*answers, *drawn}))
        return replace(self, retrieval=part, fold_of_row=self.fold_of_row[asked] if len(self.fold_of_row) else self.fold_of_row)

    def texts(self) -> Sequence[str]:
        """Queries and corpus."""
        return self.retrieval.texts()

    def lesson(self, left_out: int | None = None) -> Lesson | None:
        """Pairs of one unit, each text with the next of its unit: supervised SimCSE without false negatives."""
        rows = [row for row, fold in zip(self.rows(), self.folds.tolist(), strict=True) if fold != left_out]
        units: dict[int, dict[str, str]] = {}
        for unit, row in zip(connected([[normalise(text) for text in row] for row in rows]).tolist(), rows, strict=True):
            units.setdefault(unit, {}).update({normalise(text): text for text in row})
        return ring_lesson([list(unit.values()) for unit in units.values()])

    def outcomes(self, similarity: OfFold) -> Outcomes:
        """The metrics of each query, the similarity of its best hit, and that of the best wrong one; (queries, 7)."""
        found = np.empty((len(self.retrieval), len(_METRICS) + 2))
        for fold in np.unique(self.folds).tolist():
            chosen = np.flatnonzero(self.folds == fold)
            found[chosen] = self._measured(similarity, fold, chosen)
        return found

    def statistics(self, outcomes: Outcomes) -> dict[str, Statistic]:
        """The mean of each metric."""
        return {metric: mean_statistic(outcomes[:, place]) for place, metric in enumerate(_METRICS)}

    def decisions(self, outcomes: Outcomes) -> Decisions:
        """That the best hit answers the query: of each query as it is, and of each as if the corpus held no answer to it.

        The latter are weighted down to every fifth: see `UNANSWERED`.
        """
        right = np.concatenate([outcomes[:, _METRICS.index("recall@1")] > 0, np.zeros(len(outcomes), dtype=np.bool_)])
        units = replace(self.units, of=np.tile(self.units.of, 2))
        decisions = Decisions("hit", outcomes[:, -2:].T.reshape(-1), right, np.tile(self.folds, 2), units)
        return decisions.with_unanswered(np.arange(len(right)) < len(outcomes))

    @cached_property
    def _totals(self) -> NDArray[np.int64]:
        return np.array([len(set(places)) for places in self.retrieval.relevant])

    def _measured(self, similarity: OfFold, fold: int, chosen: NDArray[np.intp]) -> NDArray[np.float64]:
        queries, wanted = ([side[i] for i in chosen] for side in (self.retrieval.queries, self.retrieval.relevant))
        hits = similarity(fold).nearest(queries, self.retrieval.corpus, _MOST)
        right, totals = relevance(hits.ids, wanted), self._totals[chosen]
        recalls = [recall(right, totals, k) for k in (1, 5, _MOST)]
        # Where all hits are right, the last of them bounds what else there is.
        others = np.where(right.all(axis=1), right.shape[1] - 1, np.argmin(right, axis=1))
        without = hits.scores[np.arange(len(queries)), others]
        scores = [hits.scores[:, 0], np.where(np.isfinite(without), without, hits.scores[:, 0])]
        return np.stack([reciprocal_rank(right, _MOST), *recalls, ndcg(right, totals, _MOST), *scores], axis=1)


def _part(whole: Retrieval, queries: Sequence[int], kept: Sequence[int]) -> Retrieval:
    """Some of the queries, and of the corpus what is kept, all that answers them among it."""
    new = {old: place for place, old in enumerate(kept)}
    relevant = [[new[place] for place in whole.relevant[query]] for query in queries]
    corpus = [whole.corpus[place] for place in kept]
    return replace(whole, queries=[whole.queries[query] for query in queries], corpus=corpus, relevant=relevant)


def ring_lesson(groups: Sequence[Sequence[str]]) -> Lesson | None:
    """Each text with the next of its group, the last with the first: every text is an anchor once and a positive once.

    Args:
        groups: Texts that mean the same; groups of one teach nothing.
    """
    kept = [list(group) for group in groups if len(group) > 1]
    if len(kept) < 2:
        return None
    anchors = [text for group in kept for text in group]
    positives = [text for group in kept for text in (*group[1:], group[0])]
    objective = SimCSESupervised(hard_negatives=False, anchors="both")
    return Lesson(objective, {"anchor": anchors, "positive": positives}, distinct=True, groups=len(kept))
