from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from scipy import stats

from juyi.data import ScoredPairs
from juyi.errors import UsageError
from juyi.metrics import Bootstrap
from juyi.tasks import STS, Task, mean_of
from juyi.types import Embeddings, Interval

Percentiles = Callable[[Sequence[float], float, float], list[float]]


def encode(texts: Sequence[str]) -> Embeddings:
    """A fixed random direction for each text."""
    return np.stack([np.random.default_rng(list(text.encode())).normal(size=5) for text in texts]).astype(np.float32)


def example(count: int = 80, subsets: tuple[str, ...] | None = None) -> ScoredPairs:
    rng = np.random.default_rng(0)
    first = [f"句{i}" for i in rng.integers(0, 160, count)]
    second = [f"句{i}" for i in rng.integers(0, 160, count)]
    return ScoredPairs(first, second, rng.integers(0, 6, count).astype(np.float64), subsets)


def slow_similarities(pairs: ScoredPairs) -> list[float]:
    rows = [(encode([a])[0].astype(float), encode([b])[0].astype(float)) for a, b in zip(pairs.first, pairs.second, strict=True)]
    return [x @ y / (np.linalg.norm(x) * np.linalg.norm(y)) for x, y in rows]


def slow_units(pairs: ScoredPairs) -> list[int]:
    """The component of each pair, by painting neighbours until nothing changes."""
    sides = list(zip(pairs.first, pairs.second, strict=True))
    colours = list(range(len(sides)))
    while True:
        painted = [min(colours[j] for j, other in enumerate(sides) if set(pair) & set(other)) for pair in sides]
        if painted == colours:
            return [sorted(set(colours)).index(colour) for colour in colours]
        colours = painted


def slow_figures(x: Sequence[float], y: Sequence[float], units: Sequence[int], seed: list[int], resamples: int) -> list[float]:
    """Spearman's correlation times 100 of each resample of units, written out."""
    rng, count, figures = np.random.default_rng(seed), max(units) + 1, []
    for _ in range(resamples):
        drawn = [pair for unit in rng.integers(0, count, count) for pair in np.flatnonzero(np.array(units) == unit)]
        figures.append(100 * stats.spearmanr(np.array(x)[drawn], np.array(y)[drawn]).statistic)
    return figures


def test_score_is_spearman_of_cosine_and_gold(percentiles: Percentiles) -> None:
    pairs, bootstrap = example(), Bootstrap(level=0.9, resamples=50, seed=3)
    (score,) = STS("STS-B", "dev", pairs, labels=("translated",), bootstrap=bootstrap).evaluate(encode)
    slow = slow_similarities(pairs)
    assert score.value == pytest.approx(100 * stats.spearmanr(slow, pairs.scores).statistic, abs=1e-9)
    assert (score.task, score.split, score.metric, score.count, score.subset) == ("STS-B", "dev", "spearman", 80, "")
    assert score.labels == ("translated",)
    assert isinstance(score.interval, Interval) and score.interval.level == 0.9
    units = slow_units(pairs)
    assert 10 < score.units == len(set(units)) < 70
    figures = slow_figures(slow, pairs.scores.tolist(), units, [3, *b"STS-B dev"], 50)
    effective = 80**2 / sum(units.count(unit) ** 2 for unit in set(units))
    assert [score.interval.low, score.interval.high] == pytest.approx(percentiles(figures, 0.9, effective))


def by_hand() -> tuple[STS, np.ndarray]:
    """Five pairs of sub-task A and six of B, interleaved, without ties; B's similarities all lie above A's."""
    rows = [  # sub-task, gold, similarity
        ("A", 1.0, 0.01), ("B", 0.5, 0.14), ("A", 2.0, 0.02), ("B", 1.5, 0.11), ("A", 3.0, 0.03), ("B", 2.5, 0.12),
        ("A", 4.0, 0.05), ("B", 3.5, 0.13), ("A", 5.0, 0.04), ("B", 4.5, 0.16), ("B", 5.5, 0.15),
    ]  # fmt: skip
    subsets, gold, similarities = zip(*rows, strict=True)
    first, second = ([f"{side}{row}" for row in range(11)] for side in "ab")
    return STS("STS12", "test", ScoredPairs(first, second, np.array(gold), subsets)), np.array(similarities)


