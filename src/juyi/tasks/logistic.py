"""Logistic regression on fixed vectors, its penalty chosen by validation: the three protocols of SentEval.

Every C of the grid is fitted at once and from a near start, so that the thousand fits of a nested cross-validation take seconds.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import expit, log_softmax

from juyi.errors import UsageError
from juyi.extras import require
from juyi.metrics import finite_matrix

GRID = tuple(2.0**t for t in range(-2, 4))
"""The values of C that SentEval tries in a nested cross-validation and on a development set."""

GRID_BY_FOLDS = tuple(2.0**t for t in range(-1, 6))
"""The values of C that SentEval tries by cross-validation on the training set of a task that has a test set."""

Watch = Callable[[int, int], None]
"""Told of each finished fold: (folds done, folds in all)."""

Weights = NDArray[np.float64]
"""(dim + 1, grid, outputs): along the axes of a `LogisticRegressions`, the intercept last."""

_SLOPE = 1e-5  # of the loss along any coordinate, each of curvature 1: decisions are then exact to about as much
_STEPS = 10_000
_Result = TypeVar("_Result")


@dataclass(frozen=True, eq=False)
class Classified:
    """What was predicted for the tested examples.

    Attributes:
        predictions: A label each.
        folds: The fold in which each was tested; 0 where there is one test set.
        chosen: The C that was chosen for each fold.

    Shapes:
        predictions, folds: (n,)
    """

    predictions: NDArray[Any]
    folds: NDArray[np.int64]
    chosen: tuple[float, ...]


class LogisticRegressions:
    """Logistic regressions on parts of one set of examples, for every C of a grid at once.

    Minimised is the sum of the log losses plus ||w||² / 2C, without penalty on the intercept, as `LogisticRegression` of
    scikit-learn does; two classes have one output, more have a softmax. The features are turned to their principal axes, which
    leaves the penalty as it is. There the curvature of the loss is nearly diagonal; in units of its root L-BFGS needs few steps.
    The problem is convex: neither the units nor the start, the solution on all examples, move a decision beyond the tolerance.

    Args:
        features: One row an example.
        labels: One label an example.
        grid: The values of C.

    Attributes:
        classes: The different labels.
        whole: The solutions on all examples.

    Shapes:
        features: (n, dim)
        labels: (n,)

    Raises:
        UsageError: Not one label a row, a single class, NaN or infinity, a grid that is empty or not positive.
    """

    def __init__(self, features: ArrayLike, labels: ArrayLike, grid: Sequence[float] = GRID) -> None:
        if not len(grid) or not all(0 < c < np.inf for c in grid):
            raise UsageError(f"The grid of C is {list(grid)}; at least one value is needed, and all above 0.")
        vectors = finite_matrix(features, "features").astype(np.float64)
        self.classes, self._codes = np.unique(np.asarray(labels), return_inverse=True)
        if self._codes.shape != (len(vectors),) or len(self.classes) < 2:
            raise UsageError(
                f"There are {np.size(labels)} labels of {len(self.classes)} classes for {len(vectors)} rows of features. "
                "Give one label a row, and at least 2 classes."
            )
        self._mean = vectors.mean(axis=0)
        centred = vectors - self._mean
        variances, self._axes = np.linalg.eigh(centred.T @ centred)
        self._rows = self.turned(vectors)
        outputs = 1 if len(self.classes) == 2 else len(self.classes)
        share = 1 / len(self.classes)
        self._penalty = np.ones((len(variances) + 1, len(grid), outputs)) / np.reshape(grid, (-1, 1))
        self._penalty[-1] = 0
        # The second derivative of the loss where all classes are equally likely; rounding may leave a variance below 0.
        curvatures = share * (1 - share) * np.append(np.maximum(variances, 0), len(vectors))
        self._units = 1 / np.sqrt(curvatures[:, None, None] + self._penalty)
        self.whole: Weights = np.zeros_like(self._units)
        self.whole = self.fit(slice(None))

    def turned(self, features: ArrayLike) -> NDArray[np.float64]:
        """Features along the principal axes of the examples, with a column of ones.

        Shapes:
            features: (n, dim)
            returns: (n, dim + 1)

        Raises:
            UsageError: NaN or infinity, or another number of features.
        """
        vectors = finite_matrix(features, "features")
        if vectors.shape[1] != len(self._mean):
            raise UsageError(f"features has {vectors.shape[1]} columns and those of the training examples {len(self._mean)}.")
        rows = np.ones((len(vectors), len(self._mean) + 1))
        np.matmul(vectors - self._mean, self._axes, out=rows[:, :-1])
        return rows

    def fit(self, places: NDArray[np.int64] | slice) -> Weights:
        """The solutions on some of the examples.

        Raises:
            UsageError: They were not found.
        """
        rows, codes = self._rows[places], self._codes[places]
        shape, units = self._units.shape, self._units

        def objective(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            weights = flat.reshape(shape) * units
            pull = self._penalty * weights
            loss, slopes = _log_loss(decisions(weights, rows), codes)
            gradient = (rows.T @ slopes.reshape(len(rows), -1)).reshape(shape) + pull
            return loss + float((pull * weights).sum()) / 2, (gradient * units).ravel()

        limits = {"maxiter": _STEPS, "maxfun": 2 * _STEPS, "ftol": 0.0, "gtol": _SLOPE}
        found = minimize(objective, (self.whole / units).ravel(), jac=True, method="L-BFGS-B", options=limits)
        # Rounding may end the search a little before the slope is reached.
        if not np.abs(found.jac).max() <= 10 * _SLOPE:
            raise UsageError(
                f"The logistic regression on {len(rows)} vectors did not converge: after {found.nit} steps the steepest slope is "
                f"{np.abs(found.jac).max():.1e}, and {_SLOPE:.0e} is needed. Look at the vectors: some values may be huge."
            )
        solutions: Weights = found.x.reshape(shape) * units
        return solutions

    def predict(self, weights: Weights, rows: NDArray[np.float64]) -> NDArray[Any]:
        """The label of each row, for every C.

        Shapes:
            rows: (n, dim + 1), as `turned` gives them
            returns: (n, grid)
        """
        outputs = decisions(weights, rows)
        codes = (outputs[..., 0] > 0).astype(np.int64) if outputs.shape[2] == 1 else outputs.argmax(axis=2)
        labels: NDArray[Any] = self.classes[codes]
        return labels

    def held_out(self, train: NDArray[np.int64], test: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[np.float64]]:
        """What the fit on some examples predicts for others, and the share of it that is right, for every C.

        Shapes:
            returns: (test, grid), (grid,)
        """
        predicted = self.predict(self.fit(train), self._rows[test])
        return predicted, (predicted == self.classes[self._codes[test]][:, None]).mean(axis=0)


def nested_cross_validation(
    features: ArrayLike,
    labels: ArrayLike,
    *,
    folds: int = 10,
    seed: int = 1111,
    grid: Sequence[float] = GRID,
    jobs: int | None = None,
    watch: Watch | None = None,
) -> Classified:
    """Each example predicted by a fit on the other folds, whose C was chosen by a cross-validation within those folds.

    Args:
        features: One row an example.
        labels: One label an example.
        folds: Of the outer and of the inner cross-validation.
        seed: Draws the folds.
        grid: The values of C; of equally good ones the first is taken.
        jobs: How many folds at a time; None for one a usable core. It changes no figure.
        watch: Told of each finished fold.

    Raises:
        UsageError: As `LogisticRegressions`; a label has too few examples for the inner folds.
        MissingExtraError: scikit-learn is not installed.

    Source:
        SentEval, InnerKFoldClassifier.
    """
    gold = _enough(labels, folds, folds + 2)
    with _one_blas_thread():
        regressions = LogisticRegressions(features, gold, grid)
        outer = stratified_folds(gold, folds, seed)
        trains = [np.flatnonzero(outer != fold) for fold in range(folds)]
        inner = [stratified_folds(gold[train], folds, seed) for train in trains]

        def run(fold: int) -> tuple[int, NDArray[Any]]:
            train = trains[fold]
            parts = [(train[inner[fold] != each], train[inner[fold] == each]) for each in range(folds)]
            best = _first_best([regressions.held_out(*part)[1] for part in parts])
            return best, regressions.held_out(train, np.flatnonzero(outer == fold))[0][:, best]

        found = _each(run, folds, jobs, watch)
    predictions = np.empty_like(gold)
    for fold, (_, predicted) in enumerate(found):
        predictions[outer == fold] = predicted
    return Classified(predictions, outer, tuple(grid[best] for best, _ in found))


def search_by_folds(
    train: tuple[ArrayLike, ArrayLike],
    test: ArrayLike,
    *,
    folds: int = 10,
    seed: int = 1111,
    grid: Sequence[float] = GRID_BY_FOLDS,
    jobs: int | None = None,
    watch: Watch | None = None,
) -> Classified:
    """A test set predicted by a fit on the training set, whose C was chosen by cross-validation on the training set.

    Args:
        train: Features and labels.
        test: Features.
        folds: Of the cross-validation.
        seed: Draws the folds.
        grid: The values of C; of equally good ones the first is taken.
        jobs: How many folds at a time; None for one a usable core. It changes no figure.
        watch: Told of each finished fold.

    Raises:
        UsageError: As `LogisticRegressions`; a label has fewer examples than there are folds.
        MissingExtraError: scikit-learn is not installed.

    Source:
        SentEval, KFoldClassifier.
    """
    gold = _enough(train[1], folds, folds)
    with _one_blas_thread():
        regressions = LogisticRegressions(train[0], gold, grid)
        rows = regressions.turned(test)
        parts = stratified_folds(gold, folds, seed)

        def run(fold: int) -> NDArray[np.float64]:
            return regressions.held_out(np.flatnonzero(parts != fold), np.flatnonzero(parts == fold))[1]

        best = _first_best(_each(run, folds, jobs, watch))
        predictions = regressions.predict(regressions.whole, rows)[:, best]
    return Classified(predictions, np.zeros(len(rows), dtype=np.int64), (grid[best],))


def search_on_dev(
    train: tuple[ArrayLike, ArrayLike], dev: tuple[ArrayLike, ArrayLike], test: ArrayLike, *, grid: Sequence[float] = GRID
) -> Classified:
    """A test set predicted by a fit on the training set, whose C was chosen on a development set.

    Args:
        train: Features and labels.
        dev: Features and labels.
        test: Features.
        grid: The values of C; of equally good ones the first is taken.

    Raises:
        UsageError: As `LogisticRegressions`; the development set has not one label a row, or none.
        MissingExtraError: scikit-learn is not installed.

    Source:
        SentEval, SplitClassifier.
    """
    with _one_blas_thread():
        regressions = LogisticRegressions(*train, grid)
        rows, gold = regressions.turned(test), np.asarray(dev[1])
        predicted = regressions.predict(regressions.whole, regressions.turned(dev[0]))
        if not len(gold) or gold.shape != predicted.shape[:1]:
            raise UsageError(f"The development set has {gold.size} labels for {len(predicted)} rows. Give one label a row.")
        best = _first_best([(predicted == gold[:, None]).mean(axis=0)])
        predictions = regressions.predict(regressions.whole, rows)[:, best]
    return Classified(predictions, np.zeros(len(rows), dtype=np.int64), (grid[best],))


def stratified_folds(labels: ArrayLike, folds: int = 10, seed: int = 1111) -> NDArray[np.int64]:
    """The fold of each example: shuffled, the labels spread evenly, as `sklearn.model_selection.StratifiedKFold` draws them.

    Shapes:
        labels: (n,)
        returns: (n,), from 0 to folds - 1

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    selection: Any = require("sklearn.model_selection", extra="evaluate", purpose="Drawing the folds of the transfer tasks")
    gold = np.asarray(labels)
    fold_of = np.empty(len(gold), dtype=np.int64)
    for fold, (_, test) in enumerate(selection.StratifiedKFold(folds, shuffle=True, random_state=seed).split(gold, gold)):
        fold_of[test] = fold
    return fold_of


