"""A bar for long work: rate, time left, and the figures that matter; a plain line now and then where there is no terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from juyi import types
from juyi.cli.output import first_process

if TYPE_CHECKING:
    from juyi.training import TrainProgress

_SECONDS_BETWEEN_LINES = 20.0
_SHOWN = {
    "loss": "loss {:.3f}",
    "alignment": "align {:.2f}",
    "uniformity": "unif {:.2f}",
    "effective_rank": "rank {:.0f}",
    "view_cosine": "views {:.2f}",
    "dev": "dev {:.3g}",
    "rows_per_second": "{:.0f} rows/s",
}
"""What is shown of a report, and how: short, so that a line of 80 columns holds all of it."""


class _Bar(Progress):
    """The bar, and the figures on a line below: beside it a common terminal has no room for them."""

    figures = ""

    def get_renderables(self) -> Iterable[RenderableType]:
        yield from super().get_renderables()
        yield Text(self.figures, no_wrap=True, overflow="ellipsis")


@contextmanager
def training_bar(
    label: str = "training", *, console: Console | None = None, clock: Callable[[], float] = time.monotonic
) -> Iterator[TrainProgress]:
    """A bar for `fit`.

    Beside the figures it prints what a report says in words: `note`, and each sentence of `warning` the first time it comes.

    Args:
        label: What is done.
        console: Where to draw; stderr, and of several processes the first one's alone.
        clock: Seconds, from any beginning.
    """
    from juyi.training import unsaid  # torch comes with it, and other bars need none

    console = console or Console(stderr=True, quiet=not first_process())
    bar = _Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )
    task = bar.add_task(label, total=None)
    last_line = clock()
    figures: dict[str, str] = {}
    said: list[str] = []

    def progress(step: int, steps: int, report: Mapping[str, float | str]) -> None:
        nonlocal last_line
        figures.update({name: form.format(float(report[name])) for name, form in _SHOWN.items() if name in report})
        text = bar.figures = "  ".join(figures[name] for name in _SHOWN if name in figures)
        bar.update(task, completed=step, total=steps)
        for key, start, style in (("note", "", "dim"), ("warning", "Warning: ", "yellow")):
            for sentence in unsaid(str(report.get(key, "")).splitlines(), said):
                said.append(sentence)
                console.print(start + sentence, style=style, markup=False, highlight=False, soft_wrap=True)
        if bar.disable and (step == steps or clock() - last_line > _SECONDS_BETWEEN_LINES):
            last_line = clock()
            console.print(f"{label} {step}/{steps}  {text}", soft_wrap=True, highlight=False)

    with bar:
        yield progress


@contextmanager
def evaluation_bar(name: str) -> Iterator[types.Progress]:
    """A bar on stderr: texts while they are encoded, then tasks."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        shown = bar.add_task(name, total=None)

        def progress(done: int, total: int, what: str) -> None:
            bar.update(shown, completed=done, total=total, description=f"{name}: {what}" if what else name)

        yield progress


class _Rate(ProgressColumn):
    """How many are done in a second."""

    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f} {self._unit}/s" if task.speed else "")


@contextmanager
def work_bar(
    *, unit: str = "", console: Console | None = None, clock: Callable[[], float] = time.monotonic
) -> Iterator[types.Progress]:
    """One bar for work of several kinds, which `what` names; a plain line now and then where there is no terminal.

    Args:
        unit: What is counted, where its rate is to be shown.
        console: Where to draw; stderr, and of several processes the first one's alone.
        clock: Seconds, from any beginning.
    """
    console = console or Console(stderr=True, quiet=not first_process())
    rate = (_Rate(unit),) if unit else ()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), *rate, TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        shown = bar.add_task("", total=None)
        current, last_line = "", clock()
        began, at_first = clock(), 0

        def progress(done: int, total: int, what: str) -> None:
            nonlocal current, last_line, began, at_first
            if what != current:
                current, began, at_first = what, clock(), done
                bar.reset(shown, description=what, total=total or None)
            bar.update(shown, completed=done, total=total or None)
            if bar.disable and clock() - last_line > _SECONDS_BETWEEN_LINES:
                last_line = clock()
                speed = (done - at_first) / max(last_line - began, 1e-9)
                of, more = (f"/{total:,}" if total else ""), ""
                if unit and speed:
                    left = f", {timedelta(seconds=round((total - done) / speed))} left" if total else ""
                    more = f"  {speed:,.0f} {unit}/s{left}"
                console.print(f"{what} {done:,}{of}{more}", soft_wrap=True, highlight=False)

        yield progress
