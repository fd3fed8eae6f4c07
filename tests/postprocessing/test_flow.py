"""The flow against its definition: a bijection, the change of variables, maximum likelihood."""

from __future__ import annotations

import copy
import subprocess
import sys
from collections.abc import Mapping

import numpy as np
import pytest
import torch
from scipy.stats import norm

from juyi.errors import TrainingError, UsageError
from juyi.postprocessing import Flow, fit_flow


def curved(count: int, dim: int = 4, seed: int = 0) -> np.ndarray:
    """Half of the dimensions are Gaussian, each of the others is a parabola over one of them, with little noise."""
    rng = np.random.default_rng(seed)
    free = rng.normal(size=(count, (dim + 1) // 2))
    bent = free[:, : dim // 2] ** 2 + 0.1 * rng.normal(size=(count, dim // 2))
    return (np.hstack([free, bent]) * np.linspace(0.5, 3, dim) + 7).astype(np.float32)


def fitted(dim: int = 4, levels: int = 2, steps: int = 60) -> Flow:
    return fit_flow(curved(200, dim), levels=levels, steps=steps, learning_rate=1e-2)


def jacobian(flow: Flow, point: np.ndarray) -> np.ndarray:
    network = copy.deepcopy(flow.network).double()
    return torch.autograd.functional.jacobian(lambda u: network(u[None])[0], torch.from_numpy(point.astype(np.float64))).numpy()


@pytest.mark.parametrize(("dim", "levels"), [(2, 1), (4, 2), (7, 1), (7, 2), (11, 3)])
def test_the_flow_is_a_bijection(dim: int, levels: int) -> None:
    flow, vectors = fitted(dim, levels), curved(50, dim, seed=1)
    latents = flow(vectors)
    assert latents.shape == vectors.shape
    assert latents.dtype == np.float32
    np.testing.assert_allclose(flow.inverse(latents), vectors, atol=1e-4)


@pytest.mark.parametrize(("dim", "levels"), [(2, 1), (7, 2), (11, 3)])
def test_the_likelihood_is_the_change_of_variables(dim: int, levels: int) -> None:
    flow, vectors = fitted(dim, levels), curved(5, dim, seed=1)
    log_dets = [np.linalg.slogdet(jacobian(flow, vector))[1] for vector in vectors]
    expected = norm.logpdf(flow(vectors).astype(np.float64)).sum(axis=1) + log_dets
    np.testing.assert_allclose(flow.log_likelihood(vectors), expected, rtol=1e-4, atol=1e-4)
    # Additive coupling: the same change of volume everywhere, though the map is not linear.
    assert np.ptp(log_dets) < 1e-9
    assert np.abs(jacobian(flow, vectors[0]) - jacobian(flow, vectors[1])).max() > 1e-3


def test_without_steps_each_dimension_is_standardised() -> None:
    vectors = curved(300)
    flow = fit_flow(vectors, steps=0)
    standardised = (vectors - vectors.mean(axis=0)) / vectors.std(axis=0)
    # The permutations change the order of the dimensions, nothing else.
    np.testing.assert_allclose(np.sort(flow(vectors), axis=1), np.sort(standardised, axis=1), atol=1e-4)
    bits = -norm.logpdf(vectors, vectors.mean(axis=0), vectors.std(axis=0)).mean() / np.log(2)
    assert flow.start_bits == flow.bits_per_dim == pytest.approx(bits, abs=1e-4)


def test_training_makes_held_out_vectors_more_likely() -> None:
    vectors, held_out = curved(2000), curved(500, seed=1)
    start, flow = fit_flow(vectors, steps=0), fit_flow(vectors, learning_rate=1e-2)
    assert flow.log_likelihood(held_out).mean() > start.log_likelihood(held_out).mean() + 1
    assert flow.bits_per_dim == pytest.approx(-flow.log_likelihood(vectors).mean() / (4 * np.log(2)), abs=1e-4)
    assert flow.bits_per_dim < flow.start_bits == start.bits_per_dim


def test_the_unit_of_the_vectors_does_not_matter() -> None:
    vectors = curved(200)
    np.testing.assert_allclose(fit_flow(vectors * 64, steps=30)(vectors * 64), fit_flow(vectors, steps=30)(vectors), atol=1e-4)


def test_the_seed_decides_and_the_random_numbers_of_torch_go_on() -> None:
    vectors = curved(100)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first = fit_flow(vectors, steps=20)(vectors)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(6)
    np.testing.assert_array_equal(fit_flow(vectors, steps=20)(vectors), first)
    assert np.abs(fit_flow(vectors, steps=20, seed=1)(vectors) - first).max() > 0.1


@pytest.mark.parametrize(("count", "expected"), [(50, 400), (64 * 401 + 1, 402)])
def test_the_length_is_one_pass_but_at_least_some_steps(count: int, expected: int) -> None:
    seen: list[tuple[int, int]] = []
    losses: list[float] = []

    def progress(step: int, steps: int, report: Mapping[str, float | str]) -> None:
        seen.append((step, steps))
        losses.append(float(report["loss"]))

    flow = fit_flow(curved(count), progress=progress)
    assert seen == [(step, expected) for step in range(1, expected + 1)]
    assert flow.count == count
    if count <= 64:  # one batch is all of them
        assert losses[0] == pytest.approx(flow.start_bits, abs=1e-5)
        assert losses[-1] == pytest.approx(flow.bits_per_dim, abs=1e-2)


def test_notes_say_what_weakens_the_fit() -> None:
    assert fit_flow(curved(8), steps=1).notes == ()
    assert "7 vectors are few for 4 dimensions" in fit_flow(curved(7), steps=1).notes[0]
    vectors = curved(50)
    vectors[:, 1] = 3
    flow = fit_flow(vectors, steps=20)
    assert "1 of 4 dimensions are the same" in flow.notes[0]
    assert np.abs(flow(vectors + 1e-3)).max() < 20


@pytest.mark.parametrize(
    ("vectors", "settings", "words"),
    [
        (np.ones((0, 4)), {}, "0 vectors"),
        (np.ones((1, 4)), {}, "1 vectors that do not differ"),
        (np.ones((5, 4)), {}, "5 vectors that do not differ"),
        (np.array([[1.0, np.nan], [0.0, 1.0]]), {}, "NaN"),
        (np.array([[1.0, np.inf], [0.0, 1.0]]), {}, "infinite"),
        (np.ones(4), {}, "shape"),
        (curved(9, 1), {"levels": 1}, "has 1 dimensions; a flow of 1 levels needs at least 2"),
        (curved(9, 3), {}, "needs at least 4"),
        (curved(9), {"levels": 0}, "levels is 0"),
        (curved(9), {"depth": 0}, "depth is 0"),
        (curved(9), {"width": 0}, "width is 0"),
        (curved(9), {"steps": -1}, "steps is -1"),
        (curved(9), {"learning_rate": 0.0}, "learning_rate is 0"),
        (curved(9), {"learning_rate": float("nan")}, "learning_rate is nan"),
    ],
)
def test_what_cannot_be_fitted_is_refused(vectors: np.ndarray, settings: dict[str, float], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        fit_flow(vectors, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(("steps", "step"), [(1, 1), (9, 2)])
def test_a_loss_that_is_not_finite_stops_the_training(steps: int, step: int) -> None:
    with pytest.raises(TrainingError, match=f"step {step} of {steps}.*below 1e"):
        fit_flow(curved(100), steps=steps, learning_rate=1e20)


def test_vectors_of_another_encoder_are_refused() -> None:
    flow = fitted(steps=1)
    for method in (flow, flow.inverse, flow.log_likelihood):
        with pytest.raises(UsageError, match="has 5 dimensions; the flow was fitted on 4"):
            method(curved(3, 5))
        with pytest.raises(UsageError, match="NaN"):
            method(np.full((1, 4), np.nan))


def test_whitening_still_needs_no_torch() -> None:
    code = "from juyi.postprocessing import fit_whitening; import sys; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "False"
