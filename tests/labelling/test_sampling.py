"""Pairs worth labelling: what is estimated from them is true of all pairs, and sooner than from pairs drawn evenly."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from juyi.embeddings import unit_rows
from juyi.errors import DataError, UsageError
from juyi.labelling import DrawnPair, draw_pairs, sampling_weights
from juyi.metrics import spearman_statistic

ALL = 10**9
SHEET = 100


def cosines(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    units = unit_rows(vectors, "vectors")
    return np.asarray(units @ units.T, dtype=np.float64)


def population(seed: int) -> tuple[list[NDArray[np.float64]], NDArray[np.float64], list[DrawnPair]]:
    """Two encoders of which the second treats a few texts otherwise, what people say of each pair, and all pairs as drawn.

    Meanings are points around 75 centres; the encoders see them with noise, people see them as they are.
    """
    rng = np.random.default_rng(seed)
    meanings = rng.normal(size=(75, 16))[rng.integers(75, size=200)] + 0.5 * rng.normal(size=(200, 16))
    seen = meanings + 0.8 * rng.normal(size=meanings.shape)
    otherwise = 0.3 * rng.normal(size=meanings.shape) * rng.gamma(0.5, 1, size=(200, 1))
    encoders = [cosines(seen), cosines(seen + otherwise)]
    return encoders, np.clip(np.round(5 * cosines(meanings)), 0, 5), draw_pairs(encoders, ALL, seed=seed)


def lead(
    encoders: list[NDArray[np.float64]], people: NDArray[np.float64], pairs: list[DrawnPair], weights: NDArray[np.float64]
) -> float:
    """By how many points the second encoder is ahead of the first on some pairs."""
    first, second = np.array([(pair.first, pair.second) for pair in pairs]).T
    figures = [spearman_statistic(each[first, second], people[first, second])(weights) for each in encoders]
    return 100 * (figures[1] - figures[0])


def sheet_weights(drawn: list[DrawnPair], count: int) -> NDArray[np.float64]:
    return sampling_weights(np.array([pair.size for pair in drawn[:count]]), [drawn[count].priority])


def test_what_a_sheet_says_is_true_of_all_pairs_and_surer_than_from_pairs_drawn_evenly() -> None:
    errors: dict[str, list[float]] = {"weighted": [], "unweighted": [], "even": []}
    for seed in range(60):
        encoders, people, drawn = population(seed)
        truth = lead(encoders, people, drawn, np.ones(len(drawn)))
        even = np.random.default_rng(seed).choice(len(drawn), SHEET, replace=False).tolist()
        errors["weighted"].append(lead(encoders, people, drawn[:SHEET], sheet_weights(drawn, SHEET)) - truth)
        errors["unweighted"].append(lead(encoders, people, drawn[:SHEET], np.ones(SHEET)) - truth)
        errors["even"].append(lead(encoders, people, [drawn[place] for place in even], np.ones(SHEET)) - truth)
    found = {name: np.array(each) for name, each in errors.items()}
    assert abs(found["weighted"].mean()) < 3 * found["weighted"].std(ddof=1) / np.sqrt(60)
    root_mean_square = {name: float(np.sqrt((each**2).mean())) for name, each in found.items()}
    assert root_mean_square["weighted"] < 0.85 * root_mean_square["even"]  # as from at least 1.4 times as many labels
    assert root_mean_square["weighted"] < 0.6 * root_mean_square["unweighted"]


@pytest.mark.parametrize("count", [50, 300])
def test_the_weights_count_the_pairs_of_the_population_whatever_they_are(count: int) -> None:
    """Unbiased sums of anything, here of how many pairs there are and of those that hold an even place."""
    sums, truths = [], []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        sizes = rng.gamma(1.0, size=600) + 0.2
        priorities = sizes / (1 - rng.random(600))
        order = np.argsort(-priorities)
        chosen = order[:count]
        weights = sampling_weights(sizes[chosen], [float(priorities[order[count]])])
        sums.append([weights.sum(), weights[chosen % 2 == 0].sum()])
        truths.append([600, 300])
    difference = np.array(sums) - np.array(truths)
    assert (np.abs(difference.mean(axis=0)) < 3.5 * difference.std(axis=0, ddof=1) / np.sqrt(len(sums)) + 1e-9).all()


def test_the_first_of_a_larger_draw_are_the_smaller_draw() -> None:
    encoders, _, drawn = population(0)
    assert draw_pairs(encoders, 70, seed=0) == drawn[:70]
    assert [pair.priority for pair in drawn] == sorted((pair.priority for pair in drawn), reverse=True)


def test_no_pair_comes_twice_and_most_are_plausible() -> None:
    encoders, _, drawn = population(1)
    assert len({(pair.first, pair.second) for pair in drawn}) == len(drawn)
    assert all(pair.first < pair.second for pair in drawn)
    neighbours = [np.argsort(-(each - 2 * np.eye(200)), axis=1)[:, :10] for each in encoders]
    plausible = [any(p.second in near[p.first] or p.first in near[p.second] for near in neighbours) for p in drawn]
    assert sum(plausible) == round(0.9 * len(drawn))


def test_the_order_of_those_that_are_compared_with_the_first_changes_nothing() -> None:
    encoders, people, _ = population(2)
    first, others = encoders[0], [encoders[1], people, encoders[0]]
    drawn = [draw_pairs([first, *order], 500, seed=2) for order in (others, others[::-1])]
    assert [(pair.first, pair.second) for pair in drawn[0]] == [(pair.first, pair.second) for pair in drawn[1]]


def test_a_candidate_far_from_all_others_does_not_take_the_whole_sheet() -> None:
    """Pairs on which close candidates differ keep their chance, however many ranks a bad one is off."""
    encoders, _, _ = population(5)
    noise = np.random.default_rng(0).normal(size=encoders[0].shape)
    drawn = draw_pairs([*encoders, noise + noise.T], ALL, baselines=[], seed=5)
    first, second = np.array([(pair.first, pair.second) for pair in drawn]).T
    ranks = [np.argsort(np.argsort(each[first, second])) for each in encoders]
    sizes = np.array([pair.size for pair in drawn])
    apart = np.abs(ranks[0] - ranks[1])
    assert sizes[apart > np.quantile(apart, 0.9)].mean() > 1.5 * sizes[apart < np.quantile(apart, 0.5)].mean()


def test_candidates_that_agree_leave_an_even_draw() -> None:
    encoders, _, _ = population(3)
    assert len({pair.size for pair in draw_pairs([encoders[0], encoders[0]], 500)}) == 1


def test_baselines_bring_pairs_and_do_not_decide_between_them() -> None:
    encoders, people, drawn = population(4)
    more = draw_pairs(encoders, ALL, baselines=[people], seed=4)
    nearest = np.argsort(-(people - 9 * np.eye(200)), axis=1, kind="stable")[:, 0]
    wanted = {(min(text, other), max(text, other)) for text, other in enumerate(nearest.tolist())}
    assert wanted <= {(pair.first, pair.second) for pair in more}
    assert not wanted <= {(pair.first, pair.second) for pair in drawn}


@pytest.mark.parametrize(("count", "most", "error"), [(3, 5, DataError), (0, 5, UsageError), (9, 0, UsageError)])
def test_what_leaves_nothing_to_draw_is_refused(count: int, most: int, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"four|at least one"):
        draw_pairs([np.eye(count)] if count else [], most)


def test_every_pair_of_a_few_texts() -> None:
    assert len(draw_pairs([cosines(np.random.default_rng(0).normal(size=(5, 3)))], ALL)) == 10


def test_batches_that_are_labelled_in_part_count_without_bias() -> None:
    """All of the first 60, a third of the next 60 and none of the last: sums of anything are still those of the population."""
    sums = []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        sizes = rng.gamma(0.6, size=250) + 0.05  # some of them are drawn for certain
        priorities = sizes / (1 - rng.random(250))
        order = np.argsort(-priorities)
        second = rng.permutation(order[60:120])[:20]
        labelled = np.concatenate([order[:60], second])
        thresholds = [float(priorities[order[end]]) for end in (60, 120, 180)]
        weights = sampling_weights(sizes[labelled], thresholds, [1.0, 1 / 3, 0.0])
        large = sizes[labelled] > 1
        sums.append([weights.sum() - 250, weights[large].sum() - (sizes > 1).sum()])
    found = np.array(sums)
    assert (np.abs(found.mean(axis=0)) < 3.5 * found.std(axis=0, ddof=1) / np.sqrt(len(found))).all()
