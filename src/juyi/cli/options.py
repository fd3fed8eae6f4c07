"""Options that several commands share, worded once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

import click

from juyi.assets import DEFAULT_ENCODER
from juyi.engines.engine import ENGINE_KINDS

FORMATS = ("", "txt", "csv", "tsv", "json", "jsonl", "xlsx", "parquet")

F = TypeVar("F", bound=Callable[..., Any])

model: Callable[[F], F] = click.option(
    "-m", "--model", default="", help=f"A folder, a hub id, or an embedded encoder. [default: {DEFAULT_ENCODER}, embedded]"
)
pooling: Callable[[F], F] = click.option(
    "--pooling", help="cls, pooler, last-avg, first-last-avg, top2-avg, … [default: the model's own, or last-avg]"
)
prompt: Callable[[F], F] = click.option(
    "--prompt",
    metavar="NAME|TEXT",
    help='Put before every text: a prompt of the model by name, or a text; "" for none. [default: the model\'s own]',
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


def column_names(context: click.Context, option: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    """Names that were given one by one, or with commas between."""
    return tuple(name.strip() for names in given for name in names.split(",") if name.strip())


def _label_scores(context: click.Context, option: click.Parameter, given: tuple[str, ...]) -> dict[str, float]:
    scores: dict[str, float] = {}
    for pair in given:
        word, _, score = pair.rpartition("=")
        try:
            scores[word] = float(score)
        except ValueError:
            raise click.BadParameter(f"'{pair}' is not WORD=SCORE, such as 是=1.") from None
    return scores


def reading(command: F) -> F:
    """The options that say how a file is read where its content shall not decide; the command gets them as `reading`."""

    @functools.wraps(command)
    def with_reading(*args: Any, **given: Any) -> Any:
        from juyi.data import ReadSettings

        names = ("columns", "encoding", "format", "delimiter", "header", "label_scores")
        return command(*args, reading=ReadSettings(**{name: given.pop(f"read_{name}") for name in names}), **given)

    decorated: Any = with_reading
    for option in reversed(
        (
            click.option(
                "--column",
                "--columns",
                "read_columns",
                metavar="NAME[,NAME]",
                multiple=True,
                callback=column_names,
                help="Columns to read, by name or number from 1; may be repeated. [default: found by names and content]",
            ),
            click.option(
                "--encoding", "read_encoding", default="", help="Text encoding of the file, gb18030 for example. [default: found]"
            ),
            click.option(
                "--input-format",
                "read_format",
                type=click.Choice(FORMATS),
                default="",
                help="Form of the file, of standard input for example. [default: found]",
            ),
            click.option("--delimiter", "read_delimiter", default="", help="What parts the cells of a line. [default: found]"),
            click.option(
                "--header/--no-header", "read_header", default=None, help="Whether the first row holds names. [default: found]"
            ),
            click.option(
                "--label-score",
                "read_label_scores",
                metavar="WORD=SCORE",
                multiple=True,
                callback=_label_scores,
                help="The score that a word in the column of labels stands for; may be repeated. [default: 是=1, 否=0, …]",
            ),
        )
    ):
        decorated = option(decorated)
    return cast(F, decorated)


def form(first: str, *others: str) -> Callable[[F], F]:
    """The option --format; the first of the forms is the default."""
    return click.option(
        "--format", "form", type=click.Choice([first, *others]), default=first, show_default=True, help="Form of what is printed."
    )
