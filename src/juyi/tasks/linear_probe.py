"""The linear probe: logistic regression on fixed vectors, its penalty chosen by validation. The three protocols of SentEval."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import LinAlgWarning

from juyi.embeddings import finite_matrix
from juyi.errors import UsageError
from juyi.extras import require
from juyi.processes import usable_cores

GRID = tuple(2.0**t for t in range(-2, 4))
"""The values of C that SentEval tries in a nested cross-validation and on a development set."""

GRID_BY_FOLDS = tuple(2.0**t for t in range(-1, 6))
"""The values of C that SentEval tries by cross-validation on the training set of a task that has a test set."""

FOLDS = 10
SEED = 1111

Progress = Callable[[int, int], None]
"""Told of each finished fold: (folds done, folds in all)."""

_Result = TypeVar("_Result")


@dataclass(frozen=True, eq=False)
class Data:
    """Vectors with a label each.

    Shapes:
        features: (n, dim)
        labels: (n,)

    Raises:
        UsageError: Not one label a row, NaN or infinity, or fewer than two different labels.
    """

    features: NDArray[np.floating]
    labels: NDArray[Any]

    def __post_init__(self) -> None:
        finite_matrix(self.features, "features")
        if len(self.features) != len(self.labels) or len(np.unique(self.labels)) < 2:
            raise UsageError(
                f"There are {len(self.labels)} labels, {len(np.unique(self.labels))} of them different, for {len(self.features)} "
                "rows of features. Give one label a row, and at least 2 different ones."
            )

    def __getitem__(self, places: NDArray[np.intp]) -> Data:
        return Data(self.features[places], self.labels[places])


@dataclass(frozen=True, eq=False)
class Predicted:
    """What was predicted for the tested examples, and the C that was chosen for each fold.

    Shapes:
        labels: (n,)
    """

    labels: NDArray[Any]
    chosen: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Probe:
    """A fitted logistic regression, on features whose mean was taken off.

    Without the mean the problem is the same, since the intercept is free, and far better conditioned.
    """

    mean: NDArray[np.float64]
    model: Any

    def predict(self, features: ArrayLike) -> NDArray[Any]:
        """The label of each row.

        Shapes:
            features: (n, dim); returns: (n,)
        """
        labels: NDArray[Any] = self.model.predict(np.asarray(features, dtype=np.float64) - self.mean)
        return labels


def fitted(data: Data, c: float) -> Probe:
    """scikit-learn's logistic regression: sum of log losses + ||w||² / 2C, the intercept without penalty.

    Two classes are solved by Newton's method, which takes four steps where a quasi-Newton method takes fifty: in float32, which
    is twice as fast and gives the same predictions, and where that does not converge in float64. More classes are solved by
    L-BFGS in float64, with a softmax.

    Raises:
        UsageError: The solution was not found.
        MissingExtraError: scikit-learn is not installed.
    """
    mean = data.features.mean(axis=0, dtype=np.float64)
    centred = data.features.astype(np.float64) - mean
    if len(np.unique(data.labels)) > 2:
        return Probe(mean, _solved(centred, data.labels, c, "lbfgs"))
    try:
        return Probe(mean, _solved(centred.astype(np.float32), data.labels, c, "newton-cholesky"))
    except UsageError:
        return Probe(mean, _solved(centred, data.labels, c, "newton-cholesky"))


def _solved(features: NDArray[np.floating], labels: NDArray[Any], c: float, solver: str) -> Any:
    linear = require("sklearn.linear_model", extra="evaluate", purpose="The transfer tasks")
    problems = (require("sklearn.exceptions", extra="evaluate", purpose="The transfer tasks").ConvergenceWarning, LinAlgWarning)
    with warnings.catch_warnings():
        for kind in problems:  # not converged, or Newton's method was left for want of a regular matrix
            warnings.simplefilter("error", kind)
        try:
            return linear.LogisticRegression(C=c, solver=solver, max_iter=10_000, tol=1e-6).fit(features, labels)
        except problems as warning:
            raise UsageError(
                f"The logistic regression on {len(labels)} vectors did not converge ({warning}). Look at the vectors: some "
                "values may be huge."
            ) from warning


def nested_cross_validation(
    data: Data, *, folds: int = FOLDS, jobs: int | None = None, progress: Progress | None = None
) -> Predicted:
    """Each example predicted by a fit on the other folds, whose C was chosen by a cross-validation within those folds.

    Args:
        data: The examples.
        folds: Of the outer and of the inner cross-validation.
        jobs: How many outer folds at a time; None for one a usable core. It changes no figure.
        progress: Told of each finished outer fold.

    Raises:
        UsageError: A label has too few examples for the inner folds.
        MissingExtraError: scikit-learn is not installed.

    Source:
        SentEval, InnerKFoldClassifier.
    """
    parts = stratified_folds(data.labels, folds)
    found = _each(_outer_fold, [(data, train, test, folds) for train, test in parts], jobs, progress)
    labels = np.empty_like(data.labels)
    for (_, test), (_, predicted) in zip(parts, found, strict=True):
        labels[test] = predicted
    return Predicted(labels, tuple(c for c, _ in found))


def search_by_folds(
    train: Data, test: ArrayLike, *, folds: int = FOLDS, jobs: int | None = None, progress: Progress | None = None
) -> Predicted:
    """A test set predicted by a fit on the training set, whose C was chosen by cross-validation on the training set.

    Args:
        train: The examples.
        test: Features.
        folds: Of the cross-validation.
        jobs: How many folds at a time; None for one a usable core. It changes no figure.
        progress: Told of each finished fold.

    Raises:
        UsageError: A label has fewer examples than there are folds.
        MissingExtraError: scikit-learn is not installed.

    Source:
        SentEval, KFoldClassifier.
    """
    parts = stratified_folds(train.labels, folds)
    c = _first_best(_each(_accuracies, [(train[a], train[b], GRID_BY_FOLDS) for a, b in parts], jobs, progress), GRID_BY_FOLDS)
    return Predicted(fitted(train, c).predict(test), (c,))


def search_on_dev(train: Data, development: Data, test: ArrayLike) -> Predicted:
    """A test set predicted by a fit on the training set, whose C was chosen on a development set.

    Args:
        train: The examples.
        development: Examples to choose C on.
        test: Features.

    Raises:
        MissingExtraError: scikit-learn is not installed.

    Source:
        SentEval, SplitClassifier.
    """
    c = _first_best([_accuracies(train, development, GRID)], GRID)
    return Predicted(fitted(train, c).predict(test), (c,))


def stratified_folds(labels: NDArray[Any], folds: int = FOLDS) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """The training and test places of each fold: shuffled by SentEval's seed, the labels spread evenly.

    Raises:
        UsageError: A label has fewer examples than there are folds.
        MissingExtraError: scikit-learn is not installed.
    """
    selection = require("sklearn.model_selection", extra="evaluate", purpose="The transfer tasks")
    for label, count in zip(*np.unique(labels, return_counts=True), strict=True):
        if count < folds:
            raise UsageError(
                f"The label '{label}' has {count} examples; {folds} are needed for it to be in each of {folds} folds. "
                "Add examples, or leave this label out."
            )
    return list(selection.StratifiedKFold(folds, shuffle=True, random_state=SEED).split(labels, labels))


def _outer_fold(data: Data, train: NDArray[np.intp], test: NDArray[np.intp], folds: int) -> tuple[float, NDArray[Any]]:
    inside = data[train]
    c = _first_best([_accuracies(inside[a], inside[b], GRID) for a, b in stratified_folds(inside.labels, folds)], GRID)
    return c, fitted(inside, c).predict(data.features[test])


def _accuracies(train: Data, test: Data, grid: Sequence[float]) -> list[float]:
    """The share of right answers on the test part, for every C."""
    return [float(np.mean(fitted(train, c).predict(test.features) == test.labels)) for c in grid]


def _first_best(accuracies: Sequence[Sequence[float]], grid: Sequence[float]) -> float:
    """The first C with the best mean; SentEval compares them rounded to a hundredth of a per cent."""
    return grid[int(np.argmax(np.round(np.mean(accuracies, axis=0), 4)))]


def _each(
    job: Callable[..., _Result], calls: Sequence[tuple[Any, ...]], jobs: int | None, progress: Progress | None
) -> list[_Result]:
    """The results of all calls in their order; several processes share them, with one BLAS thread each."""
    joblib = require("joblib", extra="evaluate", purpose="The transfer tasks")
    found: list[_Result] = []
    with joblib.parallel_config("loky", inner_max_num_threads=1):
        parallel = joblib.Parallel(n_jobs=min(jobs or usable_cores(), len(calls)), return_as="generator")
        for result in parallel(joblib.delayed(job)(*call) for call in calls):
            found.append(result)
            if progress is not None:
                progress(len(found), len(calls))
    return found
