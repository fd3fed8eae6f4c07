"""How a command ends: the table of exit codes, and one clear paragraph for whatever went wrong."""

from __future__ import annotations

import io
import os
import sys
import textwrap
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import click

from juyi.errors import JuyiError, MissingExtraError, UsageError, system_error, system_words
from juyi.extras import EXTRA_OF

DONE, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130
EXIT_CODES = {
    DONE: "done",
    FAILED: "failed: a file, a model, the disk, or something that was to be measured",
    USAGE: "wrong use: an option, an argument or a setting",
    INTERRUPTED: "interrupted (Ctrl-C)",
}
"""Of every command."""


def prepare_streams() -> None:
    """Make standard streams safe to use, whatever the caller did with them.

    A stream that was closed before the start gives its number to the next file that is opened, and what a library prints would
    land in it: the null device takes its place. Arguments may hold bytes that are no text (names of files), and come out as they
    went in.
    """
    for number, stream in enumerate((sys.stdin, sys.stdout, sys.stderr)):
        if stream is None:
            with suppress(OSError):
                os.fstat(number)
                continue  # something else has the number already
            with suppress(OSError):
                os.open(os.devnull, os.O_RDWR)
    if sys.stdin is None:
        sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115 (for the life of the process)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="surrogateescape")


def flush_stdout() -> None:
    """Write what is still to be written to stdout, so that its failure is one of the command."""
    if sys.stdout is not None:
        sys.stdout.flush()


def silence_stdout() -> None:
    """Forget what could not be written to stdout: at its end Python would try again, and complain."""
    with suppress(OSError, ValueError, AttributeError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


def report(error: BaseException, arguments: Sequence[str]) -> int:
    """Say on stderr what went wrong, in one paragraph; the exit code."""
    if isinstance(error, click.ClickException):
        with suppress(OSError):
            error.show()
        return error.exit_code
    if isinstance(error, BrokenPipeError):  # the reader has had enough
        return FAILED
    paragraph = textwrap.fill(_words(error, arguments), width=100, break_long_words=False, break_on_hyphens=False)
    with suppress(OSError):
        click.echo(f"Error: {paragraph}", err=True)
    return USAGE if isinstance(error, UsageError) else FAILED


def _words(error: BaseException, arguments: Sequence[str]) -> str:
    if isinstance(error, JuyiError):
        return str(error)
    if isinstance(error, ModuleNotFoundError) and error.name in EXTRA_OF:
        return str(MissingExtraError(error.name, EXTRA_OF[error.name], "This command"))
    if isinstance(error, UnicodeEncodeError):
        return (
            f"{error.object[error.start : error.end]!r} cannot be written in {error.encoding}. Set PYTHONUTF8=1, or take a "
            "terminal that knows UTF-8; half of a character is no text anywhere."
        )
    if isinstance(error, MemoryError):
        return "The memory of this machine is used up. Take fewer texts at once, smaller batches, or a smaller model."
    reported = system_error(error)
    if reported is not None:
        place = f"{os.fsdecode(reported.filename)}: " if reported.filename else ""
        return f"{place}{system_words(reported)}"
    command = next((argument for argument in arguments if not argument.startswith("-")), "")
    return (
        f"{type(error).__name__}: {error}. This was not foreseen; it is a fault of juyi or of a library. To see where it "
        f"happened, for a report: juyi --traceback {command} …"
    )
