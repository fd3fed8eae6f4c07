"""Which rows come together at which step: a function of the seed alone, so that a run can be taken up anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from juyi.errors import TrainingError
from juyi.training.distinct_batches import DistinctBatches

Mixing = Literal["joined", "proportional", "round-robin"]
"""How the rows of several data sets come together."""


@dataclass(frozen=True)
class _Part:
    """Rows whose batches are made by themselves: all of them, or one data set.

    Attributes:
        members: The row numbers, ascending; None stands for all rows.
        count: How many they are.
        sizes: Rows of each batch of an epoch.
        distinct: Makes the batches where keys are given.
    """

    members: NDArray[np.intp] | None
    count: int
    sizes: NDArray[np.intp]
    distinct: DistinctBatches | None


@dataclass(frozen=True)
class BatchPlan:
    """The order of the rows over a run.

    Every epoch has equally many steps, and leaves out equally many rows: other ones every time.

    Attributes:
        rows: How many rows there are.
        batch_size: Rows of one step, over all processes.
        drop_last: Leave out the smaller batches at the end of an epoch. One with a single row is always left out (it has no
            negative), as is one that does not split evenly over the processes.
        seed: Draws the order, anew for every epoch.
        rank: This process's number.
        world_size: Processes; each takes an equal share of every batch.
        keys: What each row means. Two rows that share a number, in whichever column, never come into one batch; a negative
            number stands for none.
        sources: The number of each row's data set.
        mixing: `joined`: the rows of all data sets are shuffled together. `proportional`: every batch is of one data set, and
            each comes as often as it has batches. `round-robin`: likewise, but the data sets take turns until the smallest is
            used up (as `RoundRobinBatchSampler` of sentence-transformers).

    Shapes:
        keys: (rows, k)
        sources: (rows,)
    """

    rows: int
    batch_size: int
    drop_last: bool
    seed: int
    rank: int = 0
    world_size: int = 1
    keys: NDArray[np.int64] | None = field(default=None, repr=False, compare=False)
    sources: NDArray[np.int64] | None = field(default=None, repr=False, compare=False)
    mixing: Mixing = "joined"

    def __post_init__(self) -> None:
        if self.batch_size % self.world_size:
            raise TrainingError(f"The batch of {self.batch_size} rows does not split evenly over {self.world_size} processes.")
        if self.keys is not None and (self.keys.ndim != 2 or len(self.keys) != self.rows):
            raise TrainingError(f"The keys have the shape {self.keys.shape}; {self.rows} rows need ({self.rows}, k).")
        if self.sources is not None and self.sources.shape != (self.rows,):
            raise TrainingError(f"The sources have the shape {self.sources.shape}; {self.rows} rows need ({self.rows},).")
        for part in self._parts:
            if not len(part.sizes):
                raise TrainingError(self._too_few(part))

    @property
    def steps_per_epoch(self) -> int:
        """Batches in one pass over the rows."""
        return sum(self._taken)

    @property
    def left_out(self) -> int:
        """Rows of each epoch that come into no batch."""
        return self.rows - sum(int(part.sizes[:taken].sum()) for part, taken in zip(self._parts, self._taken, strict=True))

    def batches(self, first_step: int, steps: int) -> Iterator[NDArray[np.intp]]:
        """This process's row numbers for the steps from `first_step` up to `steps`."""
        per_epoch = self.steps_per_epoch
        starts = [np.concatenate(([0], np.cumsum(part.sizes))).tolist() for part in self._parts]
        drawn = -1
        for step in range(first_step, steps):
            epoch, index = divmod(step, per_epoch)
            if epoch != drawn:
                orders, turns, drawn = self._orders(epoch), self._turns(epoch), epoch
            part, place = turns[index]
            batch = orders[part][starts[part][place] : starts[part][place + 1]]
            share = len(batch) // self.world_size
            yield batch[self.rank * share : (self.rank + 1) * share]

    def describe(self) -> str:
        """One sentence for people: the batches of an epoch, and what is left out and why."""
        sizes = np.concatenate([part.sizes[:taken] for part, taken in zip(self._parts, self._taken, strict=True)])
        smaller = sizes[sizes < self.batch_size]
        words = f"{_count(self.rows, 'row')} in {_count(len(sizes), 'batch')} of {self.batch_size:,} an epoch"
        if len(smaller):
            low, high = int(smaller.min()), int(smaller.max())
            words += f", {len(smaller):,} of them smaller ({low:,}{f' to {high:,}' if high > low else ''} rows)"
        if self.world_size > 1:
            words += f", each shared by {self.world_size} processes"
        if len(self._parts) > 1:
            turns = "in turn" if self.mixing == "round-robin" else "in proportion to their size"
            words += f", each batch from one of {len(self._parts)} data sets {turns}"
        if any(part.distinct is not None and part.distinct.has_shared for part in self._parts):
            words += ", no two rows of a batch with the same text or group"
        return words + f"; {self._remainder()}."

    def _remainder(self) -> str:
        count = self.left_out
        if not count:
            return "no row is left out"
        rows, verb = _count(count, "row"), "is" if count == 1 else "are"
        rests = sum(part.count % self.batch_size for part in self._parts)
        if any(taken < len(part.sizes) for part, taken in zip(self._parts, self._taken, strict=True)):
            reason = "the smallest data set is used up before, training.mixing"
        elif count > rests:
            reason = "every batch with room for them has their text or group, training.distinct_batches"
        elif self.drop_last:
            rows, reason = f"the last {rows}", "training.drop_last"
        elif self.world_size > 1:
            reason = f"a batch must split evenly over {self.world_size} processes"
        else:
            reason = "a batch of one row has no negative"
        return f"{rows} of each epoch {verb} left out ({reason})"

    @cached_property
    def _parts(self) -> list[_Part]:
        order = self._order(0)
        if self.sources is None or self.mixing == "joined":
            return [self._part(None, order, self.keys)]
        parts = []
        for number in np.unique(self.sources).tolist():
            members = np.flatnonzero(self.sources == number)
            keys = None if self.keys is None else self.keys[members]
            parts.append(self._part(members, _within(order, members, self.rows), keys))
        return parts or [self._part(None, order, self.keys)]

    def _part(self, members: NDArray[np.intp] | None, order: NDArray[np.intp], keys: NDArray[np.int64] | None) -> _Part:
        if keys is not None:
            distinct = DistinctBatches(order, keys, size=self.batch_size, keeps=self._keeps)
            return _Part(members, len(order), distinct.sizes, distinct)
        whole, rest = divmod(len(order), self.batch_size)
        sizes = [self.batch_size] * whole + [rest] * self._keeps(rest)
        return _Part(members, len(order), np.array(sizes, dtype=np.intp), None)

    @cached_property
    def _taken(self) -> list[int]:
        """How many batches of each part come in an epoch."""
        counts = [len(part.sizes) for part in self._parts]
        return [min(counts)] * len(counts) if self.mixing == "round-robin" else counts

    def _order(self, epoch: int) -> NDArray[np.intp]:
        return np.random.default_rng([self.seed, epoch]).permutation(self.rows)

    def _orders(self, epoch: int) -> list[NDArray[np.intp]]:
        """The rows of each part, batch after batch."""
        everyone, orders = self._order(epoch), []
        for number, part in enumerate(self._parts):
            order = everyone if part.members is None else _within(everyone, part.members, self.rows)
            if part.distinct is not None and epoch == 0:
                order = part.distinct.first_epoch()
            elif part.distinct is not None:
                order = part.distinct.later_epoch(order, np.random.default_rng([self.seed, epoch, 1, number]))
            orders.append(order if part.members is None else part.members[order])
        return orders

    def _turns(self, epoch: int) -> list[tuple[int, int]]:
        """The part of each step of an epoch, and which of its batches comes."""
        if self.mixing == "round-robin":
            return [(part, place) for place in range(self._taken[0]) for part in range(len(self._parts))]
        parts = np.repeat(np.arange(len(self._parts)), self._taken)
        if len(self._parts) > 1:
            parts = np.random.default_rng([self.seed, epoch, 2]).permutation(parts)
        places = [iter(range(taken)) for taken in self._taken]
        return [(part, next(places[part])) for part in parts.tolist()]

    def _keeps(self, rest: int) -> bool:
        return not self.drop_last and rest > 1 and rest % self.world_size == 0

    def _too_few(self, part: _Part) -> str:
        where, there = "There are", ""
        if part.members is not None and self.sources is not None:
            where, there = f"Data set {int(self.sources[part.members[0]])} has", ", or set training.mixing to joined"
        if part.distinct is not None and part.count >= self.batch_size:
            return (
                f"{where} {part.count:,} rows, but no batch of {self.batch_size} comes together without two rows of the same "
                f"text or group: the largest has {part.distinct.largest}. Lower training.batch_size, or set "
                f"training.distinct_batches to false{there}."
            )
        return (
            f"{where} {part.count} rows, too few for one batch of {self.batch_size}. Give more rows, or lower "
            f"training.batch_size{there}."
        )


def _within(order: NDArray[np.intp], members: NDArray[np.intp], rows: int) -> NDArray[np.intp]:
    """The members in the given order, each by its place among the members."""
    places = np.full(rows, -1, dtype=np.intp)
    places[members] = np.arange(len(members))
    own = places[order]
    return own[own >= 0]


def _count(number: int, thing: str) -> str:
    plural = {"row": "rows", "batch": "batches"}[thing]
    return f"{number:,} {thing if number == 1 else plural}"
