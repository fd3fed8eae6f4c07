"""How often an interval is wrong: encoders of equal quality by construction, on items that hang together in groups.

Quality is symmetric: what one encoder gets by chance, the other could have got. A verdict on two such encoders is an error, and
at 95 % one in twenty is due. Drawing single items finds a winner far more often; that it does so here shows that these examples
can tell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from juyi.data import ScoredPairs, read_scored_pairs
from juyi.metrics import Bootstrap, Units, mean_statistic, resample_counts
from juyi.tasks import STS, BootstrappedScore, EncodeOrSimilarity, Task, sentence_units

Matrix = NDArray[np.float64]

BOOTSTRAP = Bootstrap(resamples=200)
MOST = 0.07
"""Of nominally 5 %; 500 simulations put the share within two points."""

SHAPES = {
    "20 of equal size": np.full(20, 8),
    "40 of unequal size": np.random.default_rng(1).geometric(0.15, 40),
    "100, some of them large": np.ceil(np.random.default_rng(2).lognormal(1.2, 1.0, 100)).astype(int),
    "one tenth of the items in one": np.array([40, *np.random.default_rng(3).geometric(0.3, 100)]),
}


def groups_of(sizes: NDArray[np.int_]) -> NDArray[np.intp]:
    """The group of each item."""
    return np.repeat(np.arange(len(sizes)), sizes)


def noise(rng: np.random.Generator, groups: NDArray[np.intp], count: int) -> Matrix:
    """What an encoder gets by chance, (items, count): as much of it common to a group as the items' own."""
    return rng.normal(size=(groups.max() + 1, count))[groups] + rng.normal(size=(len(groups), count))


def means_on_resamples(values: Matrix, units: Units, resamples: int = BOOTSTRAP.resamples) -> Matrix:
    """The mean of each column on each resample, (resamples, columns)."""
    counts = np.stack(list(islice(resample_counts(units, seed=0, stream="x test"), resamples))).astype(np.float64)
    return counts @ values / counts.sum(axis=1, keepdims=True)


def verdicts(differences: Matrix, units: Units) -> float:
    """In which share of the columns the mean is told from 0."""
    replicates = means_on_resamples(differences, units)
    found = [
        BOOTSTRAP.difference(float(value), column, units.effective()).interval.excludes(0)
        for value, column in zip(differences.mean(axis=0), replicates.T, strict=True)
    ]
    return float(np.mean(found))


@pytest.mark.parametrize("sizes", SHAPES.values(), ids=SHAPES)
def test_two_equal_encoders_are_seldom_told_apart_on_grouped_items(sizes: NDArray[np.int_]) -> None:
    rng, groups = np.random.default_rng(0), groups_of(sizes)
    differences = noise(rng, groups, 1000) - noise(rng, groups, 1000)
    assert verdicts(differences, Units.grouped(groups.tolist())) <= MOST
    assert verdicts(differences, Units.single(len(groups))) > 0.2


def test_the_percentile_interval_of_few_groups_is_too_short() -> None:
    """Why Student's t: 12 groups, drawn rightly, and still more errors than MOST."""
    rng, groups = np.random.default_rng(0), groups_of(np.full(12, 5))
    units = Units.grouped(groups.tolist())
    differences = noise(rng, groups, 1000)
    low, high = np.quantile(means_on_resamples(differences, units), [0.025, 0.975], axis=0)
    assert np.mean((low > 0) | (high < 0)) > MOST
    assert verdicts(differences, units) <= MOST


@pytest.mark.parametrize("sizes", SHAPES.values(), ids=SHAPES)
def test_the_interval_of_a_figure_holds_the_truth_as_often_as_it_says(sizes: NDArray[np.int_]) -> None:
    rng, groups = np.random.default_rng(4), groups_of(sizes)
    units, values = Units.grouped(groups.tolist()), noise(rng, groups, 4000)
    replicates = means_on_resamples(values, units, 3000)  # far percentiles need many
    covered = np.mean([not BOOTSTRAP.interval(column, units.effective()).excludes(0) for column in replicates.T])
    assert 0.935 <= covered <= 0.97


@pytest.mark.parametrize("sizes", SHAPES.values(), ids=SHAPES)
def test_a_real_difference_is_found(sizes: NDArray[np.int_]) -> None:
    """Of three and a half standard errors: a test that knows the standard error finds 94 % of them."""
    rng, groups = np.random.default_rng(5), groups_of(sizes)
    shares = sizes / sizes.sum()
    error = np.sqrt(shares @ shares + 1 / sizes.sum())  # of the mean of `noise`
    assert verdicts(noise(rng, groups, 1000) + 3.5 * error, Units.grouped(groups.tolist())) > 0.75


