"""Options that several commands share, worded once."""

from __future__ import annotations

import difflib
import functools
import itertools
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from juyi.assets import DEFAULT_ENCODER
from juyi.cli.output import say
from juyi.engines.engine import ENGINE_KINDS, PRECISION_CHOICES
from juyi.errors import UsageError

FORMATS = ("", "txt", "csv", "tsv", "json", "jsonl", "xlsx", "parquet")

F = TypeVar("F", bound=Callable[..., Any])


class Command(click.Command):
    """A command whose arguments may begin with a minus: "-5度" is a sentence or a file; "--modle" is a mistyped option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does it, but what cannot be an option is an argument."""
        options = [parameter for parameter in self.get_params(ctx) if isinstance(parameter, click.Option)]
        takes_value = {name: not option.is_flag for option in options for name in (*option.opts, *option.secondary_opts)}
        before = ""
        for argument in itertools.takewhile(lambda argument: argument != "--", args):
            if not takes_value.get(before, False) and re.match("--?[A-Za-z]", argument):
                name = argument.partition("=")[0] if argument.startswith("--") else argument[:2]
                if name not in takes_value:
                    raise click.NoSuchOption(name, possibilities=difflib.get_close_matches(name, takes_value), ctx=ctx)
            before = argument
        ctx.ignore_unknown_options = True
        return super().parse_args(ctx, args)


model: Callable[[F], F] = click.option(
    "-m", "--model", default="", help=f"A folder, a hub id, or an embedded encoder. [default: {DEFAULT_ENCODER}, embedded]"
)
pooling: Callable[[F], F] = click.option(
    "--pooling", help="cls, pooler, last-avg, first-last-avg, last-token, max, … [default: the model's own, or last-avg]"
)
prompt: Callable[[F], F] = click.option(
    "--prompt",
    metavar="NAME|TEXT",
    help='Put before every text: a prompt of the model by name, or a text; "" for none. [default: the model\'s own]',
)
engine: Callable[[F], F] = click.option(
    "--engine", type=click.Choice(ENGINE_KINDS), default=ENGINE_KINDS[0], show_default=True, help="What runs the encoder."
)
precision: Callable[[F], F] = click.option(
    "--precision",
    type=click.Choice(PRECISION_CHOICES),
    default=PRECISION_CHOICES[0],
    show_default=True,
    help="What products are computed in. auto: bfloat16 where it is fast and the vectors keep their direction.",
)
seed: Callable[[F], F] = click.option("--seed", default=42, show_default=True, help="Draws everything that is random.")
override: Callable[[F], F] = click.option(
    "--set", "overrides", metavar="TABLE.KEY=VALUE", multiple=True, help="Change a setting of the recipe; may be repeated."
)
output_model: Callable[[F], F] = click.option(
    "-o",
    "--output",
    "outputs",
    metavar="FOLDER",
    multiple=True,
    help="Write the finished model there too, whole or not at all. [default: in its run folder alone]",
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


def output_and_overrides(outputs: Sequence[str], overrides: Sequence[str]) -> tuple[Path | None, tuple[str, ...]]:
    """The folder of `-o` and the settings; `-o TABLE.KEY=VALUE`, as settings were once written, is understood and told.

    Raises:
        UsageError: Several folders are given, or a file is there.
    """
    settings = [each for each in outputs if re.match(r"[A-Za-z_][\w-]*(\.[A-Za-z_][\w-]*)*=", each)]
    folders = [each for each in outputs if each not in settings]
    if settings:
        say(f"Note: settings are written {' '.join(f'--set {each}' for each in settings)} now; -o says where output goes.")
    if len(folders) > 1:
        raise UsageError(f"-o names {len(folders)} folders ({', '.join(folders)}); the model is written to one.")
    return Path(folders[0]) if folders else None, (*settings, *overrides)


def form(first: str, *others: str) -> Callable[[F], F]:
    """The option --format; the first of the forms is the default."""
    return click.option(
        "--format", "form", type=click.Choice([first, *others]), default=first, show_default=True, help="Form of what is printed."
    )
