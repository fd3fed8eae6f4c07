"""`juyi runs`: what was trained, how far it came, and what it takes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from juyi.cli import options
from juyi.cli.output import emit, put, say
from juyi.errors import UsageError

if TYPE_CHECKING:
    from juyi.experiments.runs import RunSummary

_runs = click.option(
    "--runs", default="runs", show_default=True, type=click.Path(file_okay=False), help="Where the run folders are."
)


@click.group("runs")
def command() -> None:
    """List, show and remove the runs of `juyi train`.

    \b
    Examples:
      juyi runs list
      juyi runs show mini/words/3f0a
      juyi runs remove mini/words/3f0a51c2d9e4
    """


@command.command("list")
@_runs
@options.form("table", "json", "jsonl", "csv")
def list_runs(runs: str, form: str) -> None:
    """List the runs, one a line: state, development figure, size, and when something in it was last written."""
    from juyi.experiments.runs import list_runs as every_run

    found = every_run(Path(runs))
    if not found:
        say(f"There are no runs in {runs}.")
    emit([_row(run) if form == "table" else _record(run) for run in found], form)


@command.command("show")
@click.argument("run")
@_runs
@options.form("table", "json")
def show(run: str, runs: str, form: str) -> None:
    """Print what RUN (name/hash, or the beginning of it) was to do, every setting stated, and what came out."""
    import json
    import tomllib

    from juyi.experiments.runs import find_run, run_contents

    found = find_run(Path(runs), run)
    path = found.folder / "recipe.toml"
    recipe = path.read_text(encoding="utf-8") if path.is_file() else ""
    contents = run_contents(found)
    if form == "json":
        record = {**_record(found), "recipe": tomllib.loads(recipe), **contents}
        put(json.dumps(record, ensure_ascii=False, indent=2))
        return
    emit([{"": key, "value": str(value)} for key, value in _row(found).items()], "table")
    if found.error:
        put(f"{found.error}\n")
    put(recipe)
    if contents:
        put(json.dumps(contents, ensure_ascii=False, indent=2))


@command.command("remove")
@click.argument("names", metavar="RUN…", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@_runs
def remove(names: tuple[str, ...], yes: bool, runs: str) -> None:
    """Delete RUN…, models and all. A run that a process is at is refused."""
    from juyi.experiments.runs import find_run, remove_run

    chosen = {run.folder: run for run in (find_run(Path(runs), name) for name in names)}
    for run in chosen.values():
        if yes or _agreed(f"Delete {run.label} ({_state(run)}, {_size(run)}) for good?"):
            remove_run(run)
            say(f"Deleted {run.folder}")


def _agreed(question: str) -> bool:
    try:
        return click.confirm(question, err=True)
    except click.Abort as error:
        if isinstance(error.__context__, EOFError):
            raise UsageError("There is nobody to ask: standard input has ended. --yes deletes without a question.") from error
        raise


def _row(run: RunSummary) -> dict[str, Any]:
    return {
        "run": run.label,
        "kind": run.kind or None,
        "state": _state(run),
        "dev": run.dev,
        "size": _size(run),
        "changed": run.changed.strftime("%Y-%m-%d %H:%M"),
    }


def _record(run: RunSummary) -> dict[str, Any]:
    return {
        "name": run.name,
        "hash": run.hash,
        "kind": run.kind,
        "state": run.state,
        "step": run.step,
        "steps": run.steps,
        "dev": run.dev,
        "bytes": run.size,
        "changed": run.changed.isoformat(timespec="seconds"),
        "folder": str(run.folder),
        "error": run.error,
    }


def _state(run: RunSummary) -> str:
    if run.state == "empty":
        return run.state
    return f"{run.state} at step {run.step:,}" + (f" of {run.steps:,}" if run.steps else "")


def _size(run: RunSummary) -> str:
    return f"{run.size / 1e6:.1f} MB"
