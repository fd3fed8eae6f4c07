"""The pairs of a recipe: two columns of a table, neighbouring lines, a text and itself, sentences put together."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from juyi.data import normalise, read_lines
from juyi.errors import DataError
from juyi.experiments.running_text import spread
from juyi.experiments.source_files import check_there, read_excluded
from juyi.experiments.sources import PairFile, PairSources
from juyi.experiments.templates import template_texts
from juyi.tokenization.chinese import HAN

Pair = tuple[str, str, int]
_CHINESE = re.compile(f"[{HAN}\u3000-\u303f\uff00-\uffef]")
"""Chinese characters, and signs as wide as they are."""


@dataclass(frozen=True)
class SourcePairs:
    """Pairs of sentences.

    Attributes:
        first: One side.
        second: The other; equally long.
        groups: Which document, or which first side, a pair comes from.
        both: Whether a student learns the second side too.
        left_out: How many were dropped because one side will be measured on.
    """

    first: tuple[str, ...]
    second: tuple[str, ...]
    groups: NDArray[np.int64]
    both: NDArray[np.bool_]
    left_out: int


def read_source_pairs(sources: PairSources, folder: Path) -> SourcePairs:
    """The pairs of every source in the recipe's order, repeated as it says.

    Raises:
        UsageError: A file is not in the folder, or a pattern of `exclude` finds none.
        DataError: A line has too few columns, or nothing is left.
    """
    check_there(sources.data_files, folder)
    gathered = _Gathered(read_excluded(sources.exclude, folder))
    for source in sources.files:
        itself = source.columns[0] == source.columns[1]
        longest = source.longest or sources.longest
        found = gathered.sift(_pairs(folder / source.file, source, gathered), longest=longest, itself=itself)
        gathered.add(spread(found, source.rows) * source.repeat, both=source.both)
    for templates in sources.templates:
        made = ((text, text, i) for i, text in enumerate(template_texts(templates, folder)))
        gathered.add(gathered.sift(made, longest=templates.longest or sources.longest, itself=True), both=False)
    if not gathered.pairs:
        raise DataError("The recipe's sources give no pair. Look at sources.longest and at the files.", path=folder)
    firsts, seconds, groups = zip(*gathered.pairs, strict=True)
    return SourcePairs(firsts, seconds, np.array(groups, dtype=np.int64), np.array(gathered.both), gathered.left_out)


@dataclass
class _Gathered:
    """The pairs so far, the last with the number of its document."""

    held_back: set[str]
    pairs: list[Pair] = field(default_factory=list)
    both: list[bool] = field(default_factory=list)
    left_out: int = 0
    _seen: set[tuple[str, str]] = field(default_factory=set)
    _documents: int = 0

    def sift(self, pairs: Iterable[Pair], *, longest: int, itself: bool = False) -> list[Pair]:
        """What is new, short enough and not measured on; two equal sides only where a text is to be paired with itself."""
        found: list[Pair] = []
        for first, second, document in pairs:
            key = normalise(first), normalise(second)
            if key in self._seen or (key[0] == key[1] and not itself) or max(len(first), len(second)) > longest:
                continue
            if self.holds_back(first, second):
                continue
            self._seen.add(key)
            found.append((first, second, self._documents + document))
        self._documents = 1 + max((document for *_, document in found), default=self._documents)
        return found

    def holds_back(self, *texts: str) -> bool:
        """Whether one of them will be measured on; it is counted then."""
        held = not self.held_back.isdisjoint(map(normalise, texts))
        self.left_out += held
        return held

    def add(self, pairs: Sequence[Pair], *, both: bool) -> None:
        """Keep them."""
        self.pairs += pairs
        self.both += [both] * len(pairs)


def _pairs(path: Path, source: PairFile, gathered: _Gathered) -> Iterator[Pair]:
    """Pairs with the number of their document: of a table the pairs with one first side are one, of running text neighbours.

    Lines that are to be joined are held back one by one, because nothing is found in what they are joined to.
    """
    lines = [(number, line) for number, line in read_lines(path) if line.strip()]
    if source.neighbours:
        texts = [line.strip() for _, line in lines]
        for i, (this, following) in enumerate(itertools.pairwise(texts)):
            yield this, following, i // source.neighbours
        return
    documents: dict[str, int] = {}
    sides: list[tuple[str, ...]] = []
    for number, line in lines:
        cells = line.split("\t")
        if len(cells) < max(source.columns):
            raise DataError(f"{len(cells)} column(s), and the recipe reads column {max(source.columns)}.", path=path, line=number)
        side = tuple(cells[column - 1].strip() for column in source.columns)
        if not all(side) or (source.lines > 1 and gathered.holds_back(*side)):
            continue
        sides.append(side)
        if len(sides) == source.lines:
            first, second = (_joined(side) for side in zip(*sides, strict=True))
            sides = []
            yield first, second, documents.setdefault(normalise(first), len(documents))


def _joined(lines: Sequence[str]) -> str:
    """One text of several, with a space between two unless one of them is Chinese there."""
    text = lines[0]
    for line in lines[1:]:
        text += line if _CHINESE.match(text[-1]) or _CHINESE.match(line) else f" {line}"
    return text


def both_sides(pairs: SourcePairs) -> tuple[list[str], list[str]]:
    """What a student reads, and for each text the second side whose vector it shall learn.

    The first sides come first, then the second ones of the pairs that are learned from both sides, each once.
    """
    second = list(dict.fromkeys(text for text, both in zip(pairs.second, pairs.both, strict=True) if both))
    return [*pairs.first, *second], [*pairs.second, *second]
