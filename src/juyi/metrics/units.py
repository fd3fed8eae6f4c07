"""What is independent: items that have something in common are one unit, and a resample draws them together or not at all."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


@dataclass(frozen=True, eq=False)
class Units:
    """Which unit each item belongs to. Units are numbered class by class, and drawn within their class.

    Attributes:
        of: The unit of each item.
        classes: How many units each class has; one number where all are drawn together.
        weights: What each item counts in the figures; None for all alike.

    Shapes:
        of: (items,)
        weights: (items,)
    """

    of: NDArray[np.intp]
    classes: tuple[int, ...]
    weights: NDArray[np.float64] | None = None

    @classmethod
    def single(cls, *sizes: int) -> Units:
        """Every item a unit of its own; with several sizes the items of each class are drawn among themselves."""
        return cls(np.arange(sum(sizes)), sizes)

    @classmethod
    def grouped(cls, groups: Sequence[Hashable], classes: Sequence[Hashable] | None = None) -> Units:
        """Items of one group are one unit.

        Args:
            groups: What each item belongs to.
            classes: The class of each item, where each class keeps its size in every resample; what has one group and two
                classes is two units.
        """
        numbers: dict[Hashable, dict[Hashable, int]] = {}
        places = []
        for group, kind in zip(groups, classes if classes is not None else [None] * len(groups), strict=True):
            known = numbers.setdefault(kind, {})
            places.append((kind, known.setdefault(group, len(known))))
        sizes = [len(known) for known in numbers.values()]
        starts = dict(zip(numbers, np.cumsum([0, *sizes[:-1]]).tolist(), strict=True)) if numbers else {}
        return cls(np.array([starts[kind] + number for kind, number in places], dtype=np.intp), tuple(sizes))

    @classmethod
    def joined(cls, parts: Sequence[Units]) -> Units:
        """The units of several sets of items that have nothing in common, each set a class or classes of its own."""
        starts = np.cumsum([0, *(part.count for part in parts)])
        of = [part.of + start for part, start in zip(parts, starts[:-1], strict=True)]
        return cls(np.concatenate(of), tuple(size for part in parts for size in part.classes))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Units):
            return NotImplemented
        weights, others = (1.0 if each.weights is None else each.weights for each in (self, other))
        same = self.classes == other.classes and np.array_equal(self.of, other.of)
        return self is other or (same and bool(np.all(weights == np.asarray(others))))

    def __hash__(self) -> int:
        return hash((self.classes, len(self.of)))

    @property
    def count(self) -> int:
        """How many units there are."""
        return sum(self.classes)

    @property
    def items(self) -> int:
        """How many items there are."""
        return len(self.of)

    def among(self, items: NDArray[np.integer] | None = None) -> int:
        """How many units the items belong to, all items or some."""
        return self.count if items is None else len(np.unique(self.of[items]))

    def effective(self, items: NDArray[np.integer] | None = None) -> float:
        """How many units of equal size are worth as much: the squared weight of all by the sum of the units' squared weights.

        A mean over units of unequal size is as unsure as one over fewer units of equal size; where one unit holds half of the
        items, that is less than four, however many small ones there are.

        Args:
            items: The items that a figure is about; None for all.

        Source:
            Kish 1965, the effective sample size of unequal weights; as the degrees of freedom of clusters of unequal size:
            Carter, Schnepel & Steigerwald 2017.
        """
        weights = np.ones(self.items) if self.weights is None else self.weights
        chosen = slice(None) if items is None else items
        sizes = np.bincount(self.of[chosen], weights=weights[chosen])
        return float(sizes.sum() ** 2 / (sizes @ sizes))


def connected(rows: Iterable[Sequence[Hashable]]) -> NDArray[np.intp]:
    """The number of the connected component of each row: rows that share a member are connected, and so on.

    Args:
        rows: The members of each row, the sentences of a pair for example; a row without any is alone.

    Shapes:
        returns: (rows,), numbered in the order in which they first occur
    """
    members = [list(row) for row in rows]
    count = len(members)
    if not count:
        return np.zeros(0, dtype=np.intp)
    numbers: dict[Hashable, int] = {}
    columns = np.array([numbers.setdefault(member, len(numbers)) for row in members for member in row], dtype=np.intp)
    places = np.repeat(np.arange(count), [len(row) for row in members])
    # Rows and members are the nodes of one graph, the rows first.
    size = count + len(numbers)
    graph = coo_array((np.ones(len(places), dtype=np.int8), (places, count + columns)), shape=(size, size))
    _, components = connected_components(graph, directed=False)
    _, firsts, inverse = np.unique(components[:count], return_index=True, return_inverse=True)
    order = np.empty(len(firsts), dtype=np.intp)
    order[np.argsort(firsts)] = np.arange(len(firsts))
    found: NDArray[np.intp] = order[inverse.reshape(-1)]
    return found


def joint_effective(effectives: Sequence[float], weights: Sequence[float]) -> float:
    """The effective number of units of a weighted sum of independent means, each with a number of its own.

    The variance of a mean is taken as inversely proportional to its number of units.

    Args:
        effectives: The number of each mean, as `Units.effective` gives it; infinity where nothing limits it.
        weights: The weight of each in the sum.

    Source:
        Welch 1947, Satterthwaite 1946: the degrees of freedom of a sum of variances.
    """
    numbers = np.asarray(effectives, dtype=np.float64)
    if np.isinf(numbers).all():
        return float("inf")
    if (numbers <= 1).any():
        return 1.0
    variances = np.asarray(weights, dtype=np.float64) ** 2 / numbers
    return float(1 + variances.sum() ** 2 / (variances**2 / (numbers - 1)).sum())
