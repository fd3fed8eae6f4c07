"""From scores to probabilities, by two numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import expit, log_expit

from juyi.errors import UsageError
from juyi.metrics.inputs import finite_vector


def fit_platt(scores: ArrayLike, right: ArrayLike, weights: ArrayLike | None = None) -> tuple[float, float]:
    """Slope and intercept with which 1 / (1 + exp(-(slope * score + intercept))) is the probability that an item is right.

    The targets are not 1 and 0 but (r + 1) / (r + 2) and 1 / (w + 2), with r right and w wrong items: where a score parts them
    cleanly, the slope stays finite.

    Args:
        scores: The larger, the likelier.
        right: 0 or 1, or truth values.
        weights: How many items each stands for; None for one.

    Shapes:
        scores, right, weights: (n,)

    Raises:
        UsageError: Different lengths, NaN or infinity, constant scores, or items of one class alone.

    Source:
        Platt 1999; the targets and the minimised log loss as in Lin, Lin & Weng 2007.
    """
    values, labels = finite_vector(scores, "scores"), finite_vector(right, "right").astype(np.bool_)
    counts = np.ones(len(values)) if weights is None else finite_vector(weights, "weights")
    if not len(values) == len(labels) == len(counts):
        raise UsageError(f"There are {len(values)} scores for {len(labels)} items and {len(counts)} weights. Give one of each.")
    if labels.all() or not labels.any() or np.ptp(values) == 0:
        raise UsageError("A probability needs items that are right and items that are wrong, and scores that differ.")
    positive, negative = counts[labels].sum(), counts[~labels].sum()
    targets = np.where(labels, (positive + 1) / (positive + 2), 1 / (negative + 2))
    middle, spread = float(values.mean()), float(values.std())
    scaled = (values - middle) / spread

    def loss(line: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logits = line[0] * scaled + line[1]
        losses = -(targets * log_expit(logits) + (1 - targets) * log_expit(-logits))
        slopes = counts * (expit(logits) - targets)
        return float(counts @ losses), np.array([slopes @ scaled, slopes.sum()])

    start = np.array([0.0, np.log((positive + 1) / (negative + 1))])
    slope, intercept = minimize(loss, start, jac=True, method="BFGS").x
    return float(slope / spread), float(intercept - slope * middle / spread)


def calibration_error(probabilities: ArrayLike, right: ArrayLike, weights: ArrayLike | None = None, *, bins: int = 10) -> float:
    """By how much probabilities miss the share of what was right, on average over bins of equally many items.

    Shapes:
        probabilities, right, weights: (n,)

    Source:
        Naeini, Cooper & Hauskrecht 2015, the expected calibration error; with bins of equal mass, which Nixon et al. 2019
        recommend.
    """
    values, labels = finite_vector(probabilities, "probabilities"), finite_vector(right, "right")
    counts = np.ones(len(values)) if weights is None else finite_vector(weights, "weights")
    order = np.argsort(values, kind="stable")
    error = 0.0
    for part in np.array_split(order, min(bins, len(order))):
        error += abs(float(counts[part] @ (values[part] - labels[part])))
    return error / float(counts.sum())
