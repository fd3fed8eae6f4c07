"""A score with what it takes to compare it: the same figure on resamples of its units."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from juyi.errors import UsageError
from juyi.metrics import Bootstrap, Difference, Statistic, Units, joint_effective
from juyi.types import Score

LOWER_IS_BETTER = frozenset({"fpr@95", "alignment", "uniformity"})
"""Of all other metrics more is better, or it means nothing in itself."""

WITHOUT_DIRECTION = frozenset({"mean-cosine"})
"""Metrics of which neither more nor less is better."""

FEWEST_UNITS = 2.0
"""An interval needs an effective number of units of at least this."""


@dataclass(frozen=True, eq=False)
class BootstrappedScore:
    """One score, and the figures on resamples that its interval is read from.

    Two encoders on the same task have the same resamples, place by place: the difference of their figures is the paired
    bootstrap, far narrower than what two separate intervals suggest.

    Attributes:
        score: The score with its interval.
        replicates: The same figure on each resample, in the unit of the score; None where resampling makes no sense for it, or
            where nearly all of its items hang together, so that there is nothing to draw.
        bootstrap: How the resamples were drawn.
        units: What was drawn; None where nothing was.
        effective: The effective number of units that the figure rests on; see `juyi.metrics.Units.effective`.

    Shapes:
        replicates: (resamples,)
    """

    score: Score
    replicates: NDArray[np.float64] | None
    bootstrap: Bootstrap
    units: Units | None = None
    effective: float = math.inf

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What is measured: task, split, subset and metric."""
        return self.score.task, self.score.split, self.score.subset, self.score.metric

    def labelled(self, *labels: str) -> BootstrappedScore:
        """The same score with further labels."""
        score = dataclasses.replace(self.score, labels=tuple(dict.fromkeys((*self.score.labels, *labels))))
        return dataclasses.replace(self, score=score)

    def difference(self, other: BootstrappedScore) -> Difference | None:
        """By how much this figure exceeds another one of the same key; None where there are no resamples.

        Raises:
            UsageError: The two are figures of different things, or were drawn over different units.
        """
        if self._identity != other._identity or self.units != other.units:
            raise UsageError(f"{' '.join(self.key)} and {' '.join(other.key)} cannot be compared: they are not the same figure.")
        if self.replicates is None or other.replicates is None:
            return None
        value = self.score.value - other.score.value
        return self.bootstrap.difference(value, self.replicates - other.replicates, self.effective)

    @property
    def _identity(self) -> tuple[object, ...]:
        return self.key, self.score.count, self.score.units, self.bootstrap


def bootstrapped(
    identity: Score,
    statistic: Statistic,
    bootstrap: Bootstrap,
    units: Units,
    *,
    items: NDArray[np.intp] | None = None,
    effective: float | None = None,
    scale: float = 100.0,
) -> BootstrappedScore:
    """The statistic on all items, and on resamples of their units.

    Args:
        identity: A score that has everything but value, interval and units. Task and split name the stream of the draws: figures
            of one task on the same units are taken on the same resamples, those of different tasks on independent ones.
        statistic: The figure on any resample.
        bootstrap: Draws the resamples.
        units: Which items are drawn together.
        items: The places of those that the figure is about, where it is not about all.
        effective: The effective number of units of the figure, where it is not that of its items.
        scale: From the statistic's unit to the score's.

    Raises:
        UsageError: Too many resamples leave the statistic undefined.
    """
    effective = units.effective(items) if effective is None else effective
    score = dataclasses.replace(identity, value=scale * statistic(np.ones(units.items)), units=units.among(items))
    if effective < FEWEST_UNITS:
        return BootstrappedScore(score, None, bootstrap, units, effective)
    replicates = scale * bootstrap.replicates(statistic, units, f"{identity.task} {identity.split}")
    score = dataclasses.replace(score, interval=bootstrap.interval(replicates, effective))
    return BootstrappedScore(score, replicates, bootstrap, units, effective)


def mean_of(parts: Sequence[BootstrappedScore], *, weighted: bool = False, **identity: str) -> BootstrappedScore:
    """The mean of scores: of sub-tasks, of splits, of tasks.

    Sub-tasks of one task were drawn together, so that sentences which they share are counted for what they are; splits and tasks
    were drawn independently, and sentences that these share are not known here.

    Args:
        parts: At least one.
        weighted: Weigh each by its count.
        identity: What the mean is called, where it is not called as the first part: `task`, `split`, `subset`, `metric`.

    Returns:
        A score whose count is that of all parts and that bears the labels of each.
    """
    counts = [part.score.count for part in parts]
    weights = np.array(counts if weighted else [1] * len(parts), dtype=np.float64)
    units = _units_of(parts)
    score = dataclasses.replace(
        parts[0].score,
        value=float(np.average([part.score.value for part in parts], weights=weights)),
        count=sum(counts),
        interval=None,
        labels=tuple(dict.fromkeys(label for part in parts for label in part.score.labels)),
        units=None if units is None else units.count,
        **identity,
    )
    bootstrap = parts[0].bootstrap
    known = [part.replicates for part in parts if part.replicates is not None]
    if len(known) < len(parts):
        return BootstrappedScore(score, None, bootstrap, units)
    replicates = np.average(known, axis=0, weights=weights)
    effective = joint_effective([part.effective for part in parts], weights.tolist())
    score = dataclasses.replace(score, interval=bootstrap.interval(replicates, effective))
    return BootstrappedScore(score, replicates, bootstrap, units, effective)


def _units_of(parts: Sequence[BootstrappedScore]) -> Units | None:
    """The units of all parts: the same ones where they were drawn together."""
    units = [part.units for part in parts if part.units is not None]
    if not units or len(units) < len(parts):
        return None
    together = len({(part.score.task, part.score.split) for part in parts}) == 1 and all(each == units[0] for each in units)
    return units[0] if together else Units.joined(units)