def decisions(weights: Weights, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """The outputs before the sigmoid or the softmax.

    Shapes:
        weights: (dim + 1, grid, outputs)
        rows: (n, dim + 1)
        returns: (n, grid, outputs)
    """
    return (rows @ weights.reshape(len(weights), -1)).reshape(len(rows), *weights.shape[1:])


def _log_loss(outputs: NDArray[np.float64], codes: NDArray[np.int64]) -> tuple[float, NDArray[np.float64]]:
    """The log loss, summed over examples and C, and its derivative by each output."""
    if outputs.shape[2] == 1:
        signs = np.where(codes == 1, -1.0, 1.0)[:, None, None]
        return float(np.logaddexp(0, signs * outputs).sum()), signs * expit(signs * outputs)
    logs = log_softmax(outputs, axis=2)
    slopes = np.exp(logs)
    every = np.arange(len(codes))
    slopes[every, :, codes] -= 1
    return -float(logs[every, :, codes].sum()), slopes


def _first_best(accuracies: Sequence[NDArray[np.float64]]) -> int:
    """The place of the first C with the best mean; SentEval compares them rounded to a hundredth of a per cent."""
    return int(np.argmax(np.round(np.mean(accuracies, axis=0), 4)))


def _enough(labels: ArrayLike, folds: int, needed: int) -> NDArray[Any]:
    gold = np.asarray(labels)
    if folds < 2:
        raise UsageError(f"folds is {folds}; at least 2 are needed, and 10 is the usual choice.")
    for label, count in zip(*np.unique(gold, return_counts=True), strict=True):
        if count < needed:
            raise UsageError(
                f"The label '{label}' has {count} examples; {needed} are needed for it to be in each of {folds} folds. "
                "Add examples, leave this label out, or take fewer folds."
            )
    return gold


def _each(job: Callable[[int], _Result], count: int, jobs: int | None, watch: Watch | None) -> list[_Result]:
    if jobs is not None and jobs < 1:
        raise UsageError(f"jobs is {jobs}; at least 1 is needed, or None for one a usable core.")
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    found: list[_Result] = []
    with ThreadPoolExecutor(min(jobs or usable, count)) as pool:
        for result in pool.map(job, range(count)):
            found.append(result)
            if watch is not None:
                watch(len(found), count)
    return found


def _one_blas_thread() -> Any:
    """The folds share the cores; and the same figures come out of any number of them."""
    threads: Any = require("threadpoolctl", extra="evaluate", purpose="The logistic regression of the transfer tasks")
    return threads.threadpool_limits(1, user_api="blas")
