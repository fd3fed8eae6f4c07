"""Which pairs are worth labelling: those that decide between candidates, drawn so that estimates over all are unbiased."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from juyi.errors import DataError, UsageError

_NEIGHBOURS = 10
_BACKGROUND = 1 / 9
"""Random pairs for each plausible one: a tenth of the population is what nobody takes for alike."""
_FLOOR = 0.5


@dataclass(frozen=True)
class DrawnPair:
    """A pair of the population, in the order of a priority sample.

    Attributes:
        first: Place of a text.
        second: Place of another, later one.
        size: How likely the pair is to be drawn, relatively: the more the candidates disagree about it, the larger.
        priority: The size over a uniform random number of the pair's own; the order is by this.
    """

    first: int
    second: int
    size: float
    priority: float


def draw_pairs(
    candidates: Sequence[NDArray[np.floating]],
    most: int,
    *,
    baselines: Sequence[NDArray[np.floating]] = (),
    seed: int = 0,
) -> list[DrawnPair]:
    """The first pairs of a priority sample, best first; the first n of them are a sample of n.

    The population are the plausible pairs, each text with its ten nearest by any candidate or baseline, and a ninth as many
    random others. A pair's size is how far its rank by each candidate is from that by the first one, relative to the mean of
    that, so that close candidates count as much as distant ones; and half the mean size on top: what all of them see alike
    tells little about which of them is right, and still must have its chance.

    Args:
        candidates: The similarities of all texts by each of those that are to be decided between; the first is what the others
            are compared with.
        most: How many pairs at most.
        baselines: By others that they are compared with.
        seed: Draws them.

    Shapes:
        candidates, baselines: (texts, texts) each

    Raises:
        DataError: Fewer than four texts.
        UsageError: No candidate, or fewer than one pair is wanted.

    Source:
        Pooling: Spärck Jones & van Rijsbergen 1975, as in TREC. Priority sampling: Duffield, Lund & Thorup 2007 (J. ACM 54).
    """
    if not candidates or most < 1:
        raise UsageError(f"{len(candidates)} candidates and {most} pairs were given; at least one of each is needed.")
    count = len(candidates[0])
    if count < 4:
        raise DataError(f"{count} distinct sentences are too few for pairs to label; give at least four.")
    rng = np.random.default_rng(seed)
    first, second = np.divmod(_population([*candidates, *baselines], rng), count)
    ranks = np.stack([rankdata(each[first, second]) for each in candidates]) / len(first)  # (candidates, population)
    sizes = _sizes(ranks)
    priorities = sizes / (1 - rng.random(len(first)))  # a uniform number above 0
    order = np.argsort(-priorities, kind="stable")[:most].tolist()
    return [DrawnPair(int(first[i]), int(second[i]), float(sizes[i]), float(priorities[i])) for i in order]


def sampling_weights(
    sizes: NDArray[np.float64], thresholds: Sequence[float], shares: Sequence[float] | None = None
) -> NDArray[np.float64]:
    """How many pairs of the population each labelled pair of a priority sample stands for.

    The sample is labelled batch by batch. A pair is in the first batch with the chance min(1, size / threshold), where the
    threshold is the highest priority outside of it; in the first two batches likewise; and it is labelled with the share of the
    batch that is, for each batch was shuffled.

    Args:
        sizes: Of the labelled pairs.
        thresholds: For each batch the highest priority behind it; 0 where nothing is.
        shares: How much of each batch is labelled; all of them where it is not given.

    Shapes:
        sizes, returns: (n,)

    Source:
        Duffield, Lund & Thorup 2007, §2: the inverse of that chance, with the threshold of the sample, counts without bias.
    """
    chances, before = np.zeros(len(sizes)), np.zeros(len(sizes))
    for threshold, share in zip(thresholds, shares or [1.0] * len(thresholds), strict=True):
        upto = np.minimum(1.0, sizes / threshold) if threshold else np.ones(len(sizes))
        chances += share * (upto - before)
        before = upto
    found: NDArray[np.float64] = 1 / chances
    return found


def _sizes(ranks: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much each pair tells about which candidate is right.

    Shapes:
        ranks: (candidates, population)
        returns: (population,)
    """
    apart = np.abs(ranks[1:] - ranks[0])
    apart = apart[apart.any(axis=1)]  # without those that order all pairs as the first one does
    if not len(apart):
        return np.ones(ranks.shape[1])
    spread = np.sqrt(((apart / apart.mean(axis=1, keepdims=True)) ** 2).mean(axis=0))
    found: NDArray[np.float64] = spread + _FLOOR * spread.mean()
    return found


def _population(similarities: Sequence[NDArray[np.floating]], rng: np.random.Generator) -> NDArray[np.int64]:
    """The pairs as first * texts + second, the first before the second."""
    count = len(similarities[0])
    kept = min(_NEIGHBOURS, count - 1)
    found = []
    for each in similarities:
        others = np.where(np.eye(count, dtype=bool), -np.inf, each)
        nearest = np.argpartition(-others, kept - 1, axis=1)[:, :kept]  # (texts, neighbours)
        texts = np.repeat(np.arange(count), kept)
        low, high = np.minimum(texts, nearest.reshape(-1)), np.maximum(texts, nearest.reshape(-1))
        found.append(low * count + high)
    plausible = np.unique(np.concatenate(found))
    first, second = np.triu_indices(count, k=1)
    others = np.setdiff1d(first * count + second, plausible, assume_unique=True)
    background = rng.choice(others, min(len(others), round(_BACKGROUND * len(plausible))), replace=False)
    return np.concatenate([plausible, np.sort(background)]).astype(np.int64)
