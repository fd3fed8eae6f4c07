from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize

from juyi.data import LabelledTexts, read_transfer_set
from juyi.errors import MissingExtraError, UsageError
from juyi.tasks import logistic
from juyi.tasks.logistic import (
    GRID,
    GRID_BY_FOLDS,
    LogisticRegressions,
    decisions,
    nested_cross_validation,
    search_by_folds,
    search_on_dev,
    stratified_folds,
)

Vectors = NDArray[np.float64]
Labels = NDArray[Any]


def examples(n: int = 90, dim: int = 4, classes: int = 2, seed: int = 0) -> tuple[Vectors, Labels]:
    """Overlapping clouds of unequal size, far from the origin, one feature far longer than the others."""
    rng = np.random.default_rng(seed)
    kinds = np.minimum(rng.integers(0, classes + 1, n), classes - 1)
    centres = np.random.default_rng(99).normal(size=(classes, dim))
    vectors = (rng.normal(size=(n, dim)) + centres[kinds]) * np.append(np.ones(dim - 1), 20) + 3
    return vectors, np.array([f"类{kind}" for kind in kinds])


def slow_fit(vectors: Vectors, labels: Labels, c: float) -> Callable[[Vectors], Vectors]:
    """The decisions of a logistic regression, from the penalised likelihood as it is written in textbooks."""
    classes = np.unique(labels)
    signs = np.where(labels == classes[-1], 1.0, -1.0)
    ones = (labels[:, None] == classes).astype(float)
    dim = vectors.shape[1]

    def two(flat: Vectors) -> tuple[float, Vectors]:
        weights, intercept = flat[:dim], flat[dim]
        margins = signs * (vectors @ weights + intercept)
        wrong = -signs / (1 + np.exp(margins))
        loss = np.log1p(np.exp(-margins)).sum() + weights @ weights / (2 * c)
        return float(loss), np.append(vectors.T @ wrong + weights / c, wrong.sum())

    def several(flat: Vectors) -> tuple[float, Vectors]:
        weights, intercepts = flat[: -len(classes)].reshape(dim, -1), flat[-len(classes) :]
        outputs = vectors @ weights + intercepts
        shares = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        loss = -np.log((shares * ones).sum(axis=1)).sum() + (weights**2).sum() / (2 * c)
        return float(loss), np.append((vectors.T @ (shares - ones) + weights / c).ravel(), (shares - ones).sum(axis=0))

    outputs = 1 if len(classes) == 2 else len(classes)
    options = {"gtol": 1e-7, "maxiter": 5000}
    found = minimize(two if outputs == 1 else several, np.zeros((dim + 1) * outputs), jac=True, method="BFGS", options=options)
    weights, intercepts = found.x[:-outputs].reshape(dim, outputs), found.x[-outputs:]
    return lambda others: others @ weights + intercepts


def slow_predictions(train: tuple[Vectors, Labels], others: Vectors, c: float) -> Labels:
    outputs, classes = slow_fit(*train, c)(others), np.unique(train[1])
    return classes[(outputs[:, 0] > 0).astype(int) if len(classes) == 2 else outputs.argmax(axis=1)]


def slow_best(vectors: Vectors, labels: Labels, folds: int, grid: tuple[float, ...]) -> float:
    """The C with the best mean accuracy over the folds; the first of equal ones."""
    means = []
    for c in grid:
        rights = []
        for train, test in splits(labels, folds):
            rights.append(np.mean(slow_predictions((vectors[train], labels[train]), vectors[test], c) == labels[test]))
        means.append(round(100 * float(np.mean(rights)), 2))
    return grid[means.index(max(means))]


def splits(labels: Labels, folds: int, seed: int = 1111) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    selection = pytest.importorskip("sklearn.model_selection")
    return list(selection.StratifiedKFold(n_splits=folds, shuffle=True, random_state=seed).split(labels, labels))


def test_the_grids_are_those_of_senteval() -> None:
    assert GRID == (0.25, 0.5, 1, 2, 4, 8)
    assert GRID_BY_FOLDS == (0.5, 1, 2, 4, 8, 16, 32)


@pytest.mark.parametrize("classes", [2, 3, 6])
def test_solutions_minimise_the_penalised_likelihood(classes: int) -> None:
    vectors, labels = examples(classes=classes)
    others = examples(seed=1)[0]
    places = np.arange(5, 85)
    regressions = LogisticRegressions(vectors, labels, (0.01, 1.0, 50.0))
    for weights, part in ((regressions.whole, slice(None)), (regressions.fit(places), places)):
        outputs = decisions(weights, regressions.turned(others))
        predictions = regressions.predict(weights, regressions.turned(others))
        for place, c in enumerate((0.01, 1.0, 50.0)):
            wanted = slow_fit(vectors[part], labels[part], c)(others)
            # Of a softmax only the differences are determined: the same intercept may be added to every class.
            got = outputs[:, place] - (outputs[:, place] - wanted).mean(axis=1, keepdims=True) * (classes > 2)
            np.testing.assert_allclose(got, wanted, atol=2e-4)
            np.testing.assert_array_equal(predictions[:, place], slow_predictions((vectors[part], labels[part]), others, c))


