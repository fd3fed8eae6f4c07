"""What the labels say of single decisions, and the probabilities that follow."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from juyi.calibration import Calibration, Event, OperatingPoint
from juyi.metrics import Bootstrap, Counts, Units, calibration_error, fit_platt

POINTS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
UNANSWERED = 0.2
"""The share of the queries that have no answer, where the labels do not say: every fifth."""
FEWEST = 20
"""Decisions that were right, and as many that were wrong; with fewer no probability is claimed."""


@dataclass(frozen=True, eq=False)
class Decisions:
    """Decisions with the similarity that each was taken by.

    Attributes:
        event: What makes one right.
        similarity: The best one of a query, or that of a pair.
        right: Whether the decision was.
        folds: The part that the encoder had not learned from.
        units: What is independent.
        weights: How many decisions each stands for; None for one.

    Shapes:
        similarity, right, folds, weights: (decisions,)
    """

    event: Event
    similarity: NDArray[np.float64]
    right: NDArray[np.bool_]
    folds: NDArray[np.intp]
    units: Units
    weights: NDArray[np.float64] | None = None

    def with_unanswered(self, answered: NDArray[np.bool_]) -> Decisions:
        """The decisions weighted so that every fifth is about a query that has no answer.

        Shapes:
            answered: (decisions,)
        """
        shares = np.where(answered, (1 - UNANSWERED) / answered.mean(), UNANSWERED / (~answered).mean())
        return replace(self, weights=shares)

    def calibrated(self, labels: Sequence[object], bootstrap: Bootstrap) -> Calibration | None:
        """The probability that a decision is right at its similarity, by Platt's two numbers.

        They are fitted on all decisions. How good such a fit is, and what thresholds lead to, is measured with fits that leave
        the fold out that is judged. None where too little is known, or where the more similar is not the likelier.

        Args:
            labels: What the decisions were made of, for the digest.
            bootstrap: Draws the intervals over units.
        """
        if min(self.right.sum(), (~self.right).sum()) < FEWEST or np.ptp(self.similarity) == 0:
            return None
        weights = np.ones(len(self.right)) if self.weights is None else self.weights
        slope, intercept = self._fit(np.ones(len(self.right), dtype=np.bool_), weights)
        probabilities = np.full(len(self.right), np.nan)
        for fold in np.unique(self.folds).tolist():
            others = self.folds != fold
            if not self._tell(others):
                return None
            line = self._fit(others, weights)
            probabilities[~others] = expit(line[0] * self.similarity[~others] + line[1])
        if slope <= 0:
            return None
        digest = hashlib.sha256(json.dumps(labels, ensure_ascii=False, default=str).encode()).hexdigest()
        found = Calibration(
            event=self.event,
            slope=slope,
            intercept=intercept,
            count=len(self.right),
            units=self.units.count,
            right=float(weights @ self.right / weights.sum()),
            error=calibration_error(probabilities, self.right, weights),
            level=bootstrap.level,
            data=digest[:16],
            points=(),
        )
        points = [self._point(at, found.similarity(at), probabilities, weights, bootstrap) for at in POINTS]
        return replace(found, points=tuple(point for point in points if point is not None))

    def _tell(self, chosen: NDArray[np.bool_]) -> bool:
        """Whether some decisions have both classes and similarities that differ."""
        right = self.right[chosen]
        return bool(right.any() and not right.all() and np.ptp(self.similarity[chosen]) > 0)

    def _fit(self, chosen: NDArray[np.bool_], weights: NDArray[np.float64]) -> tuple[float, float]:
        return fit_platt(self.similarity[chosen], self.right[chosen], weights[chosen])

    def _point(
        self,
        probability: float,
        similarity: float,
        probabilities: NDArray[np.float64],
        weights: NDArray[np.float64],
        bootstrap: Bootstrap,
    ) -> OperatingPoint | None:
        """What accepting from a probability on leads to; None where too few units are accepted to say."""
        accepted = weights * (probabilities >= probability)
        right = accepted * self.right
        chosen = np.flatnonzero(accepted)
        effective = self.units.effective(chosen) if len(chosen) else 0.0
        if effective < FEWEST / 2:
            return None

        def precision(counts: Counts) -> float:
            total = counts @ accepted
            return float(counts @ right / total) if total > 0 else float("nan")

        found = float(right.sum() / accepted.sum())
        interval = bootstrap.interval(bootstrap.replicates(precision, self.units, f"precision {self.event}"), effective)
        # Where nothing went wrong resamples show no spread; the exact binomial bound of so many units does.
        low = interval.low if found < 1 else float(((1 - bootstrap.level) / 2) ** (1 / effective))
        return OperatingPoint(
            probability=probability,
            similarity=similarity,
            precision=found,
            low=low,
            high=interval.high,
            kept=float(right.sum() / (weights @ self.right)),
            refused=float(1 - (accepted - right).sum() / (weights @ ~self.right)),
        )
