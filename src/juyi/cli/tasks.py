"""`juyi tasks`: what `juyi evaluate` can measure."""

from __future__ import annotations

import click

from juyi.cli import options
from juyi.cli.output import emit


@click.group("tasks")
def command() -> None:
    """List what `juyi evaluate` and `juyi compare` can measure."""


@command.command("list")
@options.form("table", "json", "jsonl", "csv")
def list_tasks(form: str) -> None:
    """List the suites that have a name, one a line; a file of pairs and a .toml file are suites too."""
    from juyi.suites import SUITES

    emit([{"suite": name, "what is measured": words} for name, words in SUITES.items()], form)