@pytest.mark.parametrize(("n", "dim", "classes"), [(300, 20, 2), (40, 60, 2), (200, 20, 4)])
def test_solutions_equal_those_of_sklearn(n: int, dim: int, classes: int) -> None:
    linear = pytest.importorskip("sklearn.linear_model")
    vectors, labels = examples(n, dim, classes)
    regressions = LogisticRegressions(vectors.astype(np.float32), labels)
    outputs = decisions(regressions.whole, regressions.turned(vectors))
    for place, c in enumerate(GRID):
        oracle = linear.LogisticRegression(C=c, solver="newton-cg", tol=1e-9, max_iter=1000)
        oracle.fit(vectors.astype(np.float32).astype(np.float64), labels)
        wanted = oracle.decision_function(vectors).reshape(n, -1)
        got = outputs[:, place] - outputs[:, place].mean(axis=1, keepdims=True) * (classes > 2)
        np.testing.assert_allclose(got, wanted - wanted.mean(axis=1, keepdims=True) * (classes > 2), atol=2e-4)


@pytest.mark.parametrize(("classes", "seed"), [(2, 0), (2, 3), (3, 0)])
def test_nested_cross_validation_equals_the_loop(classes: int, seed: int) -> None:
    vectors, labels = examples(classes=classes, seed=seed)
    grid = (0.001, 0.1, 10.0)
    found = nested_cross_validation(vectors, labels, folds=3, grid=grid)
    for fold, (train, test) in enumerate(splits(labels, 3)):
        best = slow_best(vectors[train], labels[train], 3, grid)
        assert found.chosen[fold] == best
        np.testing.assert_array_equal(found.folds[test], fold)
        np.testing.assert_array_equal(
            found.predictions[test], slow_predictions((vectors[train], labels[train]), vectors[test], best)
        )
    assert len(set(found.chosen)) > 1 or seed


@pytest.mark.parametrize(("classes", "seed"), [(2, 0), (2, 5), (3, 0)])
def test_searches_for_a_test_set_equal_the_loop(classes: int, seed: int) -> None:
    vectors, labels = examples(classes=classes, seed=seed)
    others, gold = examples(40, classes=classes, seed=seed + 1)
    tested = examples(50, classes=classes, seed=seed + 2)[0]
    grid = (0.0001, 0.01, 1.0)

    best = slow_best(vectors, labels, 4, grid)
    found = search_by_folds((vectors, labels), tested, folds=4, grid=grid)
    assert found.chosen == (best,)
    np.testing.assert_array_equal(found.predictions, slow_predictions((vectors, labels), tested, best))
    np.testing.assert_array_equal(found.folds, np.zeros(50))

    rights = [np.mean(slow_predictions((vectors, labels), others, c) == gold) for c in grid]
    best = grid[rights.index(max(rights))]
    found = search_on_dev((vectors, labels), (others, gold), tested, grid=grid)
    assert found.chosen == (best,)
    np.testing.assert_array_equal(found.predictions, slow_predictions((vectors, labels), tested, best))
    np.testing.assert_array_equal(found.folds, np.zeros(50))


def test_the_first_of_equally_good_strengths_is_chosen() -> None:
    vectors = np.repeat([[0.0, 1.0], [1.0, 0.0]], 20, axis=0)
    labels = np.repeat(["0", "1"], 20)
    assert nested_cross_validation(vectors, labels, folds=3, grid=(4.0, 0.5)).chosen == (4.0,) * 3
    # Compared are per cents with two decimals.
    assert logistic._first_best([np.array([0.5, 0.80001, 0.80004])]) == 1
    assert logistic._first_best([np.array([0.5, 0.80001, 0.80009])]) == 2


def test_folds_are_those_of_sklearn() -> None:
    labels = examples(classes=3)[1]
    for seed in (1111, 7):
        fold_of = stratified_folds(labels, 10, seed)
        for fold, (_, test) in enumerate(splits(labels, 10, seed)):
            np.testing.assert_array_equal(np.flatnonzero(fold_of == fold), test)


def test_jobs_change_nothing_and_each_fold_is_told() -> None:
    vectors, labels = examples(classes=3)
    told: list[tuple[int, int]] = []
    one = nested_cross_validation(vectors, labels, folds=4, jobs=1, watch=lambda done, total: told.append((done, total)))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    for jobs in (1, 2, None):
        other = nested_cross_validation(vectors, labels, folds=4, jobs=jobs)
        np.testing.assert_array_equal(other.predictions, one.predictions)
        assert other.chosen == one.chosen
    told.clear()
    search_by_folds((vectors, labels), vectors, folds=3, jobs=2, watch=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]
    with pytest.raises(UsageError, match="jobs is 0; at least 1"):
        nested_cross_validation(vectors, labels, folds=4, jobs=0)


