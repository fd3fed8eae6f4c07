"""The command `juyi`: finds the command's file when it is called, and turns errors into one clear paragraph."""

from __future__ import annotations

import importlib
import sys
import textwrap
from typing import Any

import click

from juyi import __version__
from juyi.errors import JuyiError, MissingExtraError, UsageError
from juyi.extras import EXTRA_OF

COMMANDS = {
    "adapt": "Adapt an encoder to your sentences and measure what it brought.",
    "augment": "Show what augmentations make of sentences.",
    "compare": "Say whether one encoder is better than another.",
    "data": "Look at a file of sentences before anything is trained on it.",
    "doctor": "Show what is installed and whether it works.",
    "encode": "Turn sentences into vectors.",
    "evaluate": "Measure an encoder on tasks.",
    "export": "Write a model as a small folder with the graph for the engine without torch.",
    "models": "List the embedded encoders, show what a model folder holds.",
    "pretrain": "Make a new small encoder from running text.",
    "recipes": "List and show the experiments that ship with juyi.",
    "runs": "List, show and remove what was trained.",
    "similar": "How alike two sentences are.",
    "tasks": "List what can be measured.",
    "train": "Train by a recipe.",
    "whiten": "Add a whitening to an encoder.",
}


class _Lazy(click.Group):
    """A group that imports a command's file only when that command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"juyi.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=_Lazy,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="MODEL is a folder, a hub id, or nothing: then the encoder that ships with juyi.",
)
@click.version_option(__version__, prog_name="juyi")
@click.option("--traceback", is_flag=True, help="Show where in the code an error was raised.")
@click.pass_context
def cli(ctx: click.Context, traceback: bool) -> None:
    """From unlabelled sentences to a sentence encoder that is trained, measured, explained and served.

    \b
    Start here:
      juyi adapt questions.txt -o out      adapt the embedded encoder to your sentences
      juyi similar "怎么还信用卡" "信用卡如何还款"
      juyi data check questions.txt
    """
    ctx.obj = {"traceback": traceback}


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line; exit code 0, 1 (failed), 2 (wrong use) or 130 (interrupted)."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        return cli.main(arguments, standalone_mode=False)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("\nStopped.", err=True)
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except (JuyiError, ModuleNotFoundError) as error:
        if isinstance(error, ModuleNotFoundError) and error.name not in EXTRA_OF:
            raise
        if "--traceback" in arguments:
            raise
        if isinstance(error, ModuleNotFoundError):
            error = MissingExtraError(str(error.name), EXTRA_OF[str(error.name)], "This command")
        click.echo("Error: " + textwrap.fill(str(error), width=100, break_long_words=False, break_on_hyphens=False), err=True)
        sys.exit(2 if isinstance(error, UsageError) else 1)


if __name__ == "__main__":
    main()
