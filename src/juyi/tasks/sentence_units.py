"""Which items of a task are independent of each other: those that share no sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from juyi.data import normalise
from juyi.metrics import Units, connected


def sentence_units(rows: Iterable[Sequence[str]], parts: Sequence[str] | None = None) -> Units:
    """The connected components of shared sentences; sentences that `juyi.data.normalise` makes equal are the same.

    An encoder that is wrong about a sentence is wrong about it in every row, so that such rows are not several observations.

    Args:
        rows: The sentences of each item: two of a pair, three of a triplet.
        parts: The part of the whole that each item belongs to, a sub-task. Each part keeps its number of units in every
            resample; parts that share a sentence are one.
    """
    known: dict[str, str] = {}

    def key(text: str) -> str:
        if text not in known:
            known[text] = normalise(text)
        return known[text]

    components = connected([key(text) for text in row] for row in rows).tolist()
    if parts is None:
        return Units.grouped(components)
    linked = connected(zip(components, parts, strict=True)).tolist()
    return Units.grouped(components, linked)
