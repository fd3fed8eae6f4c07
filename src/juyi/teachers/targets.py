"""What a student is to learn: the vectors of one teacher, or those of several put together."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from juyi.errors import DataError, UsageError
from juyi.teachers.teacher import Teacher
from juyi.teachers.vectors import Progress, teacher_vectors
from juyi.types import Log

_ROWS = 16384  # computed at a time, in float32
Parts = Sequence[tuple[NDArray[np.float16], NDArray[np.float64], float]]
"""Of each teacher its vectors, what to take off, and the factor."""


def teacher_targets(
    teachers: Sequence[Teacher],
    texts: Sequence[str],
    cache: Path,
    *,
    width: int,
    progress: Progress = lambda done, total: None,
    precision: Literal["float32", "bfloat16"] | None = None,
    log: Log = lambda _: None,
) -> NDArray[np.float16]:
    """One target a text, at unit length.

    A single teacher's vectors are taken as they are, centred as far as it says, whatever their width: where a student's is
    another, the objective's `teacher_dim` sees to it. Those of several are put side by side, each times the square root of its
    share of the weights, so that the cosine of two targets is the weighted mean of the teachers' cosines. Where that is wider
    than `width`, it is reduced to the main axes of the second moment (not centred), which keep the products of targets as well
    as that many numbers can.

    Args:
        teachers: Whose vectors.
        texts: What they read; each should be there once, else it counts more in means and axes.
        cache: Where the teachers' vectors are kept; see `teacher_vectors`.
        width: The widest that joined vectors may be.
        progress: See `teacher_vectors`; of one teacher after the other.
        precision: See `teacher_vectors`.
        log: Hears which teacher reads, and how much a reduction keeps.

    Raises:
        UsageError: There is no teacher, or the width is below 1.
        DataError: There is no text, or a target has no direction.

    Shapes:
        result: (n, the teacher's dim) of one teacher, else (n, at most width).

    Source:
        The reduction: Eckart & Young (1936); the best approximation of a given rank to the matrix of all products.
    """
    if not teachers:
        raise UsageError("There is no teacher. Name at least one.")
    if width < 1:
        raise UsageError(f"The width of the targets is {width}; it must be at least 1.")
    vectors = []
    for teacher in teachers:
        log(f"The teacher {teacher} reads {len(texts):,} sentences; its vectors are kept in {cache}")
        vectors.append(teacher_vectors(teacher, texts, cache, progress=progress, precision=precision, log=log))
    if len(teachers) == 1 and not teachers[0].centring:
        return vectors[0]
    total = sum(teacher.weight for teacher in teachers)
    parts = [
        (rows, rows.mean(axis=0, dtype=np.float64) * teacher.centring, math.sqrt(teacher.weight / total))
        for teacher, rows in zip(teachers, vectors, strict=True)
    ]
    axes = _axes(parts, texts, width, log) if len(teachers) > 1 else None
    chunks = (joined if axes is None else joined @ axes for joined in _joined(parts, texts))
    return np.concatenate([_units(chunk, texts[i * _ROWS :]).astype(np.float16) for i, chunk in enumerate(chunks)])


def _joined(parts: Parts, texts: Sequence[str]) -> Iterator[NDArray[np.float32]]:
    """The teachers' vectors side by side, some rows at a time.

    Shapes:
        each: (at most _ROWS, sum of the widths).
    """
    for start in range(0, len(texts), _ROWS):
        columns = []
        for rows, mean, factor in parts:
            some = rows[start : start + _ROWS].astype(np.float32)
            columns.append(_units(some - mean.astype(np.float32), texts[start:]) * np.float32(factor))
        yield np.concatenate(columns, axis=1)


def _axes(parts: Parts, texts: Sequence[str], width: int, log: Log) -> NDArray[np.float32] | None:
    """The eigenvectors of the largest eigenvalues of the second moment; None where nothing need be reduced.

    The number that is largest in size is positive in each, so that the same vectors give the same targets anywhere.

    Shapes:
        result: (sum of the widths, width).
    """
    whole = sum(rows.shape[1] for rows, _, _ in parts)
    if whole <= width:
        return None
    moment = np.zeros((whole, whole))
    for joined in _joined(parts, texts):
        moment += joined.T @ joined
    values, vectors = np.linalg.eigh(moment)
    axes = vectors[:, ::-1][:, :width]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(width)])
    kept = values[-width:].sum() / values.sum()
    into = f"are reduced to {width:,}: {kept:.1%} of the second moment is kept"
    log(f"The targets of {len(parts)} teachers, {whole:,} wide, {into}")
    narrow: NDArray[np.float32] = axes.astype(np.float32)
    return narrow


def _units(rows: NDArray[np.float32], texts: Sequence[str]) -> NDArray[np.float32]:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    lost = np.flatnonzero(norms[:, 0] <= 1e-6)
    if len(lost):
        raise DataError(
            f"The target of {texts[lost[0]]!r} has no direction: it is the mean of all, or lost where the width is cut. Give "
            "more and other texts, less centring, or more width."
        )
    unit: NDArray[np.float32] = rows / norms
    return unit
