"""The choice among candidates, and what it is worth: each fold is judged with the candidate that won on the other folds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtri

from juyi.adaptation.evidence import Evidence, Outcomes
from juyi.metrics import Counts, Difference, Statistic, joint_effective, resample_counts
from juyi.tasks import FEWEST_UNITS

POWER = 0.8
LEVEL = 0.9
"""Of the gain's interval: where it lies above zero, the gain is there with 95 % certainty."""
_RESAMPLES = 200

Measured = Mapping[str, Sequence[Outcomes]]
"""Candidate to its outcomes, one array for each evidence; the first candidate is the one to beat."""


@dataclass(frozen=True)
class Choice:
    """Which candidate is best, and by how much choosing it is better than keeping the raw encoder.

    Attributes:
        winner: The candidate with the best figure on all items; the earlier one of equals.
        winners: Of each fold the candidate that was best on the other folds.
        gain: Of the nested choice over the raw encoder, on items that took no part in it: no winner's curse. None where
            nearly all items hang together.
        recommended: The winner where its gain is certain, else the raw encoder.
    """

    winner: str
    winners: tuple[str, ...]
    gain: Difference | None
    recommended: str

    @property
    def certain(self) -> bool:
        """Whether the gain is above zero with its whole interval."""
        return self.gain is not None and self.gain.interval.low > 0


def choose(evidence: Sequence[Evidence], measured: Measured) -> Choice:
    """Choose the candidate with the best figure, and measure that choice by nested cross-fitting.

    Each fold is judged with the candidate that won on the other folds. The folds' gains are no independent figures: where all
    folds agree on a winner, each is likely to be one of its lucky ones. So the interval is from resamples of the units on which
    the winners are chosen anew. With several kinds of evidence the mean of their figures decides. A candidate that is certainly
    worse than the raw encoder on one of them is not recommended.

    Args:
        evidence: Dealt into the same folds.
        measured: At least one candidate; the first is raw.

    Source:
        Varma & Simon 2006: the error of a chosen model is estimated without bias where the choice is made anew without the
        part that is judged; Cawley & Talbot 2010. Resamples with the choice in them: Tsamardinos, Greasidou & Borboudakis 2018.
    """
    candidates = _Candidates(evidence, measured)
    every = [np.ones(each.units.items) for each in evidence]
    winners, winner = candidates.winners(every), candidates.best(every)
    raw = candidates.names[0]
    gain = candidates.gain(winners)
    recommended = raw
    if gain is not None and gain.interval.low > 0 and not _harms(evidence, measured[winner], measured[raw]):
        recommended = winner
    return Choice(winner, winners, gain, recommended)


class _Candidates:
    """The candidates' figures on any resample, and the choice among them."""

    def __init__(self, evidence: Sequence[Evidence], measured: Measured) -> None:
        self.evidence, self.measured, self.names = evidence, measured, list(measured)
        self.folds = sorted({fold for each in evidence for fold in each.folds.tolist()})
        self._statistics = {
            name: [each.main_statistic(own) for each, own in zip(evidence, measured[name], strict=True)] for name in self.names
        }

    def best(self, counts: Sequence[Counts]) -> str:
        """The candidate with the highest figure on a resample; the earlier of equals."""
        return max(self.names, key=lambda name: _mean(self._statistics[name], counts))

    def winners(self, counts: Sequence[Counts]) -> tuple[str, ...]:
        """Of each fold the candidate that is best on the other folds of a resample."""
        return tuple(
            self.best([each * (of.folds != fold) for each, of in zip(counts, self.evidence, strict=True)]) for fold in self.folds
        )

    def gain(self, winners: tuple[str, ...]) -> Difference | None:
        """Of the nested choice; its interval is from resamples with a choice of their own."""
        effective = [each.effective() for each in self.evidence]
        joint = joint_effective(effective, [1] * len(effective))
        if min(effective) < FEWEST_UNITS:
            return None
        nested: dict[tuple[str, ...], list[Statistic]] = {}
        bootstrap = replace(self.evidence[0].bootstrap, level=LEVEL)

        def value(winners: tuple[str, ...], counts: Sequence[Counts]) -> float:
            if winners not in nested:
                nested[winners] = self._nested(winners)
            return 100 * (_mean(nested[winners], counts) - _mean(self._statistics[self.names[0]], counts))

        draws = [resample_counts(each.units, seed=bootstrap.seed, stream=f"choice {each.name}") for each in self.evidence]
        replicates: list[float] = []
        while len(replicates) < min(bootstrap.resamples, _RESAMPLES):
            counts = [next(draw).astype(np.float64) for draw in draws]
            if math.isfinite(found := value(self.winners(counts), counts)):  # a resample may lack a class of labels
                replicates.append(found)
        observed = value(winners, [np.ones(each.units.items) for each in self.evidence])
        return bootstrap.difference(observed, np.array(replicates), joint)

    def _nested(self, winners: tuple[str, ...]) -> list[Statistic]:
        """The figures of each item's outcomes with the candidate that won without its fold."""
        statistics = []
        for place, each in enumerate(self.evidence):
            chosen = np.empty_like(self.measured[winners[0]][place])
            for fold, name in zip(self.folds, winners, strict=True):
                chosen[each.folds == fold] = self.measured[name][place][each.folds == fold]
            statistics.append(each.main_statistic(chosen))
        return statistics


def units_needed(gain: Difference, units: float) -> int | None:
    """How many units would show a gain of this size four times in five; None where there is no gain to show.

    The standard error falls with the square root of the number of units.

    Args:
        gain: As it was measured.
        units: On so many.

    Source:
        The power of a two-sided test of a normally distributed difference.
    """
    if gain.value <= 0:
        return None
    half = (gain.interval.high - gain.interval.low) / 2
    error = half / ndtri((1 + gain.interval.level) / 2)
    needed = (ndtri((1 + gain.interval.level) / 2) + ndtri(POWER)) * error / gain.value
    return math.ceil(float(units * needed**2))


def smallest_gain(gain: Difference) -> float:
    """The gain that as many units would show four times in five."""
    half = (gain.interval.high - gain.interval.low) / 2
    upper = ndtri((1 + gain.interval.level) / 2)
    return float(half * (1 + ndtri(POWER) / upper))


def _mean(statistics: Sequence[Statistic], counts: Sequence[Counts]) -> float:
    """The mean of the figures that a resample has; minus infinity where it has none."""
    values = [statistic(each) for statistic, each in zip(statistics, counts, strict=True)]
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else -math.inf


def _harms(evidence: Sequence[Evidence], outcomes: Sequence[Outcomes], raw: Sequence[Outcomes]) -> bool:
    """Whether a candidate is certainly worse than the raw encoder on one kind of labels."""
    for each, own, others in zip(evidence, outcomes, raw, strict=True):
        difference = each.main_figure(own).difference(each.main_figure(others))
        if difference is not None and difference.interval.high < 0:
            return True
    return False
