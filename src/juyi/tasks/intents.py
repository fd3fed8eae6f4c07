"""Intents: is the right one among those of the nearest training queries?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from juyi.data import LabelledTexts
from juyi.errors import UsageError
from juyi.metrics import Units, mean_statistic
from juyi.prompts import SidedTexts
from juyi.tasks.bootstrapped_score import BootstrappedScore
from juyi.tasks.encode_once import encoded_once
from juyi.tasks.similarity import EncodeOrSimilarity, Similarity, similarity_of
from juyi.tasks.task import Task

_MOST = 10  # the intents that any of the metrics looks at
_HITS = 50  # asked for at first; a query that they do not settle asks for four times as many
_RECALLS = (3, 5, 10)


@dataclass(frozen=True, eq=False)
class IntentRecall(Task):
    """The share of test queries, times 100, whose intent is among the k nearest; an intent is as near as its nearest example.

    Recall@k says how many intents a model that comes after has to choose among: the purpose of pre-selecting intents. With k
    intents or fewer, recall@k is 100 for every encoder. Of equally near examples the one that stands first counts.

    Attributes:
        train: Examples of each intent.
        test: Queries with their intents.

    Raises:
        UsageError: There are no queries, or the examples lack an intent of the queries.
    """

    train: LabelledTexts = field(repr=False)
    test: LabelledTexts = field(repr=False)

    def __post_init__(self) -> None:
        if not self.test.texts:
            raise UsageError(f"{self} has no test queries. Give it at least one.")
        check_intents(str(self), self.train, self.test)

    def __len__(self) -> int:
        return len(self.test)

    @cached_property
    def units(self) -> Units:
        """The queries of an intent are one unit.

        They are found by the same few examples, and right or wrong together where an encoder takes two intents for one. What is
        measured is meant to hold for other intents of the kind; for these very intents and further queries the interval is wide.
        """
        return Units.grouped(self.test.labels)

    def texts(self) -> Sequence[str]:
        """The examples and the queries."""
        return [*self.train.texts, *self.test.texts]

    def sides(self) -> SidedTexts:
        """The queries, and the examples that are searched."""
        return SidedTexts(queries=self.test.texts, corpus=self.train.texts)

    def measure(self, encoder: EncodeOrSimilarity) -> Sequence[BootstrappedScore]:
        """`accuracy`, that is recall@1, and `recall@3`, `recall@5`, `recall@10`.

        Raises:
            UsageError: The encoder gives no usable embeddings.
        """
        similarity = similarity_of(encoder if isinstance(encoder, Similarity) else encoded_once(encoder))
        ranks = intent_ranks(similarity, self.train, self.test)
        cuts = {"accuracy": 1} | {f"recall@{k}": k for k in _RECALLS}
        return [self.bootstrapped(metric, mean_statistic(ranks < k), self.units) for metric, k in cuts.items()]


def check_intents(name: str, train: LabelledTexts, queries: LabelledTexts) -> None:
    """Refuse queries of an intent that has no example.

    Raises:
        UsageError: There is one.
    """
    if missing := sorted(set(queries.labels) - set(train.labels)):
        raise UsageError(
            f"{name}: the training queries lack {len(missing)} intents of the other queries, '{missing[0]}' for example. "
            "No encoder could find them: add examples, or take these queries out."
        )


def intent_ranks(
    similarity: Similarity, train: LabelledTexts, test: LabelledTexts, most: int = _MOST, asked: int = _HITS
) -> NDArray[np.int64]:
    """How many intents are nearer to each test query than its own; `most` where there are as many or more.

    Args:
        similarity: Compares queries with examples.
        train: The examples.
        test: The queries.
        most: No more intents are looked at.
        asked: How many hits are asked for at first; it changes no rank.

    Shapes:
        returns: (test queries,)
    """
    ranks = np.full(len(test), most)
    pending = list(range(len(test)))
    k = asked
    while pending:
        hits = similarity.nearest([test.texts[query] for query in pending], train.texts, min(k, len(train)))
        unsettled = []
        for query, row in zip(pending, hits.ids.tolist(), strict=True):
            nearest = list(dict.fromkeys(train.labels[example] for example in row))[:most]
            if test.labels[query] in nearest:
                ranks[query] = nearest.index(test.labels[query])
            elif len(nearest) < most:
                unsettled.append(query)
        # The hits of one or two large intents say nothing of the others: only more hits do.
        pending = unsettled if k < len(train) else []
        k *= 4
    return ranks