def test_the_seed_draws_the_folds() -> None:
    vectors, labels = examples()
    first, second = (nested_cross_validation(vectors, labels, folds=3, seed=seed) for seed in (1, 2))
    assert (first.folds != second.folds).any()


def test_a_class_needs_enough_examples() -> None:
    vectors = examples(40)[0]
    for few, fits in ((6, True), (5, False), (1, False)):
        labels = np.array(["1"] * few + ["0"] * (40 - few))
        if fits:
            nested_cross_validation(vectors, labels, folds=4)
            continue
        with pytest.raises(UsageError, match=f"label '1' has {few} examples; 6 are needed .* 4 folds"):
            nested_cross_validation(vectors, labels, folds=4)
    labels = np.array(["1"] * 4 + ["0"] * 36)
    search_by_folds((vectors, labels), vectors, folds=4)
    with pytest.raises(UsageError, match="label '1' has 4 examples; 5 are needed"):
        search_by_folds((vectors, labels), vectors, folds=5)
    with pytest.raises(UsageError, match="folds is 1"):
        search_by_folds((vectors, labels), vectors, folds=1)


def test_what_cannot_be_fitted_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, labels = examples()
    broken = vectors.copy()
    broken[1, 2] = np.nan
    for run in (
        lambda x: nested_cross_validation(x, labels),
        lambda x: search_by_folds((x, labels), vectors),
        lambda x: search_by_folds((vectors, labels), x),
        lambda x: search_on_dev((x, labels), (vectors, labels), vectors),
        lambda x: search_on_dev((vectors, labels), (x, labels), vectors),
        lambda x: search_on_dev((vectors, labels), (vectors, labels), x),
    ):
        with pytest.raises(UsageError, match="features has 1 values that are NaN"):
            run(broken)
    with pytest.raises(UsageError, match="features has 3 columns and those of the training examples 4"):
        search_by_folds((vectors, labels), vectors[:, :3])
    with pytest.raises(UsageError, match="There are 89 labels of 2 classes for 90 rows"):
        LogisticRegressions(vectors, labels[1:])
    with pytest.raises(UsageError, match="There are 90 labels of 1 classes"):
        nested_cross_validation(vectors, np.zeros(90))
    with pytest.raises(UsageError, match="There are 0 labels of 0 classes"):
        nested_cross_validation(vectors[:0], labels[:0])
    with pytest.raises(UsageError, match="development set has 89 labels for 90 rows"):
        search_on_dev((vectors, labels), (vectors, labels[1:]), vectors)
    with pytest.raises(UsageError, match="development set has 0 labels for 0 rows"):
        search_on_dev((vectors, labels), (vectors[:0], labels[:0]), vectors)
    for grid in ((), (1.0, 0.0), (np.inf,), (np.nan,)):
        with pytest.raises(UsageError, match="The grid of C is"):
            LogisticRegressions(vectors, labels, grid)
    monkeypatch.setattr(logistic, "_STEPS", 1)
    with pytest.raises(UsageError, match="on 90 vectors did not converge: after 1 steps"):
        LogisticRegressions(vectors, labels)


@pytest.mark.parametrize("module", ["sklearn.model_selection", "threadpoolctl"])
def test_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=r"juyi\[evaluate\]"):
        nested_cross_validation(*examples())


@pytest.mark.shared
def test_real_sentences_choose_the_strengths_that_sklearn_chooses(shared_data: Path) -> None:
    linear = pytest.importorskip("sklearn.linear_model")
    part = read_transfer_set(shared_data / "en_transfer", "CR").splits["all"]
    assert isinstance(part, LabelledTexts)
    labels = np.array(part.labels)
    words = {word: np.random.default_rng(list(word.encode())).normal(size=24) for text in part.texts for word in text.split()}
    vectors = np.stack([np.mean([words[word] for word in text.split()], axis=0) for text in part.texts])
    grid = (0.001, 0.01, 0.1)
    found = nested_cross_validation(vectors, labels, folds=5, grid=grid)

    def fit(places: NDArray[np.int64], c: float) -> Any:
        return linear.LogisticRegression(C=c, solver="newton-cg", tol=1e-8).fit(vectors[places], labels[places])

    for fold, (train, test) in enumerate(splits(labels, 5)):
        inner = [(train[a], train[b]) for a, b in splits(labels[train], 5)]
        means = [np.mean([fit(a, c).score(vectors[b], labels[b]) for a, b in inner]) for c in grid]
        best = grid[int(np.argmax(np.round(means, 4)))]
        assert found.chosen[fold] == best
        np.testing.assert_array_equal(found.predictions[test], fit(train, best).predict(vectors[test]))
