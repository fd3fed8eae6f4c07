from __future__ import annotations

from collections.abc import Callable, Sequence
from math import log2
from pathlib import Path

import numpy as np
import pytest

from juyi.data import LabelledTexts, read_labelled_texts
from juyi.errors import UsageError
from juyi.metrics import Bootstrap, Units, resample_counts
from juyi.tasks import Task
from juyi.tasks.retrieval import Retrieval, retrieval_from_corpus, retrieval_from_groups
from juyi.types import Embeddings

Percentiles = Callable[[Sequence[float], float, float], list[float]]


def encode(texts: Sequence[str]) -> Embeddings:
    """A fixed random direction for each text."""
    return np.stack([np.random.default_rng(list(text.encode())).normal(size=4) for text in texts]).astype(np.float32)


def example() -> Retrieval:
    rng = np.random.default_rng(0)
    corpus = [f"文{i}" for i in range(25)]
    queries = [f"问{i}" for i in range(40)]
    relevant = [
        {5 * (query // 8) + place for place in rng.choice(5, rng.integers(1, 4), replace=False).tolist()} for query in range(40)
    ]
    return Retrieval("FAQ", "test", queries, corpus, relevant, labels=("translated",), bootstrap=Bootstrap(0.9, 50, 3))


def slow_figures(task: Retrieval) -> dict[str, list[float]]:
    """Each figure of each query, from the full ranking."""
    figures: dict[str, list[float]] = {name: [] for name in ("mrr@10", "recall@1", "recall@5", "recall@10", "ndcg@10")}
    corpus = encode(task.corpus).astype(np.float64)
    for query, relevant in zip(task.queries, task.relevant, strict=True):
        vector = encode([query])[0].astype(np.float64)
        order = sorted(range(len(corpus)), key=lambda place: -float(corpus[place] @ vector / np.linalg.norm(corpus[place])))
        ranks = [rank for rank, place in enumerate(order, start=1) if place in relevant]
        figures["mrr@10"].append(1 / ranks[0] if ranks[0] <= 10 else 0)
        for k in (1, 5, 10):
            figures[f"recall@{k}"].append(sum(rank <= k for rank in ranks) / len(relevant))
        gain = sum(1 / log2(rank + 1) for rank in ranks if rank <= 10)
        figures["ndcg@10"].append(gain / sum(1 / log2(rank + 1) for rank in range(1, len(relevant) + 1)))
    return figures


def test_figures_and_intervals_equal_the_slow_loop(percentiles: Percentiles) -> None:
    task = example()
    wanted = slow_figures(task)
    scores = task.evaluate(encode)
    units = task.units.count
    assert 5 <= units < 15
    assert [score.metric for score in scores] == list(wanted)
    for score in scores:
        values = np.array(wanted[score.metric])
        assert score.value == pytest.approx(100 * values.mean(), abs=1e-9)
        assert (score.task, score.split, score.count, score.labels) == ("FAQ", "test", 40, ("translated",))
        stream = resample_counts(Units.single(units), seed=3, stream="FAQ test")
        drawn = []
        for _ in range(50):
            counts = next(stream)
            drawn.append(100 * np.mean([v for v, unit in zip(values, task.units.of, strict=True) for _ in range(counts[unit])]))
        assert score.units == units and score.interval is not None
        ends = (score.interval.low, score.interval.high)
        np.testing.assert_allclose(ends, percentiles(drawn, 0.9, task.units.effective()))


def test_it_is_a_task_that_asks_for_its_texts() -> None:
    task = example()
    assert isinstance(task, Task)
    assert (len(task), str(task)) == (40, "FAQ test")
    asked: list[str] = []

    def recording(texts: Sequence[str]) -> Embeddings:
        asked.extend(texts)
        return encode(texts)

    task.measure(recording)
    assert sorted(asked) == sorted(task.texts())
    assert {*task.queries, *task.corpus} == set(asked)


def test_a_corpus_smaller_than_ten_is_searched_whole() -> None:
    scores = Retrieval("x", "test", ["甲", "乙"], ["丙", "丁"], [[0], [0, 1]]).evaluate(encode)
    assert [score.value for score in scores if score.metric in ("recall@5", "recall@10")] == [100, 100]


def test_a_place_that_is_named_twice_is_one_relevant_text() -> None:
    (once,), (twice,) = (
        [
            score.value
            for score in Retrieval("x", "test", ["甲"], ["乙", "丙"], [places]).evaluate(encode)
            if score.metric == "ndcg@10"
        ]
        for places in ([1], [1, 1])
    )
    assert once == twice


def test_the_first_question_of_a_group_is_its_corpus_entry() -> None:
    groups = LabelledTexts(["b", "a", "b", "c", "a", "b"], ["乙一", "甲一", "乙二", "丙一", "甲二", "乙三"])
    task = retrieval_from_groups("FAQ", "dev", groups, labels=("transductive",))
    assert list(task.corpus) == ["乙一", "甲一", "丙一"]
    assert list(task.queries) == ["乙二", "甲二", "乙三"]
    assert [list(places) for places in task.relevant] == [[0], [1], [0]]
    assert (task.name, task.split, task.labels) == ("FAQ", "dev", ("transductive",))


def test_a_query_may_have_several_relevant_ids() -> None:
    corpus = LabelledTexts(["7", "3", "5"], ["七", "三", "五"])
    queries = LabelledTexts(["3", "7", "5", "3"], ["问一", "问二", "问一", "问一"])
    task = retrieval_from_corpus("FAQ", "dev", corpus, queries, labels=("transductive",))
    assert list(task.corpus) == ["七", "三", "五"]
    assert list(task.queries) == ["问一", "问二"]
    assert [sorted(places) for places in task.relevant] == [[1, 2], [0]]
    assert task.labels == ("transductive",)


def test_ids_that_do_not_fit_are_named() -> None:
    corpus = LabelledTexts(["7", "3"], ["七", "三"])
    with pytest.raises(UsageError, match="FAQ dev: the query '问' has the relevant id '4', and the corpus has no such id"):
        retrieval_from_corpus("FAQ", "dev", corpus, LabelledTexts(["4"], ["问"]))
    with pytest.raises(UsageError, match="the id '7' occurs more than once"):
        retrieval_from_corpus("FAQ", "dev", LabelledTexts(["3", "7", "7"], ["一", "二", "三"]), LabelledTexts(["3"], ["问"]))
    with pytest.raises(UsageError, match="none of the 2 groups has a second question"):
        retrieval_from_groups("FAQ", "dev", corpus)


@pytest.mark.parametrize(
    ("queries", "relevant", "words"),
    [
        ([], [], "0 queries"),
        (["问"], [], "1 queries and 0 sets"),
        (["问"], [[]], "no text of the corpus is relevant to the query '问'"),
        (["问", "答"], [[0], [1, 2]], r"the query '答' has the relevant places \[1, 2\]; the corpus has 2"),
        (["问"], [[-1]], r"places \[-1\]"),
    ],
)
def test_problems_without_an_answer_are_refused(queries: list[str], relevant: list[list[int]], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Retrieval("FAQ", "dev", queries, ["甲", "乙"], relevant)


def test_queries_are_one_unit_where_they_share_a_relevant_text_or_are_the_same() -> None:
    corpus = ["甲", "乙", "丙", "丁", "甲！", "戊", "己", "问七"]
    queries = ["问一", "问二", "问三", "问四", "问 一", "问五", "问六", "问七"]
    relevant = [[0], [0, 1], [2], [4], [3], [3], [5, 7], [6]]
    # 问一 and 问二 share 甲; 问四 has the same text under another id; 问 一 is 问一, and shares 丁 with 问五.
    # What 问六 should find is what 问七 asks.
    assert Retrieval("x", "test", queries, corpus, relevant).units.of.tolist() == [0, 0, 1, 0, 0, 0, 2, 2]


def test_groups_of_questions_are_the_units() -> None:
    groups = LabelledTexts(["b", "a", "b", "c", "a", "b"], ["乙一", "甲一", "乙二", "丙一", "甲二", "乙三"])
    task = retrieval_from_groups("FAQ", "dev", groups)
    assert (task.units.of.tolist(), task.units.count) == ([0, 1, 0], 2)


@pytest.mark.shared
def test_groups_of_the_real_sets(shared_data: Path) -> None:
    task = retrieval_from_groups("BQ groups", "test", read_labelled_texts(shared_data / "faq" / "groups_bq.tsv"))
    assert (len(task.corpus), len(task)) == (1842, 7193 - 1842)
    assert task.units.count == 1842