@dataclass(frozen=True, eq=False)
class Found(Task):
    """A FAQ whose queries have known figures, and belong to known groups."""

    values: Matrix = field(repr=False)
    groups: NDArray[np.intp] = field(repr=False)

    def texts(self) -> Sequence[str]:
        return []

    def measure(self, encoder: EncodeOrSimilarity) -> Sequence[BootstrappedScore]:
        return [self.bootstrapped("mrr@10", mean_statistic(self.values), Units.grouped(self.groups.tolist()))]


def told_apart(measure: Callable[[int], tuple[BootstrappedScore, BootstrappedScore]], simulations: int) -> float:
    """The share of simulations in which two scores differ for certain."""
    found = 0
    for seed in range(simulations):
        first, second = measure(seed)
        difference = second.difference(first)
        assert difference is not None and difference.p_value is not None
        assert difference.interval.excludes(0) == (difference.p_value < 0.05)
        found += difference.interval.excludes(0)
    return found / simulations


@pytest.mark.parametrize(("grouped", "simulations"), [(True, 400), (False, 150)], ids=["groups", "queries"])
def test_two_equal_encoders_on_a_faq(grouped: bool, simulations: int) -> None:
    """Reciprocal ranks of the queries of a group go together: its standard question is near for this encoder, or far."""
    groups = groups_of(np.random.default_rng(6).geometric(0.2, 40))

    def measure(seed: int) -> tuple[BootstrappedScore, BootstrappedScore]:
        rng = np.random.default_rng(seed)
        ranks = np.clip(np.ceil(np.exp(1 + noise(rng, groups, 2))), 1, 1000)
        values = np.where(ranks <= 10, 1 / ranks, 0.0)
        drawn = groups if grouped else np.arange(len(groups))
        first, second = (Found("FAQ", "test", side, drawn, bootstrap=BOOTSTRAP).measure(str.encode)[0] for side in values.T)  # type: ignore[arg-type]
        return first, second

    share = told_apart(measure, simulations)
    assert share <= MOST if grouped else share > 0.2


@pytest.mark.parametrize(("grouped", "simulations"), [(True, 400), (False, 100)], ids=["groups", "pairs"])
def test_two_equal_encoders_on_scored_pairs(grouped: bool, simulations: int) -> None:
    """Each pair of a group shares its first sentence with the next: the group is a component, and a subject of its own."""
    groups = groups_of(np.random.default_rng(7).geometric(0.2, 30))
    count = len(groups)
    first = [f"句{group if grouped else place}" for place, group in enumerate(groups)]
    second = [f"另{place}" for place in range(count)]

    def measure(seed: int) -> tuple[BootstrappedScore, BootstrappedScore]:
        rng = np.random.default_rng(seed)
        gold = np.round(1.5 * rng.normal(size=groups.max() + 1)[groups] + rng.normal(size=count))
        task = STS("x", "test", ScoredPairs(first, second, gold), bootstrap=Bootstrap(resamples=120))
        assert task.units.count == (groups.max() + 1 if grouped else count)
        one, two = (task.measure_similarities(gold + side)[0] for side in 2 * noise(rng, groups, 2).T)
        return one, two

    share = told_apart(measure, simulations)
    assert share <= MOST if grouped else share > 0.2


@pytest.mark.shared
@pytest.mark.parametrize("common", [0.0, 0.5], ids=["sentences alone", "and subjects"])
def test_two_equal_encoders_on_the_components_of_bq(shared_data: Path, common: float) -> None:
    """The real components, of which one holds a twelfth of the pairs; encoders err by sentence, and by component."""
    pairs = read_scored_pairs(shared_data / "zh_sts" / "bq.test.tsv")
    sides = list(zip(pairs.first, pairs.second, strict=True))
    units, numbers = (
        sentence_units(sides),
        {text: place for place, text in enumerate(dict.fromkeys((*pairs.first, *pairs.second)))},
    )
    assert (units.items, units.count) == (10000, 644)
    rng, count = np.random.default_rng(8), 500
    by_sentence = rng.normal(size=(len(numbers), count))
    first, second = (by_sentence[[numbers[text] for text in side]] for side in (pairs.first, pairs.second))
    differences = first + second + rng.normal(size=(len(sides), count))
    differences += common * rng.normal(size=(units.count, count))[units.of]
    assert verdicts(differences, units) <= MOST
    assert verdicts(differences, Units.single(len(sides))) > 0.2
