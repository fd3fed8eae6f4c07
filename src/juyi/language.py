"""The language in which results are told to people: English or Chinese."""

from __future__ import annotations

import gettext
import os
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from juyi.errors import UsageError

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")
VARIABLE = "JUYI_LANGUAGE"
CATALOGUES = Path(__file__).parent / "locale"
_LOCALE = ("LC_ALL", "LC_MESSAGES", "LANG")
_chosen: ContextVar[Language | None] = ContextVar("language", default=None)


def choose_language(name: str) -> None:
    """Speak this language from now on, in this thread.

    Raises:
        UsageError: It is none that there is.
    """
    _chosen.set(_known(name, "The language"))


def language() -> Language:
    """The language that was chosen; else that of `JUYI_LANGUAGE`; else Chinese where the locale is, English otherwise.

    Raises:
        UsageError: `JUYI_LANGUAGE` names none that there is.
    """
    if (chosen := _chosen.get()) is not None:
        return chosen
    if named := os.environ.get(VARIABLE):
        return _known(named, VARIABLE)
    locale = next((value for name in _LOCALE if (value := os.environ.get(name))), "")
    return "zh" if locale.lower().startswith("zh") else "en"


def translated(message: str) -> str:
    """A message in the language that is spoken; English ones are their own keys."""
    return message if language() == "en" else _catalogue(language()).gettext(message)


@cache
def _catalogue(name: Language) -> gettext.NullTranslations:
    return gettext.translation("juyi", CATALOGUES, languages=[name])


def _known(name: str, origin: str) -> Language:
    found = next((each for each in LANGUAGES if name.lower().replace("-", "_").partition("_")[0] == each), None)
    if found is None:
        raise UsageError(f"{origin} is '{name}'. There are {' and '.join(LANGUAGES)}.")
    return found


@dataclass(frozen=True)
class Bilingual:
    """What a file says in both languages; as text it is in the one that is spoken.

    Attributes:
        en: In English.
        zh: In Chinese.
    """

    en: str
    zh: str

    def __str__(self) -> str:
        return self.zh if language() == "zh" else self.en
