"""A contender whose encoder stays as it is: a linear map on its vectors learns what the labels teach."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from juyi.adaptation.backbone import Backbone
from juyi.adaptation.evidence import Lesson
from juyi.data import normalise
from juyi.metrics import connected
from juyi.postprocessing import LinearSettings, fit_linear_on_pairs, fit_linear_on_scores

_FEWEST_ROWS = 250
_FLOPS = 1e10
"""Floating-point operations in a second that every machine has."""


def row_counts(settings: LinearSettings, rows: int) -> list[int]:
    """The most rows to learn from: as many as the settings allow, then half of what there is, and so on."""
    counts, half = [settings.most_rows], min(rows, settings.most_rows) // 2
    while half >= _FEWEST_ROWS:
        counts.append(half)
        half //= 2
    return counts


def fit_seconds(settings: LinearSettings, rows: int, dim: int) -> float:
    """How long learning takes where the vectors are known, at most: two products forth and twice that back."""
    return settings.steps(rows) * 12 * min(settings.batch_size, rows) * dim**2 / _FLOPS


def linear_backbone(
    raw: Backbone, lesson: Lesson, rows: int, settings: LinearSettings, seed: int, progress: Callable[[int, int], None]
) -> Backbone:
    """The raw encoder with a linear map that learned some rows of a lesson."""
    chosen = np.sort(np.random.default_rng(seed).permutation(len(lesson))[:rows]).tolist()
    columns = {name: [cells[row] for row in chosen] for name, cells in lesson.columns.items()}
    sides = [columns[name] for name in (("first", "second") if "score" in columns else ("anchor", "positive"))]
    raw.plain.prepare([text for side in sides for text in side], progress)
    first, second = (raw.plain(side) for side in sides)
    if "score" in columns:
        return raw.mapped(fit_linear_on_scores(first, second, np.array(columns["score"]), settings, seed=seed))
    groups = connected([[normalise(one), normalise(other)] for one, other in zip(*sides, strict=True)])
    return raw.mapped(fit_linear_on_pairs(first, second, groups, settings, seed=seed))
