from __future__ import annotations

from collections.abc import Callable
from math import log2
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from juyi.errors import UsageError
from juyi.metrics.ranking import first_place, ndcg, recall, reciprocal_rank, relevance

Example = tuple[NDArray[np.int64], list[set[int]]]


def example(queries: int = 60, documents: int = 30, k: int = 12, seed: int = 0) -> Example:
    """Hits and relevant documents; some queries have fewer hits than columns."""
    rng = np.random.default_rng(seed)
    ids = np.stack([rng.permutation(documents)[:k] for _ in range(queries)]).astype(np.int64)
    for row in ids[::5]:
        row[rng.integers(0, k) :] = -1
    relevant = [
        set(rng.choice(documents, rng.integers(1, 20 if query % 7 == 0 else 5), replace=False).tolist())
        for query in range(queries)
    ]
    return ids, relevant


def judged(seed: int = 0) -> tuple[NDArray[np.bool_], list[int]]:
    ids, relevant = example(seed=seed)
    return relevance(ids, relevant), [len(wanted) for wanted in relevant]


def test_relevance_equals_the_loop() -> None:
    ids, relevant = example()
    relevant[0].add(-1)  # no document, but the id that fills a row
    for given in (relevant, [list(wanted) for wanted in relevant], [np.array(sorted(wanted)) for wanted in relevant]):
        found = relevance(ids, given)
        assert found.dtype == np.bool_
        assert found.tolist() == [
            [hit != -1 and hit in wanted for hit in row] for row, wanted in zip(ids.tolist(), relevant, strict=True)
        ]
    assert (ids[0] == -1).any()
    assert not found[ids == -1].any()


@pytest.mark.parametrize("k", [1, 3, 5, 10, 12])
@pytest.mark.parametrize("seed", range(3))
def test_figures_equal_trec_eval(k: int, seed: int) -> None:
    oracle = pytest.importorskip("pytrec_eval")
    ids, relevant = example(seed=seed)
    found, totals = judged(seed)
    judgements = {f"{query}": {f"{document}": 1 for document in wanted} for query, wanted in enumerate(relevant)}
    run = {
        f"{query}": {f"{hit}": -float(place) for place, hit in enumerate(row[:k]) if hit >= 0}
        for query, row in enumerate(ids.tolist())
    }
    figures = oracle.RelevanceEvaluator(judgements, {f"ndcg_cut.{k}", f"recall.{k}", "recip_rank"}).evaluate(run)
    # trec_eval leaves out a query without hits; its figures are 0.
    for name, got in (
        (f"ndcg_cut_{k}", ndcg(found, totals, k)),
        (f"recall_{k}", recall(found, totals, k)),
        ("recip_rank", reciprocal_rank(found, k)),
    ):
        wanted = [figures.get(f"{query}", {}).get(name, 0.0) for query in range(len(ids))]
        np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("k", [1, 4, 12])
def test_figures_equal_the_slow_loop(k: int) -> None:
    found, totals = judged()
    for place, (row, total) in enumerate(zip(found.tolist(), totals, strict=True)):
        ranks = [rank for rank, hit in enumerate(row, start=1) if hit]
        within = [rank for rank in ranks if rank <= k]
        assert first_place(found)[place] == (ranks[0] - 1 if ranks else -1)
        assert reciprocal_rank(found, k)[place] == (1 / within[0] if within else 0)
        assert recall(found, totals, k)[place] == len(within) / total
        ideal = sum(1 / log2(rank + 1) for rank in range(1, min(total, k) + 1))
        assert ndcg(found, totals, k)[place] == pytest.approx(sum(1 / log2(rank + 1) for rank in within) / ideal, abs=1e-12)


def test_an_ideal_order_is_exactly_one() -> None:
    for k in range(1, 40):
        assert ndcg(np.ones((1, 40), dtype=np.bool_), [40], k).tolist() == [1.0]
        assert ndcg(np.arange(40)[None] < k, [k], 40).tolist() == [1.0]


def test_ten_ranks_count_unless_another_number_is_asked_for() -> None:
    found = np.zeros((2, 11), dtype=np.bool_)
    found[0, 9] = found[1, 10] = True
    assert reciprocal_rank(found).tolist() == [0.1, 0.0]


def test_no_queries_have_no_figures() -> None:
    found = relevance(np.empty((0, 5), dtype=np.int64), [])
    assert found.shape == (0, 5)
    for figures in (first_place(found), reciprocal_rank(found, 5), recall(found, [], 5), ndcg(found, [], 5)):
        assert figures.shape == (0,)


CUT: list[Callable[[Any, int], Any]] = [
    reciprocal_rank,
    lambda found, k: recall(found, [1] * len(found), k),
    lambda found, k: ndcg(found, [1] * len(found), k),
]


@pytest.mark.parametrize("figure", CUT)
def test_a_metric_needs_as_many_hits_as_it_counts(figure: Callable[[Any, int], Any]) -> None:
    found = np.eye(3, 5, dtype=np.bool_)
    for k in (0, 6):
        with pytest.raises(UsageError, match=rf"k is {k}, and found has 5 columns.*larger k"):
            figure(found, k)
    with pytest.raises(UsageError, match="truth values"):
        figure(np.arange(15).reshape(3, 5), 5)
    with pytest.raises(UsageError, match=r"shape \(5,\)"):
        figure(found[0], 5)


@pytest.mark.parametrize("figure", [recall, ndcg])
@pytest.mark.parametrize(
    ("totals", "words"),
    [
        ([1, 0, 1], "Query 1 has 0 relevant documents.*1 relevant hits.*at least 1"),
        ([2, 2, 1], "Query 2 has 1 relevant documents by totals, and 2 relevant hits"),
        ([1, 1], r"shape \(2,\); 3 whole numbers"),
        ([1.0, 1.0, 2.0], "type float64"),
    ],
)
def test_totals_that_cannot_be_are_refused(figure: Callable[..., Any], totals: list[Any], words: str) -> None:
    found = np.array([[True, False], [False, True], [True, True]])
    with pytest.raises(UsageError, match=words):
        figure(found, totals, 1)


def test_hits_and_judgements_belong_together() -> None:
    with pytest.raises(UsageError, match=r"shape \(2, 3\) for 1 queries; \(1, k\)"):
        relevance(np.zeros((2, 3), dtype=np.int64), [{1}])
    with pytest.raises(UsageError, match=r"shape \(3,\)"):
        relevance(np.zeros(3, dtype=np.int64), [{1}] * 3)
    with pytest.raises(UsageError, match=r"found is of the type bool with the shape \(3,\)"):
        first_place(np.zeros(3, dtype=np.bool_))
