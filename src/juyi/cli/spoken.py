"""Help in the language that is spoken, click's own words included."""

from __future__ import annotations

import gettext
import inspect
import os
from collections.abc import Sequence

import click

from juyi.errors import UsageError
from juyi.language import CATALOGUES, choose_language, language
from juyi.language import translated as _

_OPTION = "--language"


def speak_as_asked(arguments: Sequence[str]) -> list[str]:
    """Choose the language of `--language`, wherever it stands; the other arguments.

    Raises:
        UsageError: It names no language that there is, or none at all.
    """
    others, rest = [], iter(arguments)
    for argument in rest:
        name, _equals, value = argument.partition("=")
        if name != _OPTION:
            others.append(argument)
            continue
        value = value or next(rest, "")
        if not value:
            raise UsageError(f"{_OPTION} names no language. There are en and zh.")
        choose_language(value)
    # Click asks the standard library's catalogue of the whole process for its own words.
    gettext.bindtextdomain("juyi", CATALOGUES)
    gettext.textdomain("juyi")
    os.environ["LANGUAGE"] = language()
    return others


def translated_command(command: click.Command) -> click.Command:
    """The command with its help in the language that is spoken."""
    if language() == "en":
        return command
    command.help = _told(command.help)
    command.epilog = _told(command.epilog)
    command.short_help = _told(command.short_help)
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            parameter.help = _told(parameter.help)
    for each in getattr(command, "commands", {}).values():
        translated_command(each)
    return command


def _told(words: str | None) -> str | None:
    return _(inspect.cleandoc(words)) if words else words
