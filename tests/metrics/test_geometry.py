from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.distance import cosine, pdist

from juyi.embeddings import cosine_rows
from juyi.errors import UsageError
from juyi.metrics import (
    Units,
    alignment,
    anisotropy,
    anisotropy_statistic,
    effective_rank,
    participation_ratio,
    principal_plane,
    resample_counts,
    singular_values,
    uniformity,
    uniformity_statistic,
)


def rows(n: int = 23, dim: int = 7, seed: int = 0, dtype: type[np.floating] = np.float64) -> NDArray[Any]:
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(n, dim)) * rng.uniform(0.1, 9, size=(n, 1)) + 0.5).astype(dtype)


def slow_cosine(x: NDArray[Any], y: NDArray[Any]) -> float:
    return sum(float(a) * float(b) for a, b in zip(x, y, strict=True)) / (
        sum(float(a) ** 2 for a in x) ** 0.5 * sum(float(b) ** 2 for b in y) ** 0.5
    )


def slow_square_distance(x: NDArray[Any], y: NDArray[Any]) -> float:
    x, y = x / np.linalg.norm(x), y / np.linalg.norm(y)
    return float(((x - y) ** 2).sum())


def test_cosine_rows_equals_the_loop() -> None:
    first, second = rows(), rows(seed=1)
    got = cosine_rows(first, second)
    assert got.dtype == np.float64
    np.testing.assert_allclose(got, [slow_cosine(x, y) for x, y in zip(first, second, strict=True)], atol=1e-14)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_cosine_of_equal_rows_is_exactly_one(dtype: type[np.floating]) -> None:
    embeddings = rows(2000, 33, dtype=dtype)
    assert set(cosine_rows(embeddings, embeddings.copy())) == {1.0}
    assert set(cosine_rows(embeddings, -embeddings)) == {-1.0}


def test_cosine_survives_extreme_lengths() -> None:
    first, second = rows(), rows(seed=1)
    np.testing.assert_allclose(cosine_rows(first * 1e200, second * 1e-200), cosine_rows(first, second), atol=1e-14)


@pytest.mark.parametrize("power", [1.0, 2.0, 3.0])
def test_alignment_equals_the_loop(power: float) -> None:
    first, second = rows(), rows(seed=1)
    wanted = np.mean([slow_square_distance(x, y) ** (power / 2) for x, y in zip(first, second, strict=True)])
    assert alignment(first, second, power=power) == pytest.approx(wanted, abs=1e-12)
    assert alignment(first, 4 * first) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("t", [0.5, 2.0])
def test_uniformity_equals_the_loop(t: float) -> None:
    embeddings = rows()
    wanted = np.log(np.mean([np.exp(-t * slow_square_distance(x, y)) for x, y in combinations(embeddings, 2)]))
    assert uniformity(embeddings, t=t) == pytest.approx(wanted, abs=1e-12)
    assert uniformity(embeddings.astype(np.float32), t=t) == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("count", [2, 1023, 1024, 1025, 2050])
