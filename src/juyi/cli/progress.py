"""A bar for long work: rate, time left, and the figures that matter; a plain line now and then where there is no terminal."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from juyi.cli.output import first_process
from juyi.training import Watcher

_SECONDS_BETWEEN_LINES = 20.0
_SHOWN = ("loss", "alignment", "uniformity", "dev")


@contextmanager
def training_bar(label: str = "training") -> Iterator[Watcher]:
    """A watcher for `fit` that draws on stderr."""
    console = Console(stderr=True, quiet=not first_process())
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[figures]}"),
        console=console,
        disable=not console.is_terminal,
    )
    task = bar.add_task(label, total=None, figures="")
    last_line = time.monotonic()
    figures: dict[str, str] = {}
    warned: set[str] = set()

    def watch(step: int, steps: int, report: Mapping[str, float | str]) -> None:
        nonlocal last_line
        figures.update({name: f"{name} {float(report[name]):.3f}" for name in _SHOWN if name in report})
        if "rows_per_second" in report:
            figures["rate"] = f"{float(report['rows_per_second']):.0f} rows/s"
        text = "  ".join(figures.values())
        bar.update(task, completed=step, total=steps, figures=text)
        if "warning" in report and report["warning"] not in warned:
            warned.add(str(report["warning"]))
            console.print(f"Warning: {report['warning']}", style="yellow")
        if bar.disable and (step == steps or time.monotonic() - last_line > _SECONDS_BETWEEN_LINES):
            last_line = time.monotonic()
            console.print(f"{label} {step}/{steps}  {text}", soft_wrap=True)

    with bar:
        yield watch
