"""The messages that people read, and the catalogue that holds their Chinese twins.

`python tests/messages.py` adds to the catalogue what is not there yet, takes out what nobody says any more, and compiles it.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import click
from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from juyi.cli.failures import EXIT_CODES
from juyi.cli.main import COMMANDS, cli
from juyi.language import CATALOGUES

SOURCES = Path(__file__).parents[1] / "src" / "juyi"
CATALOGUE = CATALOGUES / "zh" / "LC_MESSAGES" / "juyi.po"
OF_CLICK = ("Usage:", "Options", "Show this message and exit.", "Show the version and exit.", "default: {default}", "required")


_COMMENT = "# What juyi says to people, in Chinese. `make messages` keeps it complete and compiles it."
_DATE = datetime(2026, 11, 27, tzinfo=UTC)  # fixed: a catalogue differs where its messages do
_HEADER = dict.fromkeys(("version", "copyright_holder", "msgid_bugs_address", "last_translator", "language_team"), "juyi")


def spoken() -> dict[str, str]:
    """Each message, and where it is said."""
    found: dict[str, str] = {}
    for file, line, message, *_ in extract_from_dir(SOURCES, method_map=[("**.py", "python")], keywords={"_": None}):
        assert isinstance(message, str), (file, line)
        found.setdefault(message, file)
    words = [(word, "cli/main.py") for word in (*COMMANDS.values(), *EXIT_CODES.values())]
    words += [(word, "click") for word in OF_CLICK]
    commands = {name: importlib.import_module(f"juyi.cli.{name}").command for name in COMMANDS}
    words += [(word, f"cli/{name}.py") for name, command in {"main": cli, **commands}.items() for word in _help(command)]
    for word, place in words:
        found.setdefault(word, place)
    return found


def catalogue() -> Catalog:
    """As it lies in the tree."""
    with CATALOGUE.open("rb") as file:
        return read_po(file, locale="zh", domain="juyi")


def compiled(messages: Catalog) -> bytes:
    """For `gettext`."""
    stream = BytesIO()
    write_mo(stream, messages)
    return stream.getvalue()


def _help(command: click.Command) -> Iterator[str]:
    options = [parameter.help for parameter in command.params if isinstance(parameter, click.Option)]
    yield from (inspect.cleandoc(words) for words in (command.help, command.epilog, command.short_help, *options) if words)
    for each in getattr(command, "commands", {}).values():
        yield from _help(each)


def update(twins: dict[str, str] | None = None) -> None:
    """Bring the catalogue up to date; `twins` are Chinese messages to put in."""
    known = {message.id: message.string for message in catalogue()} if CATALOGUE.exists() else {}
    known |= twins or {}
    fresh = Catalog(
        locale="zh", project="juyi", fuzzy=False, creation_date=_DATE, revision_date=_DATE, header_comment=_COMMENT, **_HEADER
    )
    for message, place in sorted(spoken().items(), key=lambda pair: (pair[1], pair[0])):
        fresh.add(message, known.get(message, ""), locations=[(place, None)])
    with CATALOGUE.open("wb") as file:
        write_po(file, fresh, width=100, omit_header=False, include_lineno=False)
    CATALOGUE.with_suffix(".mo").write_bytes(compiled(catalogue()))


if __name__ == "__main__":
    update()
