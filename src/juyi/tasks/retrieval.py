"""Retrieval: does the nearest text of a corpus answer the query?"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from juyi.data import LabelledTexts
from juyi.errors import UsageError
from juyi.metrics import Units, mean_statistic, ndcg, recall, reciprocal_rank, relevance
from juyi.prompts import SidedTexts
from juyi.tasks.bootstrapped_score import BootstrappedScore
from juyi.tasks.sentence_units import sentence_units
from juyi.tasks.similarity import EncodeOrSimilarity, similarity_of
from juyi.tasks.task import Task

_MOST = 10  # the hits that any of the metrics looks at
_RECALLS = (1, 5, 10)


@dataclass(frozen=True, eq=False)
class Retrieval(Task):
    """Queries, a corpus, and which texts of the corpus are relevant to each query: MRR@10, recall@k, nDCG@10, times 100.

    Queries and corpus have prompts of their own where the model has them. The intervals are over groups of queries that share no
    relevant text. Of equally near texts the one that stands first in the corpus comes first.

    Attributes:
        queries: What is asked.
        corpus: What is searched.
        relevant: For each query the places of its relevant texts in the corpus, at least one.

    Raises:
        UsageError: There are no queries, or a query has no relevant text, or one that is not in the corpus.
    """

    queries: Sequence[str] = field(repr=False)
    corpus: Sequence[str] = field(repr=False)
    relevant: Sequence[Collection[int]] = field(repr=False)

    def __post_init__(self) -> None:
        if not len(self.queries) or len(self.queries) != len(self.relevant):
            raise UsageError(
                f"{self} has {len(self.queries)} queries and {len(self.relevant)} sets of relevant texts. "
                "Give at least one query, and one set for each."
            )
        for query, places in zip(self.queries, self.relevant, strict=True):
            if not len(places):
                raise UsageError(
                    f"{self}: no text of the corpus is relevant to the query '{query}'. Leave it out, or say which is."
                )
            if not all(0 <= place < len(self.corpus) for place in places):
                raise UsageError(
                    f"{self}: the query '{query}' has the relevant places {sorted(places)}; the corpus has {len(self.corpus)} "
                    "texts, with the places from 0."
                )

    def __len__(self) -> int:
        return len(self.queries)

    @cached_property
    def units(self) -> Units:
        """Queries with a relevant text in common, and those that have one in common with these, are one unit.

        Whether a text is found is as much a matter of the text as of the query: the paraphrases of one question, a group of a
        FAQ, are found or missed together.
        """
        rows = zip(self.queries, self.relevant, strict=True)
        return sentence_units([query, *(self.corpus[place] for place in places)] for query, places in rows)

    def texts(self) -> Sequence[str]:
        """The queries and the corpus."""
        return [*self.queries, *self.corpus]

    def sides(self) -> SidedTexts:
        """The queries, and the corpus that is searched."""
        return SidedTexts(queries=self.queries, corpus=self.corpus)

    def measure(self, encoder: EncodeOrSimilarity) -> Sequence[BootstrappedScore]:
        """`mrr@10`, `recall@1`, `recall@5`, `recall@10`, `ndcg@10`.

        Raises:
            UsageError: The encoder gives no usable embeddings.
        """
        hits = similarity_of(encoder).nearest(self.queries, self.corpus, _MOST)
        found = relevance(hits.ids, self.relevant)
        totals = np.array([len(set(places)) for places in self.relevant])
        figures = {f"mrr@{_MOST}": reciprocal_rank(found, _MOST)}
        figures |= {f"recall@{k}": recall(found, totals, k) for k in _RECALLS}
        figures |= {f"ndcg@{_MOST}": ndcg(found, totals, _MOST)}
        return [self.bootstrapped(metric, mean_statistic(values), self.units) for metric, values in figures.items()]


def retrieval_from_groups(name: str, split: str, groups: LabelledTexts, labels: tuple[str, ...] = ()) -> Retrieval:
    """Groups of questions with one meaning as a FAQ: the first question of a group is looked for with all its others.

    The first questions are the corpus. A group of one question is a text of the corpus that no query asks for.

    Args:
        name: What the task is called.
        split: Which part of the data it is.
        groups: Questions; those of one group have one label.
        labels: Passed on to the scores.

    Raises:
        UsageError: No group has a second question.
    """
    places: dict[str, int] = {}
    corpus: list[str] = []
    queries: list[str] = []
    relevant: list[list[int]] = []
    for group, question in zip(groups.labels, groups.texts, strict=True):
        if group in places:
            queries.append(question)
            relevant.append([places[group]])
        else:
            places[group] = len(corpus)
            corpus.append(question)
    if not queries:
        raise UsageError(f"{name} {split}: none of the {len(corpus)} groups has a second question, so that nothing is asked for.")
    return Retrieval(name, split, queries, corpus, relevant, labels=labels)


def retrieval_from_corpus(
    name: str, split: str, corpus: LabelledTexts, queries: LabelledTexts, labels: tuple[str, ...] = ()
) -> Retrieval:
    """A corpus whose labels are ids, and queries whose labels are the ids of their relevant texts.

    A query that stands there several times, with an id each, is one query with several relevant texts.

    Args:
        name: What the task is called.
        split: Which part of the data it is.
        corpus: The texts that are searched, each with an id of its own.
        queries: The queries, each with the id of a relevant text.
        labels: Passed on to the scores.

    Raises:
        UsageError: An id occurs twice in the corpus, or the corpus lacks one.
    """
    places = {document: place for place, document in enumerate(corpus.labels)}
    if len(places) < len(corpus):
        twice = next(document for place, document in enumerate(corpus.labels) if places[document] != place)
        raise UsageError(
            f"{name} {split}: the id '{twice}' occurs more than once in the corpus. Give each text an id of its own."
        )
    relevant: dict[str, set[int]] = {}
    for document, query in zip(queries.labels, queries.texts, strict=True):
        if document not in places:
            raise UsageError(
                f"{name} {split}: the query '{query}' has the relevant id '{document}', and the corpus has no such id. "
                "Add the text to the corpus, or take the row out."
            )
        relevant.setdefault(query, set()).add(places[document])
    return Retrieval(name, split, list(relevant), corpus.texts, list(relevant.values()), labels=labels)
