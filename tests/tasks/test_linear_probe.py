from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize

from juyi.errors import UsageError

pytest.importorskip("sklearn")

from juyi.tasks.linear_probe import (
    GRID,
    GRID_BY_FOLDS,
    SEED,
    Data,
    fitted,
    nested_cross_validation,
    search_by_folds,
    search_on_dev,
    stratified_folds,
)

Weights = tuple[NDArray[np.float64], NDArray[np.float64]]


def example(count: int, classes: int = 2, dim: int = 3, seed: int = 0) -> Data:
    """Classes that overlap, so that C matters."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    centres = np.random.default_rng(99).normal(size=(classes, dim))
    features = centres[labels] + rng.normal(scale=1.3, size=(count, dim))
    return Data(features.astype(np.float32), np.array([f"class {label}" for label in labels]))


def independent_fit(data: Data, c: float) -> Weights:
    """The penalised likelihood, written out with one weight vector a class, and minimised by scipy.

    With two classes scikit-learn has one weight vector w, and the penalty ||w||²; two of them, w/2 and -w/2, pay half of it.
    """
    classes, codes = np.unique(data.labels, return_inverse=True)
    x, k = data.features.astype(np.float64), len(classes)
    factor = 2.0 if k == 2 else 1.0

    def loss(flat: NDArray[np.float64]) -> float:
        weights, intercepts = flat[:-k].reshape(k, -1), flat[-k:]
        outputs = x @ weights.T + intercepts
        likelihood = sum(
            np.log(np.exp(row - row.max()).sum()) + row.max() - row[code] for row, code in zip(outputs, codes, strict=True)
        )
        return float(likelihood + factor * (weights**2).sum() / (2 * c))

    found = minimize(loss, np.zeros(k * (x.shape[1] + 1)), method="BFGS", options={"gtol": 1e-6})
    return found.x[:-k].reshape(k, -1), found.x[-k:]


def independent_predictions(data: Data, c: float, features: NDArray[np.floating]) -> NDArray[Any]:
    weights, intercepts = independent_fit(data, c)
    return np.unique(data.labels)[(features @ weights.T + intercepts).argmax(axis=1)]


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("c", [GRID[0], GRID_BY_FOLDS[-1]])
def test_the_classifier_minimises_the_penalised_likelihood(classes: int, c: float) -> None:
    data, others = example(60, classes), example(40, classes, seed=5).features
    weights, intercepts = independent_fit(data, c)
    outputs = others @ weights.T + intercepts
    chances = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    chances /= chances.sum(axis=1, keepdims=True)
    probe = fitted(data, c)
    np.testing.assert_allclose(probe.model.predict_proba(others - probe.mean), chances, atol=1e-4)
    assert probe.predict(others).tolist() == np.unique(data.labels)[chances.argmax(axis=1)].tolist()


def test_an_offset_of_all_vectors_changes_nothing() -> None:
    data, others = example(60), example(40, seed=5).features
    moved = Data(data.features + np.float32(100), data.labels)
    assert fitted(moved, 1.0).predict(others + np.float32(100)).tolist() == fitted(data, 1.0).predict(others).tolist()


def independent_choice(parts: list[tuple[Data, Data]], grid: tuple[float, ...]) -> float:
    means = []
    for c in grid:
        right = [np.mean(independent_predictions(train, c, test.features) == test.labels) for train, test in parts]
        means.append(round(float(np.mean(right)), 4))
    return grid[means.index(max(means))]


def test_nested_cross_validation_equals_the_slow_loop() -> None:
    data, folds = example(48), 3
    wanted, chosen = np.empty_like(data.labels), []
    for train, test in stratified_folds(data.labels, folds):
        inside = data[train]
        c = independent_choice([(inside[a], inside[b]) for a, b in stratified_folds(inside.labels, folds)], GRID)
        chosen.append(c)
        wanted[test] = independent_predictions(inside, c, data.features[test])
    got = nested_cross_validation(data, folds=folds, jobs=1)
    assert got.chosen == tuple(chosen)
    assert got.labels.tolist() == wanted.tolist()
    assert np.mean(got.labels == data.labels) > 0.6, "the example cannot be learned"


def test_search_by_folds_equals_the_slow_loop() -> None:
    train, test = example(45, classes=3), example(30, classes=3, seed=1)
    c = independent_choice([(train[a], train[b]) for a, b in stratified_folds(train.labels, 3)], GRID_BY_FOLDS)
    got = search_by_folds(train, test.features, folds=3, jobs=1)
    assert got.chosen == (c,)
    assert got.labels.tolist() == independent_predictions(train, c, test.features).tolist()


def test_search_on_dev_equals_the_slow_loop() -> None:
    train, development, test = (example(40, seed=seed) for seed in (1, 2, 3))
    c = independent_choice([(train, development)], GRID)
    got = search_on_dev(train, development, test.features)
    assert got.chosen == (c,)
    assert got.labels.tolist() == independent_predictions(train, c, test.features).tolist()


def test_the_folds_are_those_of_sentevals_seed() -> None:
    from sklearn.model_selection import StratifiedKFold

    labels = np.array(["a"] * 30 + ["b"] * 20)
    wanted = StratifiedKFold(n_splits=10, shuffle=True, random_state=SEED).split(np.zeros(50), labels)
    for ours, theirs in zip(stratified_folds(labels), wanted, strict=True):
        assert [part.tolist() for part in ours] == [part.tolist() for part in theirs]
    assert SEED == 1111


def test_more_processes_give_the_same_predictions_and_every_fold_is_told() -> None:
    data, told = example(60, dim=4), []
    one = nested_cross_validation(data, folds=3, jobs=1, progress=lambda *step: told.append(step))
    two = nested_cross_validation(data, folds=3, jobs=2)
    assert one.labels.tolist() == two.labels.tolist()
    assert one.chosen == two.chosen
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_what_cannot_be_learned_is_refused_in_words() -> None:
    few = Data(np.zeros((12, 2), dtype=np.float32), np.array(["a"] * 10 + ["b"] * 2))
    with pytest.raises(UsageError, match="The label 'b' has 2 examples; 10 are needed"):
        stratified_folds(few.labels)
    with pytest.raises(UsageError, match="3 labels, 1 of them different, for 3 rows"):
        Data(np.zeros((3, 2), dtype=np.float32), np.array(["a", "a", "a"]))
    with pytest.raises(UsageError, match="1 labels"):
        Data(np.zeros((3, 2), dtype=np.float32), np.array(["a"]))
    with pytest.raises(UsageError, match="features has 1 values that are NaN"):
        Data(np.array([[0.0, np.nan], [1, 2]], dtype=np.float32), np.array(["a", "b"]))


def test_no_solution_is_an_error_and_no_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    monkeypatch.setattr(LogisticRegression, "fit", lambda self, x, y: warnings.warn("too far", ConvergenceWarning, stacklevel=1))
    with pytest.raises(UsageError, match=r"on 20 vectors did not converge \(too far\)"):
        fitted(example(20), 1.0)
