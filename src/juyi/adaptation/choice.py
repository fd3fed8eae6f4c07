"""The choice among candidates, and what it is worth: each fold is judged with the candidate that won on the other folds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from juyi.adaptation.evidence import Evidence, Outcomes
from juyi.metrics import Difference
from juyi.tasks import BootstrappedScore, mean_of

RAW = "raw"
POWER = 0.8

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
        level: Of the interval.
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

    With several kinds of evidence the mean of their figures decides. A candidate that is certainly worse than the raw encoder
    on one of them is not recommended.

    Args:
        evidence: Dealt into the same folds.
        measured: At least one candidate; the first is raw.

    Source:
        Varma & Simon 2006: the error of a chosen model is estimated without bias where the choice is made anew without the
        part that is judged. Cawley & Talbot 2010.
    """
    names = list(measured)
    statistics = {
        name: [each.main_statistic(outcomes) for each, outcomes in zip(evidence, measured[name], strict=True)] for name in names
    }

    def best(left_out: int | None) -> str:
        masks = [(each.folds != left_out).astype(np.float64) for each in evidence]
        return max(names, key=lambda name: _value(statistics[name], masks))  # the earlier of equals

    folds = sorted({fold for each in evidence for fold in each.folds.tolist()})
    winners = tuple(best(fold) for fold in folds)
    nested = [_nested(each, [measured[name][place] for name in winners], folds) for place, each in enumerate(evidence)]
    gain = gain_over(evidence, nested, measured[names[0]])
    winner = best(None)
    choice = Choice(winner, winners, gain, names[0])
    if choice.certain and not _harms(evidence, measured[winner], measured[names[0]]):
        return Choice(winner, winners, gain, winner)
    return choice


def gain_over(evidence: Sequence[Evidence], outcomes: Sequence[Outcomes], others: Sequence[Outcomes]) -> Difference | None:
    """By how much the outcomes are better than the others, in the deciding figures; of several kinds of evidence their mean."""
    return _mean(evidence, outcomes).difference(_mean(evidence, others))


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
    return math.ceil(units * needed**2)


def smallest_gain(gain: Difference) -> float:
    """The gain that as many units would show four times in five."""
    half = (gain.interval.high - gain.interval.low) / 2
    upper = ndtri((1 + gain.interval.level) / 2)
    return float(half * (1 + ndtri(POWER) / upper))


def _value(statistics: Sequence, masks: Sequence[np.ndarray]) -> float:  # type: ignore[type-arg]
    values = [statistic(mask) for statistic, mask in zip(statistics, masks, strict=True)]
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else -math.inf


def _nested(evidence: Evidence, of_winners: Sequence[Outcomes], folds: Sequence[int]) -> Outcomes:
    """Of each item the outcomes of the candidate that won without its fold."""
    found = np.empty_like(of_winners[0])
    for fold, outcomes in zip(folds, of_winners, strict=True):
        found[evidence.folds == fold] = outcomes[evidence.folds == fold]
    return found


def _mean(evidence: Sequence[Evidence], outcomes: Sequence[Outcomes]) -> BootstrappedScore:
    figures = [each.main_figure(own) for each, own in zip(evidence, outcomes, strict=True)]
    return figures[0] if len(figures) == 1 else mean_of(figures, task="all evidence", metric="mean")


def _harms(evidence: Sequence[Evidence], outcomes: Sequence[Outcomes], raw: Sequence[Outcomes]) -> bool:
    for each, own, others in zip(evidence, outcomes, raw, strict=True):
        difference = each.main_figure(own).difference(each.main_figure(others))
        if difference is not None and difference.interval.high < 0:
            return True
    return False
