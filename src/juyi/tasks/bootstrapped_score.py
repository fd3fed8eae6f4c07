"""A figure with what it takes to compare it: the same figure on resamples of its items."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from juyi.errors import UsageError
from juyi.metrics import Bootstrap, Difference, Statistic
from juyi.types import Score

LOWER_IS_BETTER = frozenset({"fpr@95", "alignment", "uniformity"})
"""Of all other metrics more is better, or it means nothing in itself."""

WITHOUT_DIRECTION = frozenset({"mean-cosine"})
"""Metrics of which neither more nor less is better."""


@dataclass(frozen=True, eq=False)
class BootstrappedScore:
    """One figure, and the figures on resamples that its interval is read from.

    Two encoders on the same task have the same resamples, place by place: the difference of their figures is the paired
    bootstrap, far narrower than what two separate intervals suggest.

    Attributes:
        score: The figure with its interval.
        figures: The same figure on each resample, in the unit of the score; None where resampling makes no sense for it.
        bootstrap: How the resamples were drawn.

    Shapes:
        figures: (resamples,)
    """

    score: Score
    replicates: NDArray[np.float64] | None
    bootstrap: Bootstrap

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What is measured: task, split, subset and metric."""
        return self.score.task, self.score.split, self.score.subset, self.score.metric

    def labelled(self, *labels: str) -> BootstrappedScore:
        """The same figure with further labels."""
        score = dataclasses.replace(self.score, labels=tuple(dict.fromkeys((*self.score.labels, *labels))))
        return dataclasses.replace(self, score=score)

    def difference(self, other: BootstrappedScore) -> Difference | None:
        """By how much this figure exceeds another one of the same key; None where there are no resamples.

        Raises:
            UsageError: The two are figures of different things.
        """
        if (self.key, self.score.count, self.bootstrap) != (other.key, other.score.count, other.bootstrap):
            raise UsageError(f"{' '.join(self.key)} and {' '.join(other.key)} cannot be compared: they are not the same figure.")
        if self.replicates is None or other.replicates is None:
            return None
        return Difference(self.score.value - other.score.value, self.bootstrap.interval(self.replicates - other.replicates))


def bootstrapped(
    identity: Score, statistic: Statistic, bootstrap: Bootstrap, scale: float = 100.0, sizes: Sequence[int] = ()
) -> BootstrappedScore:
    """The statistic on all items, and on resamples of them.

    Args:
        identity: A score that has everything but value and interval.
        statistic: The figure on any resample.
        bootstrap: Draws the resamples.
        scale: From the statistic's unit to the score's.
        sizes: How many items of each class there are, where they are drawn class by class; else the score's count is drawn.

    Raises:
        UsageError: Too many resamples leave the statistic undefined.
    """
    sizes = sizes or (identity.count,)
    value = scale * statistic(np.ones(sum(sizes)))
    figures = scale * bootstrap.replicates(statistic, *sizes)
    score = dataclasses.replace(identity, value=value, interval=bootstrap.interval(figures))
    return BootstrappedScore(score, figures, bootstrap)


def mean_of(parts: Sequence[BootstrappedScore], *, weighted: bool = False, **identity: str) -> BootstrappedScore:
    """The mean of figures of different items: of sub-tasks, of splits, of tasks.

    Args:
        parts: At least one.
        weighted: Weigh each by its count.
        identity: What the mean is called, where it is not called as the first part: `task`, `split`, `subset`, `metric`.

    Returns:
        A figure whose count is that of all parts and that bears the labels of each; its resamples are drawn within each part.
    """
    counts = [part.score.count for part in parts]
    weights = np.array(counts if weighted else [1] * len(parts), dtype=np.float64)
    score = dataclasses.replace(
        parts[0].score,
        value=float(np.average([part.score.value for part in parts], weights=weights)),
        count=sum(counts),
        interval=None,
        labels=tuple(dict.fromkeys(label for part in parts for label in part.score.labels)),
        **identity,
    )
    bootstrap = parts[0].bootstrap
    known = [part.replicates for part in parts if part.replicates is not None]
    if len(known) < len(parts):
        return BootstrappedScore(score, None, bootstrap)
    # Parts of equal size were resampled by the same draws; moving each on by another step makes the parts independent.
    figures = np.average([np.roll(each, step) for step, each in enumerate(known)], axis=0, weights=weights)
    return BootstrappedScore(dataclasses.replace(score, interval=bootstrap.interval(figures)), figures, bootstrap)