def test_figures_of_more_rows_than_one_block(count: int) -> None:
    """Every pair once, whichever blocks of rows its two sides fall into; the oracle is scipy's."""
    embeddings = np.random.default_rng(count).normal(size=(count, 3)) + 0.5
    distances, cosines = pdist(embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)), 1 - pdist(embeddings, "cosine")
    assert uniformity(embeddings) == pytest.approx(np.log(np.mean(np.exp(-2 * distances**2))), abs=1e-12)
    assert anisotropy(embeddings) == pytest.approx(cosines.mean(), abs=1e-12)
    assert uniformity_statistic(embeddings)(np.ones(count)) == pytest.approx(uniformity(embeddings), abs=1e-12)
    assert anisotropy_statistic(embeddings)(np.ones(count)) == pytest.approx(anisotropy(embeddings), abs=1e-12)
    first, second = embeddings[: count // 2], embeddings[count // 2 : 2 * (count // 2)]
    wanted = [1 - cosine(x, y) for x, y in zip(first, second, strict=True)]
    np.testing.assert_allclose(cosine_rows(first, second), wanted, atol=1e-14)


def test_uniformity_of_known_shapes() -> None:
    assert uniformity(np.ones((9, 4))) == pytest.approx(0, abs=1e-12)
    assert uniformity([[1, 0], [-1, 0]]) == pytest.approx(-8)  # the squared distance is 4
    # exp(-4000) is 0 in any float; its logarithm is not.
    assert uniformity([[1, 0], [-1, 0]], t=1000) == pytest.approx(-4000)


def test_anisotropy_equals_the_loop() -> None:
    embeddings = rows()
    assert anisotropy(embeddings) == pytest.approx(
        np.mean([slow_cosine(x, y) for x, y in combinations(embeddings, 2)]), abs=1e-12
    )
    assert anisotropy(np.ones((5, 3))) == pytest.approx(1)
    assert anisotropy(np.eye(6)) == pytest.approx(0, abs=1e-15)


def test_statistics_of_every_row_once_are_the_figures() -> None:
    embeddings = rows()
    assert uniformity_statistic(embeddings, t=0.5)(np.ones(23)) == pytest.approx(uniformity(embeddings, t=0.5), abs=1e-12)
    assert anisotropy_statistic(embeddings)(np.ones(23)) == pytest.approx(anisotropy(embeddings), abs=1e-12)


def test_statistics_of_a_resample_are_the_figures_of_its_pairs_to_first_order() -> None:
    # What is left out shrinks as 1/n, the spread of the resamples as 1/sqrt(n): with 800 rows it is far below the spread.
    embeddings = np.random.default_rng(0).normal(size=(800, 7)) + 0.75
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    cosines = unit @ unit.T
    kernel = np.exp(-2 * (2 - 2 * cosines))
    projected = uniformity_statistic(embeddings), anisotropy_statistic(embeddings)
    got, wanted = [], []
    stream = resample_counts(Units.single(800), seed=0)
    for _ in range(60):
        counts = next(stream).astype(np.float64)
        weights = np.outer(counts, counts)
        np.fill_diagonal(weights, 0)  # a row with itself is no pair, however often it was drawn
        wanted.append([np.log(np.average(kernel, weights=weights)), np.average(cosines, weights=weights)])
        got.append([statistic(counts) for statistic in projected])
    spread = np.std(wanted, axis=0)
    assert (np.abs(np.subtract(got, wanted)).max(axis=0) < 0.25 * spread).all()
    np.testing.assert_allclose(np.std(got, axis=0), spread, rtol=0.02)


@pytest.mark.parametrize(("n", "dim"), [(23, 7), (5, 9)])
def test_singular_values_are_the_roots_of_the_covariance(n: int, dim: int) -> None:
    embeddings = rows(n, dim)
    eigenvalues = np.linalg.eigvalsh(np.cov(embeddings.T))[::-1][: min(n, dim)]
    wanted = np.sqrt(np.maximum(eigenvalues, 0) / eigenvalues[0])
    got = singular_values(embeddings)
    assert got.shape == (min(n, dim),)
    np.testing.assert_allclose(got, wanted, atol=1e-7)
    np.testing.assert_allclose(singular_values(embeddings * 3 - 11), got, atol=1e-12)


def test_effective_rank_counts_directions() -> None:
    # Opposite corners of a cross: centred, and every direction equally long.
    cross = np.vstack([np.eye(6)[:4], -np.eye(6)[:4]])
    assert effective_rank(cross) == pytest.approx(4)
    assert effective_rank(np.outer(np.arange(8.0), np.ones(5))) == pytest.approx(1, abs=1e-9)
    values = np.linalg.svd(rows() - rows().mean(axis=0), compute_uv=False)
    shares = values / values.sum()
    assert effective_rank(rows()) == pytest.approx(np.exp(-sum(p * np.log(p) for p in shares)))


def test_participation_ratio_counts_the_directions_that_carry_the_variance() -> None:
    cross = np.vstack([np.eye(6)[:4], -np.eye(6)[:4]])
    assert participation_ratio(cross) == pytest.approx(4)
    assert participation_ratio(np.outer(np.arange(8.0), np.ones(5))) == pytest.approx(1)
    covariance = np.cov(rows(), rowvar=False)
    assert participation_ratio(rows()) == pytest.approx(np.trace(covariance) ** 2 / np.trace(covariance @ covariance))
    assert participation_ratio(rows() + 100) == pytest.approx(participation_ratio(rows()))


PAIRED: list[Callable[..., Any]] = [cosine_rows, alignment]
STATISTICS: list[Callable[..., Any]] = [uniformity_statistic, anisotropy_statistic]
SINGLE: list[Callable[..., Any]] = [uniformity, anisotropy, *STATISTICS, singular_values, effective_rank, participation_ratio]


@pytest.mark.parametrize("figure", PAIRED)
def test_pairs_that_do_not_fit_are_refused(figure: Callable[..., Any]) -> None:
    good, zero, broken = rows(4, 3), rows(4, 3), rows(4, 3)
    zero[3] = 0
    broken[1, 2] = np.nan
    with pytest.raises(UsageError, match="second has 1 rows of zeros out of 4, the first is row 3"):
        figure(good, zero)
    with pytest.raises(UsageError, match=r"first has 1 values that are NaN.*position 1, 2"):
        figure(broken, good)
    with pytest.raises(UsageError, match=r"\(4, 3\) and second \(3, 3\)"):
        figure(good, good[:3])
    with pytest.raises(UsageError, match=r"shape \(3,\)"):
        figure(good[0], good[0])


@pytest.mark.parametrize("figure", SINGLE)
def test_embeddings_that_cannot_be_judged_are_refused(figure: Callable[..., Any]) -> None:
    broken = rows(4, 3)
    broken[1, 2] = np.inf
    with pytest.raises(UsageError, match="embeddings has 1 values"):
        figure(broken)
    with pytest.raises(UsageError, match="embeddings has 1 rows; at least 2"):
        figure(rows(1, 3))
    with pytest.raises(UsageError, match="real numbers"):
        figure([["a"], ["b"]])


@pytest.mark.parametrize("figure", [uniformity, anisotropy, *STATISTICS])
def test_zero_rows_have_no_direction(figure: Callable[..., Any]) -> None:
    with pytest.raises(UsageError, match="embeddings has 2 rows of zeros out of 3, the first is row 0"):
        figure([[0, 0], [1, 1], [0, 0]])


@pytest.mark.parametrize("figure", [singular_values, effective_rank, participation_ratio])
@pytest.mark.parametrize("value", [0.0, 0.1, 1e30])
def test_equal_rows_have_no_spectrum(figure: Callable[..., Any], value: float) -> None:
    with pytest.raises(UsageError, match="All 30 rows of embeddings are equal"):
        figure(np.full((30, 5), value))


def test_alignment_needs_a_pair_and_cosine_rows_do_not() -> None:
    empty = np.empty((0, 3))
    assert cosine_rows(empty, empty).shape == (0,)
    with pytest.raises(UsageError, match="at least one positive pair"):
        alignment(empty, empty)


@pytest.mark.parametrize("figure", SINGLE)
def test_inputs_stay_as_they_are(figure: Callable[..., Any]) -> None:
    for dtype in (np.float32, np.float64):
        embeddings = rows(dtype=dtype)
        before = embeddings.copy()
        figure(embeddings)
        np.testing.assert_array_equal(embeddings, before)


@pytest.mark.parametrize(("n", "dim"), [(30, 5), (4, 9), (6, 1)])
def test_the_plane_holds_the_two_largest_variances(n: int, dim: int) -> None:
    rows = np.random.default_rng(3).normal(size=(n, dim)) * np.geomspace(1, 4, dim)
    plane = principal_plane(rows)
    variances = np.zeros(2)
    variances[: min(2, dim)] = np.sort(np.linalg.eigvalsh(np.atleast_2d(np.cov(rows.T))))[::-1][:2]
    assert plane.var(axis=0, ddof=1) == pytest.approx(variances)
    assert plane.mean(axis=0) == pytest.approx([0, 0], abs=1e-9)
    assert np.all(plane.max(axis=0) >= -plane.min(axis=0) - 1e-12)  # whoever lies furthest out is on the positive side
    assert principal_plane(-rows) == pytest.approx(plane)


def test_a_plane_needs_two_vectors() -> None:
    with pytest.raises(UsageError):
        principal_plane(np.ones((1, 3)))
