"""How long work takes on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable

_REPEATS = 4
_ENOUGH = 3.0


def shortest_seconds(work: Callable[[], object]) -> float:
    """The shortest of several runs: in a moment in which others keep the cores busy, the same work can take thirty times as long.

    Args:
        work: Run four times, or twice where that takes more than three seconds already.
    """
    taken: list[float] = []
    while len(taken) < 2 or (len(taken) < _REPEATS and sum(taken) < _ENOUGH):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return min(taken)
