"""From pairs to the tokenized columns that an objective names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from juyi.encoder import Encoder
from juyi.experiments.clusters import cluster
from juyi.experiments.pairs import SourcePairs, both_sides
from juyi.teachers import Teacher, teacher_targets, turned_towards
from juyi.training import Rows
from juyi.types import Log

_SAMPLE = 8192
"""So many texts the student reads to find how the targets are to be turned."""


def distillation_rows(
    teachers: Sequence[Teacher],
    pairs: SourcePairs,
    encoder: Encoder,
    cache: Path,
    log: Log,
    *,
    width: int = 0,
    untrained: bool = False,
) -> Rows:
    """Columns text and target: what the student reads, and the teachers' vector of the second side; origin as `fit` needs it.

    The axes of several teachers' joined vectors depend on all texts that are read; they are turned towards those of a student
    that has learned something and is as wide. One teacher's vectors stay in its space, where a student can stand in for it.

    Args:
        teachers: Whom to learn from.
        pairs: The student reads the first sides, and the second ones of the pairs that say so.
        encoder: The student.
        cache: Where the teachers' vectors are kept.
        log: Hears how far the teachers are.
        width: Of the targets of several teachers; 0 for the encoder's own.
        untrained: The student's weights are random, so that no axes are better than others.
    """
    distinct = list(dict.fromkeys(pairs.second))
    vectors = teacher_targets(
        teachers,
        distinct,
        cache,
        width=width or encoder.training_dim,
        progress=lambda done, total: log(f"  {done:,} of {total:,}"),
        log=log,
    )
    number = {text: i for i, text in enumerate(distinct)}
    texts, targets = both_sides(pairs)
    places = np.array([number[text] for text in targets])
    if len(teachers) > 1 and not untrained and vectors.shape[1] == encoder.dim and encoder.kept_heads == list(encoder.heads):
        some = np.unique(np.linspace(0, len(texts) - 1, _SAMPLE, dtype=np.int64))
        vectors = turned_towards(vectors, places[some], encoder.encode([texts[i] for i in some]))
        log("The targets are turned towards what the student gives already")
    return {"text": encoder.tokenize(texts), "target": vectors[places], "origin": _origins(texts, targets)}


def with_clusters(rows: Rows, clusters: int, *, share: float = 1.0, least: int = 1, seed: int = 0) -> Rows:
    """A column `source` beside those of `distillation_rows`: the number of each row's cluster, found by the targets.

    Args:
        rows: Those rows.
        clusters: How many.
        share: Of the rows that have a cluster; the others have the number `clusters` together.
        least: How many rows a number has at the least, that of the others too; the smallest clusters join them until it is so.
        seed: Of the clusters, and of which rows have one.
    """
    numbers = cluster(np.asarray(rows["target"]), clusters, seed)
    numbers = np.where(np.random.default_rng(seed).random(len(numbers)) < share, numbers, clusters)
    sizes = np.bincount(numbers, minlength=clusters + 1)
    others = sizes[clusters]
    for smallest in np.argsort(sizes[:clusters]):
        if sizes[smallest] >= least and not 0 < others < least:
            break
        numbers[numbers == smallest] = clusters
        others += sizes[smallest]
    return {**rows, "source": numbers}


def pair_rows(pairs: SourcePairs, encoder: Encoder) -> Rows:
    """Columns anchor, positive and group; origin as `fit` needs it."""
    return {
        "anchor": encoder.tokenize(pairs.first),
        "positive": encoder.tokenize(pairs.second),
        "group": pairs.groups,
        "origin": _origins(pairs.first, pairs.second),
    }


def text_rows(pairs: SourcePairs, encoder: Encoder) -> Rows:
    """The column text, of what a student would read; origin as `fit` needs it."""
    texts, _ = both_sides(pairs)
    return {"text": encoder.tokenize(texts), "origin": _origins(texts, texts)}


def _origins(first: Sequence[str], second: Sequence[str]) -> NDArray[np.int64]:
    """One number for each distinct pair, so that a repeated one is known."""
    numbers: dict[tuple[str, str], int] = {}
    return np.array([numbers.setdefault(pair, len(numbers)) for pair in zip(first, second, strict=True)], dtype=np.int64)
