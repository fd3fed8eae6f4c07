from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from juyi.data import ScoredPairs
from juyi.errors import UsageError
from juyi.evaluation import Fitting, evaluate_suite, on_target, on_texts
from juyi.evaluation.fitting import Map
from juyi.postprocessing import fit_whitening
from juyi.tasks import STS, EncodeOnce, Task
from juyi.types import Embeddings


def encode(texts: Sequence[str]) -> Embeddings:
    """A fixed random vector for each text, with directions of very different size."""
    rows = [np.random.default_rng(list(text.encode())).normal(size=4) * [1, 2, 4, 8] + 1 for text in texts]
    return np.stack(rows).astype(np.float32)


def task_of(name: str, split: str, letters: str) -> STS:
    rng = np.random.default_rng(list(f"{name}{split}".encode()))
    first, second = ([f"{letters[i % len(letters)]}{rng.integers(15)}" for i in range(40)] for _ in range(2))
    return STS(name, split, ScoredPairs(first, second, rng.integers(0, 6, 40).astype(np.float64)), labels=("translated",))


TASKS = [task_of("A", "dev", "甲"), task_of("A", "test", "乙"), task_of("B", "test", "丙")]


class Counting:
    """Fits a whitening and notes the rows that it was fitted on."""

    def __init__(self) -> None:
        self.rows: list[Embeddings] = []

    def __call__(self, rows: Embeddings) -> Map:
        self.rows.append(rows)
        return fit_whitening(rows)


def sentences_of(*tasks: Task) -> list[str]:
    return list(dict.fromkeys(text for task in tasks for text in task.texts()))


def test_on_target_fits_each_split_on_its_own_texts_whatever_else_is_measured() -> None:
    fit = Counting()
    result = evaluate_suite(TASKS, encode, fitting=Fitting(fit, on_target))
    for rows, task in zip(fit.rows, TASKS, strict=True):
        np.testing.assert_array_equal(rows, encode(sentences_of(task)))
    assert [score.labels for score in result.scores] == [("translated", "transductive")] * 3
    for task in TASKS:
        alone = evaluate_suite([task], encode, fitting=Fitting(fit_whitening, on_target))
        assert result.value(task.name, task.split) == alone.value(task.name, task.split)
        # The same with a whitening by hand.
        vectors = encode(sentences_of(task)).astype(np.float64)
        values, directions = np.linalg.eigh(np.cov(vectors.T))
        whiten = (directions / np.sqrt(values)).astype(np.float32)
        mean = vectors.mean(axis=0).astype(np.float32)
        (score,) = task.evaluate(lambda texts, mean=mean, whiten=whiten: (encode(texts) - mean) @ whiten)  # type: ignore[misc]
        assert result.value(task.name, task.split) == pytest.approx(score.value, abs=1e-3)


def test_on_texts_fits_once_and_is_transductive_only_where_sentences_are_shared() -> None:
    corpus = [*(f"丁{i}" for i in range(30)), TASKS[2].pairs.first[0], "丁0"]
    fit = Counting()
    fitting = Fitting(fit, on_texts(corpus, "corpus.txt"))
    result = evaluate_suite(TASKS, encode, fitting=fitting)
    assert [score.labels for score in result.scores] == [("translated",), ("translated",), ("translated", "transductive")]
    (rows,) = fit.rows
    np.testing.assert_array_equal(rows, encode(corpus[:-1]))  # a repeat counts once


def test_the_texts_decide_which_map_is_taken() -> None:
    fitting = Fitting(lambda rows: lambda vectors: vectors * len(rows), on_target)
    once = EncodeOnce(encode)
    for task in TASKS:
        np.testing.assert_allclose(fitting.encode(task, once)(["甲1"]), encode(["甲1"]) * len(sentences_of(task)))


@pytest.mark.parametrize("written", ["甲 3？", "甲３", "甲3!"])
def test_texts_that_differ_in_width_or_punctuation_alone_are_transductive(written: str) -> None:
    assert "甲3" in TASKS[0].texts()
    assert on_texts([written], "corpus.txt")(TASKS[0]).label == "transductive"
    assert on_texts([written], "corpus.txt")(TASKS[1]).label == ""


def test_a_label_is_not_given_twice() -> None:
    labelled = task_of("A", "dev", "甲")
    result = evaluate_suite([labelled], encode, fitting=Fitting(Counting(), on_target), labels=lambda _: ("translated",))
    assert result.scores[0].labels == ("translated", "transductive")


def test_sentences_that_cannot_be_fitted_on_are_a_problem_of_their_task() -> None:
    result = evaluate_suite(TASKS, encode, fitting=Fitting(fit_whitening, on_texts(["丁1"], "corpus.txt")))
    assert result.scores == ()
    assert len(result.problems) == 3
    with pytest.raises(UsageError):
        fit_whitening(encode(["丁1"]))
