from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from math import cos, exp, log, radians

import numpy as np
import pytest

from juyi.data import ScoredPairs
from juyi.errors import UsageError
from juyi.metrics import (
    Bootstrap,
    alignment,
    anisotropy,
    connected,
    effective_rank,
    resample_counts,
    singular_values,
    uniformity,
)
from juyi.tasks import Geometry, Task, sentence_units
from juyi.types import Embeddings

Percentiles = Callable[[Sequence[float], float, float], list[float]]


def angles(texts: Sequence[str]) -> Embeddings:
    """Each text is its own angle in degrees; the vectors are not of unit length."""
    turns = np.radians([float(text) for text in texts])
    return 3 * np.stack([np.cos(turns), np.sin(turns)], axis=1).astype(np.float32)


def encode(texts: Sequence[str]) -> Embeddings:
    """A fixed random vector for each text, around a common direction."""
    rows = [np.random.default_rng(list(text.encode())).normal(size=12) + 0.3 for text in texts]
    return np.stack(rows).astype(np.float32)


def pairs_of(rows: Sequence[tuple[object, object, float]]) -> ScoredPairs:
    first, second, scores = zip(*rows, strict=True)
    return ScoredPairs([str(text) for text in first], [str(text) for text in second], np.array(scores))


def example(count: int = 60, sentences: int = 50) -> ScoredPairs:
    rng = np.random.default_rng(0)
    return pairs_of(
        [
            (f"句{rng.integers(sentences)}", f"句{rng.integers(sentences)}", score)
            for score in rng.integers(0, 6, count).astype(float)
        ]
    )


def test_figures_of_a_circle_by_hand() -> None:
    # 24 sentences, one every 15 degrees, some of them in several pairs.
    circle = [(15 * place, 15 * place + 15 if place < 23 else 0, 0.0) for place in range(24)]
    positives = [(0, 60, 5.0), (0, 90, 4.5)]  # squared distances on the unit circle: 2 - 2 cos 60 = 1, and 2
    at_the_threshold = [(0, 180, 4.0)]
    scores = Geometry("STS-B", "dev", pairs_of([*circle, *positives, *at_the_threshold]), labels=("translated",)).evaluate(angles)
    distances = [2 - 2 * cos(radians(15 * step)) for step in range(1, 24)]
    assert {score.metric: score.value for score in scores} == pytest.approx(
        {
            "alignment": (1 + 2) / 2,
            "uniformity": log(sum(exp(-2 * distance) for distance in distances) / 23),
            "mean-cosine": -1 / 23,  # the vectors add up to nothing: each has the cosine -1 with the sum of the others
            "effective-rank": 2,
            "variance-1": 0.5,
            "variance-10": 1,
            "variance-100": 1,
        },
        abs=1e-6,
    )
    assert [score.count for score in scores] == [2] + [24] * 6
    # The circle is one component of the pairs, and so are the positives: nothing could be drawn.
    assert {score.interval for score in scores} == {None}
    assert [score.units for score in scores] == [1] * 3 + [None] * 4
    assert {(score.task, score.split, score.subset, score.labels) for score in scores} == {("STS-B", "dev", "", ("translated",))}


def test_figures_are_those_of_the_metrics() -> None:
    pairs = example()
    found = {each.score.metric: each.score.value for each in Geometry("x", "dev", pairs).measure(encode)}
    close = [place for place, score in enumerate(pairs.scores) if score > 4]
    first, second = (encode([side[place] for place in close]) for side in (pairs.first, pairs.second))
    rows = encode(sorted({*pairs.first, *pairs.second}))
    variances = singular_values(rows) ** 2
    assert found == pytest.approx(
        {
            "alignment": alignment(first, second),
            "uniformity": uniformity(rows),
            "mean-cosine": anisotropy(rows),
            "effective-rank": effective_rank(rows),
            "variance-1": variances[0] / variances.sum(),
            "variance-10": variances[:10].sum() / variances.sum(),
            "variance-100": 1,
        },
        rel=1e-5,
    )


def test_the_interval_of_alignment_is_over_its_pairs_and_that_of_the_others_over_the_sentences(
    percentiles: Percentiles,
) -> None:
    pairs, bootstrap = example(200, 800), Bootstrap(0.9, 50, 3)
    scores = {score.metric: score for score in Geometry("x", "dev", pairs, bootstrap=bootstrap).evaluate(encode)}
    close = [place for place, score in enumerate(pairs.scores) if score > 4]
    distances = np.array([alignment(encode([pairs.first[i]]), encode([pairs.second[i]])) for i in close])
    units = sentence_units([(pairs.first[i], pairs.second[i]) for i in close])
    draws = islice(resample_counts(units, seed=3, stream="x dev"), 50)
    drawn = [np.repeat(distances, counts).mean() for counts in draws]
    interval = scores["alignment"].interval
    assert interval is not None
    np.testing.assert_allclose((interval.low, interval.high), percentiles(drawn, 0.9, units.effective()), rtol=1e-5)
    for metric in ("uniformity", "mean-cosine"):
        around = scores[metric].interval
        # Components of the pairs among 800 sentences: two sentences of a pair are drawn together.
        assert scores[metric].units == len(set(connected(zip(pairs.first, pairs.second, strict=True)).tolist()))
        assert around is not None and around.low < scores[metric].value < around.high


def test_of_many_sentences_some_are_drawn_by_the_seed() -> None:
    last: list[str] = []

    def recording(texts: Sequence[str]) -> Embeddings:
        last[:] = texts
        return encode(texts)

    drawn = []
    for seed in (0, 0, 1):
        scores = Geometry("x", "dev", example(), most_sentences=20, bootstrap=Bootstrap(resamples=20, seed=seed)).evaluate(
            recording
        )
        assert [score.count for score in scores if score.metric != "alignment"] == [20] * 6
        assert len(set(last)) == 20
        drawn.append(list(last))
    assert drawn[0] == drawn[1] != drawn[2]
    assert set(drawn[0]) <= {*example().first, *example().second}


def test_the_threshold_fits_the_scale() -> None:
    assert Geometry.of("x", "dev", example()).threshold == 4
    classes = Geometry.of("x", "dev", pairs_of([("a", "b", 0.0), ("a", "c", 1.0)]), labels=("translated",))
    assert (classes.threshold, classes.labels) == (0.8, ("translated",))


def test_no_positives_are_refused() -> None:
    with pytest.raises(UsageError, match=r"x dev: no pair has a score above 4 \(the highest is 3\.5\).*threshold that fits"):
        Geometry("x", "dev", pairs_of([("a", "b", 3.5), ("a", "c", 1.0)]))
    with pytest.raises(UsageError, match="the highest is missing"):
        Geometry.of("x", "dev", ScoredPairs([], [], np.zeros(0)))


def test_unusable_vectors_are_refused() -> None:
    with pytest.raises(UsageError, match="collapsed to one point"):
        Geometry("x", "dev", example()).evaluate(lambda texts: np.ones((len(texts), 3), dtype=np.float32))
    with pytest.raises(UsageError, match="NaN"):
        Geometry("x", "dev", example()).evaluate(lambda texts: np.full((len(texts), 3), np.nan, dtype=np.float32))


def test_it_is_a_task_that_asks_for_its_texts() -> None:
    pairs = example()
    task = Geometry("x", "dev", pairs)
    assert isinstance(task, Task)
    assert (len(task), str(task)) == (60, "x dev")
    assert set(task.texts()) == {*pairs.first, *pairs.second}
    assert len(repr(task)) < 200
