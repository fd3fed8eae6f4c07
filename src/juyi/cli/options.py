"""Options that several commands share, worded once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from juyi.assets import DEFAULT_ENCODER
from juyi.engines.engine import ENGINE_KINDS

F = TypeVar("F", bound=Callable[..., Any])

model: Callable[[F], F] = click.option(
    "-m", "--model", default="", help=f"A folder, a hub id, or an embedded encoder. [default: {DEFAULT_ENCODER}, embedded]"
)
pooling: Callable[[F], F] = click.option(
    "--pooling", help="cls, pooler, last-avg, first-last-avg, last-token, max, … [default: the model's own, or last-avg]"
)
encoding: Callable[[F], F] = click.option(
    "--encoding", default="utf-8", show_default=True, help="Text encoding of the file, gb18030 for example."
)
column: Callable[[F], F] = click.option(
    "--column",
    "columns",
    multiple=True,
    help="Column to read, by name or number from 1; may be repeated. [default: the columns that hold text]",
)
engine: Callable[[F], F] = click.option(
    "--engine", type=click.Choice(ENGINE_KINDS), default=ENGINE_KINDS[0], show_default=True, help="What runs the encoder."
)
seed: Callable[[F], F] = click.option("--seed", default=42, show_default=True, help="Draws everything that is random.")
override: Callable[[F], F] = click.option(
    "-o", "overrides", metavar="TABLE.KEY=VALUE", multiple=True, help="Change a setting of the recipe; may be repeated."
)
runs: Callable[[F], F] = click.option(
    "--runs", default="runs", show_default=True, type=click.Path(file_okay=False), help="Where run folders go."
)


def form(first: str, *others: str) -> Callable[[F], F]:
    """The option --format; the first of the forms is the default."""
    return click.option(
        "--format", "form", type=click.Choice([first, *others]), default=first, show_default=True, help="Form of what is printed."
    )