def test_all_mean_and_wmean_by_hand() -> None:
    task, similarities = by_hand()
    scores = {score.subset: score for score in (each.score for each in task.measure_similarities(similarities))}
    # Without ties Spearman is 1 - 6 Σd² / (n (n² - 1)), d the difference of the ranks.
    a = 1 - 6 * (1 + 1) / (5 * 24)  # ranks 1 2 3 4 5 against 1 2 3 5 4
    b = 1 - 6 * (9 + 1 + 1 + 1 + 1 + 1) / (6 * 35)  # 1 2 3 4 5 6 against 4 1 2 3 6 5
    # All: gold ranks 2 4 6 8 10 of A and 1 3 5 7 9 11 of B; similarity ranks 1 2 3 5 4 and 9 6 7 8 11 10.
    pooled = 1 - 6 * ((1 + 4 + 9 + 9 + 36) + (64 + 9 + 4 + 1 + 4 + 1)) / (11 * 120)
    assert {subset: score.value for subset, score in scores.items()} == pytest.approx(
        {"all": 100 * pooled, "mean": 100 * (a + b) / 2, "wmean": 100 * (5 * a + 6 * b) / 11, "A": 90, "B": 60}
    )
    assert scores["all"].value == pytest.approx(35.454545454545)
    assert (scores["mean"].value, scores["wmean"].value) == pytest.approx((75, 73.636363636364))
    assert {subset: score.count for subset, score in scores.items()} == {"all": 11, "mean": 11, "wmean": 11, "A": 5, "B": 6}
    assert all(score.metric == "spearman" and score.interval is not None for score in scores.values())


def test_sub_tasks_are_drawn_among_themselves_and_their_means_on_the_same_draws() -> None:
    """A figure of a sub-task is that of a task of its own, and so is its spread; the whole is drawn with them."""
    names = tuple("甲乙"[i] for i in np.arange(80) % 2)
    pairs, bootstrap = example(subsets=names), Bootstrap(resamples=400)
    # No sentence is in both sub-tasks.
    for side in (pairs.first, pairs.second):
        side[:] = [text + name for text, name in zip(side, names, strict=True)]
    task = STS("STS14", "test", pairs, bootstrap=bootstrap)
    found = {each.score.subset: each for each in task.measure(encode)}
    assert list(found) == ["all", "mean", "wmean", *dict.fromkeys(names)]
    parts = []
    for name in dict.fromkeys(names):
        places = [place for place in range(80) if names[place] == name]
        own = ScoredPairs([pairs.first[i] for i in places], [pairs.second[i] for i in places], pairs.scores[places])
        (alone,) = STS("STS14", "test", own, bootstrap=bootstrap).measure(encode)
        part = found[name]
        assert (part.score.value, part.score.count, part.score.units) == (alone.score.value, 40, alone.score.units)
        assert part.replicates is not None and alone.replicates is not None
        assert part.effective == alone.effective
        assert part.replicates.std() == pytest.approx(alone.replicates.std(), rel=0.15)
        parts.append(part)
    for subset, weighted in (("mean", False), ("wmean", True)):
        mean = found[subset]
        assert mean.score == mean_of(parts, weighted=weighted, subset=subset).score
        assert mean.replicates is not None and parts[0].replicates is not None and parts[1].replicates is not None
        np.testing.assert_allclose(mean.replicates, (parts[0].replicates + parts[1].replicates) / 2)
        # Without a sentence in common they are independent.
        assert abs(np.corrcoef(parts[0].replicates, parts[1].replicates)[0, 1]) < 0.15
        assert mean.score.units == found["all"].score.units == sum(part.score.units or 0 for part in parts)
    assert task.units.classes == tuple(part.score.units for part in parts)


