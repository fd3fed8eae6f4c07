"""Linear maps of the portfolio: which rows they learn, what is a negative, what is kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from juyi.adaptation import linear
from juyi.adaptation.backbone import Backbone
from juyi.adaptation.evidence import Lesson
from juyi.adaptation.linear import LinearMaps, row_counts
from juyi.adaptation.questions import ring_lesson
from juyi.encoder import Encoder, load_encoder
from juyi.objectives import CoSENT
from juyi.postprocessing import LinearSettings

SHORT = LinearSettings(fewest_steps=2, most_steps=2)


def groups(names: range) -> Lesson:
    lesson = ring_lesson([[f"第{name}组的第{number}句" for number in range(8)] for name in names])
    assert lesson is not None
    return lesson


@pytest.fixture
def encoder(stand_in: Callable[..., Path]) -> Encoder:
    return load_encoder(stand_in("bert"))


@pytest.fixture
def maps(encoder: Encoder, tmp_path: Path) -> LinearMaps:
    return LinearMaps(Backbone(encoder, ["甲", "乙"]), "an encoder", tmp_path / "measured", 1)


def silent(done: int, total: int) -> None:
    """Nobody listens."""


def test_a_part_of_the_rows_still_knows_what_means_the_same(maps: LinearMaps, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each text stands with the next of its group: without some rows a group is no chain any more, but one group all the same."""
    seen: list[np.ndarray] = []
    fit = linear.fit_linear_on_pairs

    def noted(first: np.ndarray, second: np.ndarray, meanings: np.ndarray, *rest: object, **options: object) -> np.ndarray:
        seen.append(meanings)
        return fit(first, second, meanings, *rest, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(linear, "fit_linear_on_pairs", noted)
    maps.backbone(groups(range(10)), 30, SHORT, silent)
    assert len(seen[0]) == 30 and len(set(seen[0].tolist())) <= 10


def test_lessons_of_other_folds_learn_the_same_rows(maps: LinearMaps) -> None:
    """So that few texts have to be encoded for all folds together."""
    folds = [groups(range(start, start + 30)) for start in (0, 10)]
    first, second = (set(maps.texts(lesson, 100, SHORT)) for lesson in folds)
    shared = {text for lesson in folds for text in lesson.columns["anchor"] if 10 <= int(text[1:].partition("组")[0]) < 30}
    assert len(first & second) > 0.8 * len(first & shared)


def test_what_was_learned_is_kept_and_what_is_damaged_is_learned_anew(maps: LinearMaps, encoder: Encoder, tmp_path: Path) -> None:
    lesson = groups(range(10))
    texts = [*lesson.columns["anchor"]]
    assert set(maps.texts(lesson, 1_000, SHORT)) == set(texts)
    first = maps.backbone(lesson, 1_000, SHORT, silent).encode(texts)
    assert maps.texts(lesson, 1_000, SHORT) == ()
    assert maps.texts(lesson, 40, SHORT) and maps.texts(lesson, 1_000, LinearSettings(fewest_steps=3))
    (kept,) = (tmp_path / "measured").glob("map-*.npy")
    again = LinearMaps(Backbone(encoder, ["甲", "乙"]), "an encoder", tmp_path / "measured", 1)
    np.testing.assert_array_equal(again.backbone(lesson, 80, SHORT, silent).encode(texts), first)
    kept.write_bytes(b"\x93NUMPY")
    np.testing.assert_array_equal(again.backbone(lesson, 80, SHORT, silent).encode(texts), first)
    other = LinearMaps(Backbone(encoder, ["甲", "乙"]), "another encoder", tmp_path / "measured", 1)
    assert other.texts(lesson, 80, SHORT)


def test_scored_pairs_are_learned_by_their_scores(maps: LinearMaps) -> None:
    first, second = [f"左{number}" for number in range(20)], [f"右{number}" for number in range(20)]
    lesson = Lesson(CoSENT(), {"first": first, "second": second, "score": [number / 19 for number in range(20)]})
    raw, mapped = maps.raw.encode(first), maps.backbone(lesson, 20, SHORT, silent).encode(first)
    assert np.abs(raw / np.linalg.norm(raw, axis=1, keepdims=True) - mapped).max() > 1e-4


def test_rows_are_halved_as_long_as_they_are_worth_learning() -> None:
    assert row_counts(LinearSettings(), 2_100) == [10_000, 1_050, 525, 262]
    assert row_counts(LinearSettings(most_rows=1_000), 50_000) == [1_000, 500, 250]
    assert row_counts(LinearSettings(), 100) == [10_000]
