"""Sentences put together from templates, phrases and the words of a dictionary."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from pathlib import Path

from juyi.data import read_lines
from juyi.errors import DataError, UsageError
from juyi.experiments.recipe_files import RECIPES
from juyi.experiments.sources import TemplateSource
from juyi.tokenization.chinese import HAN

_SLOT = re.compile(r"\{[^{}]*\}")
_ASIDE = re.compile(r"\([^)]*\)")
_WORD = re.compile(f"[{HAN}]{{2,4}}")
_GLOSS = re.compile(r"[A-Za-z][A-Za-z' -]*")
_NO_NOUN = re.compile(
    r"(a|all|also|although|and|as|at|because|both|but|by|even|every|for|from|how|however|if|in|just|many|more|most|much|not|of|on|"
    r"one|only|or|same|so|still|such|than|that|the|then|therefore|this|though|thus|too|very|we|what|when|where|which|who|why|with|"
    r"yet|you|he|she|it|they)\b"
)
"""A word with a gloss that begins so is no noun."""
_TRIES = 20

Fillings = Mapping[str, tuple[Sequence[str], Sequence[float]]]
"""What fills a slot of each name, and the running sum of their weights."""


def template_texts(source: TemplateSource, folder: Path) -> list[str]:
    """Distinct sentences: a template is drawn, then for each of its slots a filling, by the recipe's seed.

    All templates are equally likely. Words of the dictionary are drawn by the square root of how often they occur in the files
    that are counted, phrases evenly. Where templates and fillings give fewer sentences than asked for, there are fewer.

    Args:
        source: What to put together.
        folder: The folder that holds the dictionary and the files to count in.

    Raises:
        UsageError: Nothing fills a slot of a template.
        DataError: A line has too few columns.
    """
    templates = [line.strip() for _, line in read_lines(RECIPES / source.templates) if line.strip()]
    fillings = {**_words(source, folder), **_phrases(RECIPES / source.phrases)}
    for template in templates:
        _check(template, fillings, source.templates)
    rng, found = random.Random(source.seed), dict[str, None]()
    for _ in range(_TRIES * source.rows):
        if len(found) == source.rows:
            break
        text = rng.choice(templates)
        for slot in sorted(set(_SLOT.findall(text))):
            candidates, weights = fillings[_kind(slot)]
            filling = rng.choices(candidates, cum_weights=weights)[0]
            text = text.replace(slot, filling[0].upper() + filling[1:] if slot[1].isupper() else filling)
        found.setdefault(text)
    return list(found)


def _words(source: TemplateSource, folder: Path) -> Fillings:
    """The dictionary's words of two to four characters: `verb` by a gloss "to …", `noun` by a short one of another kind."""
    if not source.dictionary:
        return {}
    senses: dict[str, list[str]] = {}
    for word, glosses in _table(folder / source.dictionary, 2):
        if _WORD.fullmatch(word):
            senses.setdefault(word, []).extend(filter(None, map(_plain, re.split("[;,/]", _ASIDE.sub("", glosses)))))
    counts = _count(senses, [folder / file for file in source.count])
    common = {word: glosses for word, glosses in senses.items() if counts[word] >= source.min_count}
    verbs = [word for word, glosses in common.items() if any(_is_verb(gloss) for gloss in glosses)]
    nouns = [word for word, glosses in common.items() if any(_is_noun(gloss) for gloss in glosses) and not _is_no_noun(glosses)]
    return {
        kind: (words, list(accumulate(max(counts[word], 1) ** 0.5 for word in words)))  # what was not found counts once
        for kind, words in (("noun", nouns), ("verb", verbs))
    }


def _plain(gloss: str) -> str:
    """A gloss with single spaces, or nothing where it holds more than English words."""
    gloss = " ".join(gloss.split())
    return gloss if _GLOSS.fullmatch(gloss) else ""


def _is_verb(gloss: str) -> bool:
    return gloss.startswith("to ") and len(gloss.split()) <= 4


def _is_noun(gloss: str) -> bool:
    return not gloss.startswith("to ") and len(gloss.split()) <= 3


def _is_no_noun(glosses: Sequence[str]) -> bool:
    return any(_NO_NOUN.match(gloss) for gloss in glosses)


def _count(words: Iterable[str], files: Sequence[Path]) -> Counter[str]:
    """How often the words occur in the files, inside other words too."""
    known, counts = frozenset(words), Counter[str]()
    for file in files:
        for _, line in read_lines(file):
            for length in (2, 3, 4):
                counts.update(part for i in range(len(line) - length + 1) if (part := line[i : i + length]) in known)
    return counts


def _phrases(path: Path) -> Fillings:
    kinds: dict[str, list[str]] = {}
    for kind, phrase in _table(path, 2):
        kinds.setdefault(kind, []).append(phrase)
    return {kind: (phrases, list(range(1, len(phrases) + 1))) for kind, phrases in kinds.items()}


def _kind(slot: str) -> str:
    name = slot.strip("{}").removesuffix("2")
    return name[:1].lower() + name[1:]


def _check(template: str, fillings: Fillings, file: str) -> None:
    if empty := sorted(slot for slot in set(_SLOT.findall(template)) if not fillings.get(_kind(slot), ([], []))[0]):
        raise UsageError(
            f"{file}: nothing fills {', '.join(empty)} of the template {template!r}. There is: {', '.join(sorted(fillings))}; "
            "noun and verb are filled by the words of a `dictionary`."
        )


def _table(path: Path, columns: int) -> list[list[str]]:
    rows = []
    for number, line in read_lines(path):
        cells = [cell.strip() for cell in line.split("\t")][:columns]
        if len(cells) < columns or not all(cells):
            raise DataError(f"{sum(map(bool, cells))} of {columns} columns are filled.", path=path, line=number)
        rows.append(cells)
    return rows