def test_sub_tasks_that_hold_the_same_sentences_are_not_independent() -> None:
    """The same 40 pairs under two names: their mean is as unsure as one of them, not surer by the root of two."""
    half = example(40)
    pairs = ScoredPairs(half.first * 2, half.second * 2, np.tile(half.scores, 2), ("甲",) * 40 + ("乙",) * 40)
    found = {each.score.subset: each for each in STS("STS14", "test", pairs).measure(encode)}
    one, both = found["甲"].replicates, found["mean"].replicates
    assert one is not None and both is not None
    np.testing.assert_allclose(both, one)
    assert found["mean"].score.units == found["甲"].score.units


def test_similarities_keep_the_order_of_the_pairs_and_encode_each_sentence_once() -> None:
    pairs = example()
    asked: list[str] = []

    def recording(texts: Sequence[str]) -> Embeddings:
        asked.extend(texts)
        return encode(texts)

    task = STS("x", "dev", pairs)
    np.testing.assert_allclose(task.similarities(recording), slow_similarities(pairs), atol=1e-6)
    assert len(asked) == len(set(asked))
    assert set(asked) == {*pairs.first, *pairs.second} == set(task.texts())


def test_difference_is_in_points_and_signed() -> None:
    pairs = example()
    task = STS("x", "dev", pairs, bootstrap=Bootstrap(resamples=100))
    good = pairs.scores + np.random.default_rng(1).normal(size=80)
    fair = task.similarities(encode)
    difference = task.difference(good, fair)
    assert difference.value == pytest.approx(task.score(good).value - task.score(fair).value)
    assert difference.interval.low < difference.value < difference.interval.high
    assert difference.interval.excludes(0)
    assert task.difference(fair, good).value == -difference.value


def test_pairs_that_all_hang_together_have_a_figure_and_no_interval_and_no_difference() -> None:
    gold = np.random.default_rng(0).normal(size=20)
    task = STS("x", "dev", ScoredPairs(["一"] * 20, [f"句{i}" for i in range(20)], gold))
    score = task.score(gold + 1)
    assert (score.value, score.interval, score.units) == (pytest.approx(100), None, 1)
    with pytest.raises(UsageError, match=r"x dev: 20 pairs hang together in 1 groups.*weigh like 1\.0 independent ones"):
        task.difference(gold, -gold)


def test_a_collapsed_encoder_has_no_score() -> None:
    with pytest.raises(UsageError, match="has collapsed"):
        STS("x", "dev", example()).evaluate(lambda texts: np.ones((len(texts), 3), dtype=np.float32))
    with pytest.raises(UsageError, match="predicted is constant"):
        STS("x", "dev", example()).measure_similarities(np.ones(80))
    with pytest.raises(UsageError, match="NaN"):
        STS("x", "dev", example()).evaluate(lambda texts: np.full((len(texts), 3), np.nan, dtype=np.float32))
    with pytest.raises(UsageError, match=r"gave an array of the shape \(1, 3\)"):
        STS("x", "dev", example()).evaluate(lambda texts: np.ones((1, 3), dtype=np.float32))


def test_pairs_that_cannot_be_scored_are_refused() -> None:
    with pytest.raises(UsageError, match="BQ dev has 1 pairs"):
        STS("BQ", "dev", ScoredPairs(["a"], ["b"], np.ones(1)))
    with pytest.raises(UsageError, match="BQ dev has 2 first sentences, 1 second ones and 2 scores"):
        STS("BQ", "dev", ScoredPairs(["a", "b"], ["b"], np.ones(2)))
    with pytest.raises(UsageError, match="STS12 test surprise has 1 pairs; a correlation needs at least 2"):
        STS("STS12", "test", example(80, ("OnWN",) * 79 + ("surprise",)))
    with pytest.raises(UsageError, match="STS12 test has 79 names of sub-tasks for 80 pairs"):
        STS("STS12", "test", example(80, ("OnWN",) * 79))
    with pytest.raises(UsageError, match="STS12 test has a sub-task 'mean', and figures over all sub-tasks are called so"):
        STS("STS12", "test", example(80, ("OnWN", "mean") * 40))


def test_it_is_a_task_and_prints_short() -> None:
    task = STS("BQ", "dev", example())
    assert isinstance(task, Task)
    assert (str(task), len(task)) == ("BQ dev", 80)
    assert len(repr(task)) < 200
