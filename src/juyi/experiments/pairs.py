"""The pairs of a recipe: two columns of a table, or neighbouring lines of running text."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from juyi.data import normalise, read_lines
from juyi.errors import DataError
from juyi.experiments.corpus import check_there, read_excluded, spread
from juyi.experiments.recipe import PairCorpus, PairSource


@dataclass(frozen=True)
class CorpusPairs:
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


def read_corpus_pairs(corpus: PairCorpus, folder: Path) -> CorpusPairs:
    """The pairs of every source in the recipe's order, repeated as it says.

    Raises:
        UsageError: A file is not in the folder, or a pattern of `exclude` finds none.
        DataError: A line has too few columns, or nothing is left.
    """
    check_there([source.file for source in corpus.sources], folder)
    held_back, seen = read_excluded(corpus.exclude, folder), set[tuple[str, str]]()
    pairs: list[tuple[str, str, int]] = []
    both: list[bool] = []
    left_out = group = 0
    for source in corpus.sources:
        found: list[tuple[str, str, int]] = []
        for first, second, document in _pairs(folder / source.file, source):
            key = normalise(first), normalise(second)
            if key in seen or key[0] == key[1] or max(len(first), len(second)) > corpus.longest:
                continue
            if held_back.intersection(key):
                left_out += 1
                continue
            seen.add(key)
            found.append((first, second, group + document))
        group += 1 + max((document for *_, document in found), default=0)
        taken = spread(found, source.rows) * source.repeat
        pairs += taken
        both += [source.both] * len(taken)
    if not pairs:
        raise DataError("The recipe's sources give no pair. Look at corpus.longest and at the files.", path=folder)
    firsts, seconds, groups = zip(*pairs, strict=True)
    return CorpusPairs(firsts, seconds, np.array(groups, dtype=np.int64), np.array(both), left_out)


def _pairs(path: Path, source: PairSource) -> Iterator[tuple[str, str, int]]:
    """Pairs with the number of their document: of a table the pairs with one first side are one, of running text neighbours."""
    lines = [(number, line) for number, line in read_lines(path) if line.strip()]
    if source.neighbours:
        texts = [line.strip() for _, line in lines]
        for i, (this, following) in enumerate(itertools.pairwise(texts)):
            yield this, following, i // source.neighbours
        return
    documents: dict[str, int] = {}
    for number, line in lines:
        cells = line.split("\t")
        if len(cells) < max(source.columns):
            raise DataError(f"{len(cells)} column(s), and the recipe reads column {max(source.columns)}.", path=path, line=number)
        first, second = (cells[column - 1].strip() for column in source.columns)
        if first and second:
            yield first, second, documents.setdefault(normalise(first), len(documents))


def both_sides(pairs: CorpusPairs) -> tuple[list[str], list[str]]:
    """What a student reads, and for each text the second side whose vector it shall learn.

    The first sides come first, then the second ones of the pairs that are learned from both sides, each once.
    """
    second = list(dict.fromkeys(text for text, both in zip(pairs.second, pairs.both, strict=True) if both))
    return [*pairs.first, *second], [*pairs.second, *second]
