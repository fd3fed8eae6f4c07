"""A contender whose encoder stays as it is: a linear map on its vectors learns what the labels teach."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from juyi.adaptation.backbone import Backbone
from juyi.adaptation.evidence import Lesson
from juyi.adaptation.stopwatch import shortest_seconds
from juyi.atomic import replaced_file
from juyi.data import normalise
from juyi.experiments.identity import rows_digest
from juyi.metrics import connected
from juyi.postprocessing import LinearSettings, fit_linear_on_pairs, fit_linear_on_scores

_VERSION = 1
_FEWEST_ROWS = 250
_PROBE_STEPS = 5


@dataclass(frozen=True)
class LinearMaps:
    """Learns linear maps, and keeps them: what several contenders or runs begin with is learned once.

    Attributes:
        raw: The encoder as it is.
        identity: Of that encoder.
        folder: Where the maps are kept.
        seed: Draws the batches.
    """

    raw: Backbone
    identity: str
    folder: Path
    seed: int

    def texts(self, lesson: Lesson, rows: int, settings: LinearSettings) -> Sequence[str]:
        """What has to be encoded to learn so many rows of a lesson; nothing where the map is known."""
        if self._path(lesson, rows, settings).is_file():
            return ()
        return [text for side in _sides(lesson, _chosen(lesson, rows)) for text in side]

    def backbone(self, lesson: Lesson, rows: int, settings: LinearSettings, progress: Callable[[int, int], None]) -> Backbone:
        """The raw encoder with the map that learned so many rows of a lesson."""
        path = self._path(lesson, rows, settings)
        if (known := _kept(path)) is not None:
            return self.raw.mapped(known)
        chosen = _chosen(lesson, rows)
        sides = _sides(lesson, chosen)
        self.raw.plain.prepare([text for side in sides for text in side], progress)
        first, second = (self.raw.plain(side) for side in sides)
        if "score" in lesson.columns:
            scores = np.array(lesson.columns["score"], dtype=np.float64)[chosen]
            matrix = fit_linear_on_scores(first, second, scores, settings, seed=self.seed)
        else:
            matrix = fit_linear_on_pairs(first, second, _meanings(lesson)[chosen], settings, seed=self.seed)
        path.parent.mkdir(parents=True, exist_ok=True)
        with replaced_file(path) as draft, draft.open("wb") as stream:
            np.save(stream, matrix, allow_pickle=False)
        return self.raw.mapped(matrix)

    def _path(self, lesson: Lesson, rows: int, settings: LinearSettings) -> Path:
        """Where a map is kept: named by all that decides it."""
        whole = [_VERSION, self.identity, rows_digest(lesson.columns), min(rows, len(lesson)), asdict(settings), self.seed]
        return self.folder / f"map-{hashlib.sha256(json.dumps(whole).encode()).hexdigest()[:16]}.npy"


def row_counts(settings: LinearSettings, rows: int) -> list[int]:
    """The most rows to learn from: as many as the settings allow, then half of what there is, and so on."""
    counts, half = [settings.most_rows], min(rows, settings.most_rows) // 2
    while half >= _FEWEST_ROWS:
        counts.append(half)
        half //= 2
    return counts


def map_step_seconds(dim: int) -> float:
    """How long a step of learning a map takes here."""
    vectors = np.random.default_rng(0).normal(size=(256, dim)).astype(np.float32)
    settings = LinearSettings(fewest_steps=_PROBE_STEPS, most_steps=_PROBE_STEPS)
    seconds = shortest_seconds(lambda: fit_linear_on_pairs(vectors, vectors[::-1], np.arange(256), settings))
    return seconds / _PROBE_STEPS


def _chosen(lesson: Lesson, rows: int) -> NDArray[np.intp]:
    """The places of so many rows, by what stands in them alone: lessons of other folds choose the same ones."""
    anchors = next(iter(lesson.columns.values()))
    digests = [hashlib.sha256(normalise(text).encode()).digest() for text in anchors]
    return np.sort(np.array(sorted(range(len(lesson)), key=digests.__getitem__)[:rows], dtype=np.intp))


def _sides(lesson: Lesson, chosen: NDArray[np.intp]) -> list[list[str]]:
    names = ("first", "second") if "score" in lesson.columns else ("anchor", "positive")
    return [[lesson.columns[name][row] for row in chosen.tolist()] for name in names]


def _meanings(lesson: Lesson) -> NDArray[np.intp]:
    """What each row means, found in the whole lesson: a part of the rows may have lost what holds a group together."""
    pairs = zip(lesson.columns["anchor"], lesson.columns["positive"], strict=True)
    return connected([[normalise(one), normalise(other)] for one, other in pairs])


def _kept(path: Path) -> NDArray[np.float32] | None:
    try:
        matrix: NDArray[np.float32] = np.load(path, allow_pickle=False)
        return matrix
    except (OSError, ValueError, EOFError):  # not there, or damaged: learned anew
        return None
