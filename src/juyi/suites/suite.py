"""Several tasks at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from juyi.errors import DataError, UsageError
from juyi.tasks import BootstrappedScore, Task

HUB = "hub"
"""In place of a folder: the sets are read from the hub, at pinned revisions."""

Summary = Callable[[Sequence[BootstrappedScore]], Sequence[BootstrappedScore]]
"""From the figures of the tasks to their averages."""


@dataclass(frozen=True)
class Suite:
    """Tasks that are measured together, and what is wrong with their data.

    Attributes:
        name: What the suite is called.
        tasks: Those whose data can be used; no split of a task twice.
        problems: One sentence for each part that is missing or cannot be used, with its file and line.
        notes: What a reader of the figures should know.
        summarise: Makes the averages of the figures.
    """

    name: str
    tasks: Sequence[Task]
    problems: Sequence[str] = ()
    notes: Sequence[str] = ()
    summarise: Summary = field(default=lambda found: (), repr=False)


def read_suite(
    name: str, readers: Iterable[tuple[str, Callable[[], Task]]], *, notes: Sequence[str] = (), summarise: Summary | None = None
) -> Suite:
    """A suite of whatever can be read; what cannot becomes a problem in words.

    Args:
        name: What the suite is called.
        readers: What each task is called, and what reads it.
        notes: Passed on.
        summarise: Passed on.
    """
    tasks: list[Task] = []
    problems: list[str] = []
    for called, read in readers:
        try:
            tasks.append(read())
        except (DataError, UsageError) as error:
            message = str(error)
            problems.append(message if called in message else f"{called}: {message}")
    return Suite(name, tasks, problems, notes, summarise or (lambda found: ()))


class _Named(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def split(self) -> str: ...


N = TypeVar("N", bound=_Named)


def choose(items: Sequence[N], names: Sequence[str], splits: Sequence[str], suite: str) -> list[N]:
    """Those of the tasks, read or only declared, that are asked for; all of them where nothing is.

    Args:
        items: What there is to choose from; of nothing nothing is chosen.
        names: Tasks.
        splits: Splits.
        suite: What errors call the whole.

    Raises:
        UsageError: There is no such task, or none of them has such a split.
    """
    known = list(dict.fromkeys(item.name for item in items))
    if items and (strange := [name for name in names if name not in known]):
        raise UsageError(f"There is no task '{strange[0]}' in {suite}. There are: {', '.join(known)}.")
    named = [item for item in items if not names or item.name in names]
    chosen = [item for item in named if not splits or item.split in splits]
    if named and not chosen:
        there = ", ".join(dict.fromkeys(item.split for item in named))
        raise UsageError(f"The suite {suite} has no split '{splits[0]}'. There are: {there}.")
    return chosen
