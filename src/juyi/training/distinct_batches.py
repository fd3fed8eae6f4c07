"""Batches in which no two rows share a key: what means the same never becomes its own negative."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

_LEFT_OUT = -1
_PATIENCE = 100
"""How many batches a row looks at; only rows with several frequent keys ever look at so many."""


class DistinctBatches:
    """Rows in batches without a shared key: of the same sizes in every epoch, with other rows in them.

    In the first epoch every row comes into the first batch that has room and follows the batches of its keys: a row that does
    not fit waits. Without shared keys that is the order itself, cut into batches. A later epoch starts from those batches and
    exchanges rows between them, so that the number of batches, and with it the number of steps, is one number for all epochs.
    Rows whose keys nobody shares come in the order of the epoch, as if there were no keys.

    Args:
        order: The rows 0, 1, … in the order of the first epoch.
        keys: Row i means `keys[i]`; a negative number stands for no key.
        size: Rows of a full batch.
        keeps: Whether a smaller batch of so many rows may come, at the end of the epoch.

    Shapes:
        order: (n,)
        keys: (n, k)

    Attributes:
        sizes: Rows of each batch, the full ones first; what is not in them is left out.
        largest: Rows of the largest batch, whether it is kept or not.
    """

    def __init__(self, order: NDArray[np.intp], keys: NDArray[np.int64], *, size: int, keeps: Callable[[int], bool]) -> None:
        self._shared, self._key_count = _shared_keys(keys)
        self._is_shared = np.zeros(len(order), dtype=np.bool_)
        self._is_shared[list(self._shared)] = True
        batches, counts = _first_fit(order, self._shared, size)
        full, smaller = np.flatnonzero(counts == size), np.flatnonzero(counts < size)
        chosen = np.array([*full, *(batch for batch in smaller if keeps(int(counts[batch])))], dtype=np.intp)
        numbers = np.full(len(counts), len(chosen), dtype=np.intp)  # what is left out comes last
        numbers[chosen] = np.arange(len(chosen))
        self.sizes: NDArray[np.intp] = counts[chosen]
        self.largest = int(counts.max(initial=0))
        self._slots = order[np.argsort(numbers[batches], kind="stable")]
        self._batch_of_slot = np.full(len(order), _LEFT_OUT, dtype=np.intp)
        self._batch_of_slot[: int(self.sizes.sum())] = np.repeat(np.arange(len(chosen)), self.sizes)

    @property
    def has_shared(self) -> bool:
        """Whether any two rows share a key."""
        return bool(self._shared)

    def first_epoch(self) -> NDArray[np.intp]:
        """The rows, batch after batch, then those that are left out."""
        return self._slots

    def later_epoch(self, order: NDArray[np.intp], rng: np.random.Generator) -> NDArray[np.intp]:
        """The rows, batch after batch, then those that are left out.

        Args:
            order: The order of this epoch.
            rng: Draws which places are exchanged.
        """
        alone = ~self._is_shared
        slots = self._exchanged(order[self._is_shared[order]], rng) if self._shared else self._slots.copy()
        slots[alone[slots]] = order[alone[order]]
        return slots

    def _exchanged(self, moving: NDArray[np.intp], rng: np.random.Generator) -> NDArray[np.intp]:
        """The places after each of the moving rows was offered another one, drawn at random."""
        slots: list[int] = self._slots.tolist()
        batch_of: list[int] = self._batch_of_slot.tolist()
        place = {slots[i]: i for i in np.flatnonzero(self._is_shared[self._slots]).tolist()}
        shared, width = self._shared, self._key_count
        holder = {batch_of[i] * width + key: row for row, i in place.items() if batch_of[i] >= 0 for key in shared[row]}
        for row, drawn in zip(moving.tolist(), rng.integers(len(slots), size=len(moving)).tolist(), strict=True):
            here, there = place[row], drawn
            old, new = batch_of[here] * width, batch_of[there] * width
            if old == new:
                continue
            keys = shared[row]
            met = {holder[new + key] for key in keys if new + key in holder}
            if len(met) > 1:
                continue
            if met:  # whoever has the same key there is the one to change places with
                there = place[met.pop()]
            other = slots[there]
            others = shared.get(other, ())
            if any(holder.get(old + key, row) != row for key in others):
                continue
            _leave(holder, old, keys)
            _leave(holder, new, others)
            _join(holder, new, keys, row)
            _join(holder, old, others, other)
            slots[here], slots[there], place[row] = other, row, there
            if others:
                place[other] = here
        return np.array(slots, dtype=np.intp)


def _leave(holder: dict[int, int], start: int, keys: tuple[int, ...]) -> None:
    if start >= 0:  # rows that are left out never meet
        for key in keys:
            del holder[start + key]


def _join(holder: dict[int, int], start: int, keys: tuple[int, ...], row: int) -> None:
    if start >= 0:
        for key in keys:
            holder[start + key] = row


def _shared_keys(keys: NDArray[np.int64]) -> tuple[dict[int, tuple[int, ...]], int]:
    """Each row that shares a key with another to those keys, numbered from 0; and how many keys there are."""
    own = np.sort(keys, axis=1)
    own[:, 1:][own[:, 1:] == own[:, :-1]] = -1  # a row that says the same twice shares nothing
    rows, columns = np.nonzero(own >= 0)
    _, numbers, counts = np.unique(own[rows, columns], return_inverse=True, return_counts=True)
    often = counts[numbers] > 1
    found: dict[int, tuple[int, ...]] = {}
    for row, number in zip(rows[often].tolist(), numbers[often].tolist(), strict=True):
        found[row] = (*found.get(row, ()), number)
    return found, len(counts)


def _first_fit(
    order: NDArray[np.intp], shared: dict[int, tuple[int, ...]], size: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The batch of each row in the order, and how many rows each batch has."""
    room, batches = _Room(len(order), size), []
    for row in order.tolist():
        keys = shared.get(row)
        batch = room.first(0) if keys is None else room.first_without(keys)
        room.take(batch, keys or ())
        batches.append(batch)
    return np.array(batches, dtype=np.intp), np.array(room.counts, dtype=np.intp)


