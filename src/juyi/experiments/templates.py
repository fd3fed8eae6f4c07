"""Sentences put together from templates and a dictionary, in two languages at once."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
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
_TRIES = 20

Filling = tuple[str, str]
Fillings = Mapping[str, tuple[Sequence[Filling], Sequence[float]]]


def template_pairs(source: TemplateSource, folder: Path) -> list[tuple[str, str]]:
    """Distinct sentence pairs: a template is drawn, then for each of its slots a filling, by the recipe's seed.

    All templates are equally likely. Words of the dictionary are drawn by the square root of how often they occur in the files
    that are counted, phrases evenly. Where templates and fillings give fewer sentences than asked for, there are fewer.

    Args:
        source: What to put together.
        folder: The folder that holds the dictionary and the files to count in.

    Raises:
        UsageError: A template has different slots on its two sides, or one that nothing fills.
        DataError: A line has too few columns.
    """
    templates = [tuple(cells) for cells in _table(RECIPES / source.templates, 2)]
    fillings = {**_words(source, folder), **_phrases(RECIPES / source.phrases)}
    for first, second in templates:
        _check(first, second, fillings, source.templates)
    rng, found = random.Random(source.seed), dict[str, str]()
    for _ in range(_TRIES * source.rows):
        if len(found) == source.rows:
            break
        first, second = rng.choice(templates)
        for slot in sorted({match.group() for match in _SLOT.finditer(first)}):
            candidates, weights = fillings[_kind(slot)]
            this, that = rng.choices(candidates, cum_weights=weights)[0]
            first, second = first.replace(slot, this), second.replace(slot, that)
        found.setdefault(first, second)
    return list(found.items())


def _words(source: TemplateSource, folder: Path) -> Fillings:
    """The dictionary's words of two to four characters under `noun` and `verb`, with the first gloss, where it is short."""
    glosses: dict[str, str] = {}
    for word, gloss in _table(folder / source.dictionary, 2):
        glosses.setdefault(word, re.split("[;,/]", _ASIDE.sub("", gloss))[0].strip())
    usable = {
        word: " ".join(gloss.split()) for word, gloss in glosses.items() if _WORD.fullmatch(word) and _GLOSS.fullmatch(gloss)
    }
    counts = _count(usable, [folder / file for file in source.count])
    nouns: list[tuple[Filling, int]] = []
    verbs: list[tuple[Filling, int]] = []
    for word, gloss in usable.items():
        length = len(gloss.split())
        if counts[word] < source.min_count:
            continue
        if gloss.startswith("to ") and length <= 4:
            verbs.append(((word, gloss.removeprefix("to ")), counts[word]))
        elif not gloss.startswith("to ") and length <= 3:
            nouns.append(((word, gloss), counts[word]))
    return {"noun": _weighed(nouns), "verb": _weighed(verbs)}


def _count(words: Iterable[str], files: Sequence[Path]) -> Counter[str]:
    """How often the words occur in the files, inside other words too."""
    known, counts = frozenset(words), Counter[str]()
    for file in files:
        for _, line in read_lines(file):
            for length in (2, 3, 4):
                counts.update(part for i in range(len(line) - length + 1) if (part := line[i : i + length]) in known)
    return counts


def _phrases(path: Path) -> Fillings:
    kinds: dict[str, list[tuple[Filling, int]]] = {}
    for kind, first, second in _table(path, 3):
        kinds.setdefault(kind, []).append(((first, second), 1))
    return {kind: _weighed(phrases) for kind, phrases in kinds.items()}


def _weighed(fillings: Sequence[tuple[Filling, int]]) -> tuple[list[Filling], list[float]]:
    """The fillings, and the running sum of the square roots of their counts; what was not found counts once."""
    total, sums = 0.0, []
    for _, count in fillings:
        total += max(count, 1) ** 0.5
        sums.append(total)
    return [filling for filling, _ in fillings], sums


def _kind(slot: str) -> str:
    return slot.strip("{}").removesuffix("2")


def _check(first: str, second: str, fillings: Fillings, file: str) -> None:
    slots = {match.group() for match in _SLOT.finditer(first)}
    if slots != {match.group() for match in _SLOT.finditer(second)}:
        raise UsageError(f"{file}: the template {first!r} and its other side {second!r} must have the same slots.")
    if empty := sorted(slot for slot in slots if not fillings.get(_kind(slot), ([], []))[0]):
        raise UsageError(
            f"{file}: nothing fills {', '.join(empty)} of the template {first!r}. There is: {', '.join(sorted(fillings))}."
        )


def _table(path: Path, columns: int) -> list[list[str]]:
    rows = []
    for number, line in read_lines(path):
        cells = [cell.strip() for cell in line.split("\t")][:columns]
        if len(cells) < columns or not all(cells):
            raise DataError(f"{sum(map(bool, cells))} of {columns} columns are filled.", path=path, line=number)
        rows.append(cells)
    return rows
