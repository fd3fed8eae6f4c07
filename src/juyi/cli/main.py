"""The command `juyi`: finds the command's file when it is called, and turns errors into one clear paragraph."""

from __future__ import annotations

import importlib
import sys
from contextlib import suppress
from itertools import takewhile
from typing import Any

import click

from juyi import __version__
from juyi.cli.failures import DONE, EXIT_CODES, FAILED, INTERRUPTED, flush_stdout, prepare_streams, report, silence_stdout
from juyi.cli.spoken import speak_as_asked, translated_command
from juyi.language import translated as _

COMMANDS = {
    "adapt": "Adapt an encoder to your sentences and measure what it brought.",
    "augment": "Show what augmentations make of sentences.",
    "compare": "Say whether one encoder is better than another.",
    "data": "Look at a file of sentences before anything is trained on it.",
    "doctor": "Show what is installed and whether it works.",
    "encode": "Turn sentences into vectors.",
    "evaluate": "Measure an encoder on tasks.",
    "export": "Write a model as a small folder with the graph for the engine without torch.",
    "label": "Walk through the pairs of a label sheet.",
    "models": "List the embedded encoders, show what a model folder holds.",
    "pretrain": "Make a new small encoder from running text.",
    "recipes": "List and show the experiments that ship with juyi.",
    "report": "Make a page to read: HTML that works offline, or Markdown.",
    "reproduce": "Run a published table, or a study, cell by cell.",
    "runs": "List, show and remove what was trained.",
    "similar": "How alike two sentences are.",
    "tables": "List and show what others published.",
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
        return translated_command(command)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_epilog(ctx, formatter)
        with formatter.section(_("Exit codes, of every command")):
            formatter.write_dl([(str(code), _(words)) for code, words in EXIT_CODES.items()])

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section(_("Commands")):
            formatter.write_dl([(name, _(about)) for name, about in COMMANDS.items()])


@click.group(
    cls=_Lazy,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="MODEL is a folder, a hub id, or nothing: then the encoder that ships with juyi.",
)
@click.version_option(__version__, prog_name="juyi")
@click.option("--traceback", is_flag=True, help="Show where in the code an error was raised; may stand anywhere.")
@click.option(
    "--language",
    metavar="en|zh",
    help="Of results and help; may stand anywhere. [default: JUYI_LANGUAGE, or that of the system]",
)
def cli(traceback: bool, language: str | None) -> None:
    """From unlabelled sentences to a sentence encoder that is trained, measured, explained and served.

    \b
    Start here:
      juyi adapt questions.txt -o out      adapt the embedded encoder to your sentences
      juyi similar "怎么还信用卡" "信用卡如何还款"
      juyi data check questions.txt
    """


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line; it leaves with an exit code of `juyi.cli.failures.EXIT_CODES`."""
    prepare_streams()
    arguments = sys.argv[1:] if arguments is None else arguments
    options = [*takewhile(lambda argument: argument != "--", arguments)]
    plain = arguments[len(options) :]
    with_traceback = "--traceback" in options
    try:
        options = speak_as_asked([argument for argument in options if argument != "--traceback"])
        result = translated_command(cli).main([*options, *plain], standalone_mode=False)
        flush_stdout()
        return result
    except click.exceptions.Exit as error:
        code = error.exit_code
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else FAILED if error.code else DONE
    except (click.Abort, KeyboardInterrupt) as error:
        code = _interrupted(error, arguments)
    except Exception as error:
        if with_traceback and not isinstance(error, click.ClickException):
            raise
        code = report(error, arguments)
    try:
        flush_stdout()
    except OSError as error:
        code = code or report(error, arguments)
        silence_stdout()
    sys.exit(code)


def _interrupted(error: BaseException, arguments: list[str]) -> int:
    """Click makes one thing of Ctrl-C and of a file that ended too early."""
    if isinstance(error.__cause__, EOFError):
        return report(error.__cause__, arguments)
    with suppress(OSError):
        click.echo("\nStopped.", err=True)
    return INTERRUPTED


if __name__ == "__main__":
    main()
