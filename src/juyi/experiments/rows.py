"""From pairs to the tokenized columns that an objective names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from juyi.encoder import Encoder
from juyi.experiments.pairs import SourcePairs, both_sides
from juyi.experiments.teacher import teacher_vectors
from juyi.training import Rows
from juyi.types import Log


def distillation_rows(teacher: str, pairs: SourcePairs, encoder: Encoder, cache: Path, log: Log) -> Rows:
    """Columns text and target: what the student reads, and the teacher's vector of the second side; origin as `fit` needs it.

    Args:
        teacher: The encoder to learn from.
        pairs: The student reads the first sides, and the second ones of the pairs that say so.
        encoder: The student.
        cache: Where the teacher's vectors are kept.
        log: Hears how far the teacher is.
    """
    distinct = list(dict.fromkeys(pairs.second))
    log(f"The teacher {teacher} reads {len(distinct):,} sentences; its vectors are kept in {cache}")
    vectors = teacher_vectors(teacher, distinct, cache, progress=lambda done, total: log(f"  {done:,} of {total:,}"), log=log)
    number = {text: i for i, text in enumerate(distinct)}
    texts, targets = both_sides(pairs)
    rows = encoder.tokenize(texts)
    return {"text": rows, "target": vectors[[number[text] for text in targets]], "origin": _origins(texts, targets)}


def pair_rows(pairs: SourcePairs, encoder: Encoder) -> Rows:
    """Columns anchor, positive and group; origin as `fit` needs it."""
    return {
        "anchor": encoder.tokenize(pairs.first),
        "positive": encoder.tokenize(pairs.second),
        "group": pairs.groups,
        "origin": _origins(pairs.first, pairs.second),
    }


def _origins(first: Sequence[str], second: Sequence[str]) -> NDArray[np.int64]:
    """One number for each distinct pair, so that a repeated one is known."""
    numbers: dict[tuple[str, str], int] = {}
    return np.array([numbers.setdefault(pair, len(numbers)) for pair in zip(first, second, strict=True)], dtype=np.int64)