class _Room:
    """Where there is room.

    Batches that cannot be used any more, for anyone or for whoever has a certain key, are jumped over: each jump is remembered
    and shortened as it is used (union-find). A key that comes a thousand times therefore costs little more than one that comes
    twice.

    Args:
        rows: How many rows come at most.
        size: Rows of a full batch.
    """

    def __init__(self, rows: int, size: int) -> None:
        self.counts = [0]
        self._size, self._width = size, rows + 1
        self._onward = [0]  # batch to the next one that may have room; itself where it has
        self._past: dict[int, int] = {}  # key and batch, where the batch is full or has the key, to the next that may be used
        self._last: dict[int, int] = {}  # key to the last batch that has it

    def first(self, batch: int) -> int:
        """The first batch with room from this one on; there always is one, maybe empty."""
        onward = self._onward
        while onward[batch] != batch:
            onward[batch] = batch = onward[onward[batch]]
        return batch

    def first_without(self, keys: tuple[int, ...]) -> int:
        """The first batch with room and none of the keys; where the search gets long, one behind all that have one of them."""
        batch = 0
        for _ in range(_PATIENCE):
            found = self.first(batch)
            if found != batch:
                for key in keys:
                    self._past.setdefault(key * self._width + batch, found)
            batch = found
            for key in keys:
                batch = self._beyond(key, batch)
            if batch == found:
                return batch
        return self.first(max(self._last.get(key, -1) for key in keys) + 1)

    def take(self, batch: int, keys: tuple[int, ...]) -> None:
        """Put a row with these keys into a batch with room."""
        self.counts[batch] += 1
        if self.counts[batch] == self._size:
            self._onward[batch] = batch + 1
        if batch + 1 == len(self.counts):
            self.counts.append(0)
            self._onward.append(batch + 1)
        for key in keys:
            self._past[key * self._width + batch] = batch + 1
            self._last[key] = max(batch, self._last.get(key, -1))

    def _beyond(self, key: int, batch: int) -> int:
        past, base = self._past, key * self._width
        at = base + batch
        while (onward := past.get(at)) is not None:
            past[at] = past.get(base + onward, onward)
            at = base + past[at]
        return at - base
