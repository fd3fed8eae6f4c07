"""Each claim of docs/explanation/contrastive-learning.md as a small computation, under its number."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from juyi.losses import info_nce, nt_xent
from juyi.metrics import alignment, uniformity
from juyi.postprocessing import fit_whitening
from juyi.tables import load_table

PAGES = [Path(__file__).parents[1] / "docs" / "explanation" / f"contrastive-learning{ending}.md" for ending in ("", ".zh-CN")]
TEMPERATURE = 0.05


def on_sphere(count: int, dim: int, seed: int = 0) -> torch.Tensor:
    rows = torch.randn(count, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return torch.nn.functional.normalize(rows, dim=1)


def test_both_languages_make_the_same_claims_and_each_is_computed_here() -> None:
    claims = [re.findall(r"\*\*(?:Claim |结论 )(\d+)", page.read_text(encoding="utf-8")) for page in PAGES]
    formulas = [re.findall(r"\$\$\n(.+?)\n\$\$", page.read_text(encoding="utf-8"), re.S) for page in PAGES]
    assert claims[0] == claims[1] == [str(number) for number in range(1, 13)]
    assert {name.split("_")[2] for name in globals() if name.startswith("test_claim_")} == {*claims[0]}
    without_words = [[re.sub(r"\\text\{[^}]*\}|b = |b ", "", each) for each in several] for several in formulas]
    assert without_words[0] == without_words[1]


@pytest.mark.parametrize("temperature", [0.01, 0.05, 1.0])
def test_claim_1_a_collapse_has_the_loss_of_a_guess(temperature: float) -> None:
    same = on_sphere(1, 8).expand(64, 8).float()
    assert float(info_nce(same, same, temperature=temperature)) == pytest.approx(math.log(64), abs=1e-5)
    assert float(nt_xent(same, same, temperature=temperature)) == pytest.approx(math.log(127), abs=1e-5)
    assert [round(math.log(64), 2), round(math.log(127), 2)] == [4.16, 4.84]


def test_claim_2_the_loss_bounds_the_information_of_the_views() -> None:
    """Correlated Gaussians, whose information is known, and the best critic, log p(y|x) / p(y)."""
    rng, correlation, dim = np.random.default_rng(1), 0.8, 3
    information = -dim / 2 * math.log(1 - correlation**2)

    def bound(candidates: int) -> float:
        found = []
        for _ in range(400):
            x = rng.normal(size=(candidates, dim))
            y = correlation * x + math.sqrt(1 - correlation**2) * rng.normal(size=(candidates, dim))
            square = ((y[None] - correlation * x[:, None]) ** 2).sum(-1)
            critic = -square / (2 * (1 - correlation**2)) + (y**2).sum(-1) / 2
            found.append(math.log(candidates) + np.mean(np.diag(critic) - np.logaddexp.reduce(critic, axis=1)))
        return float(np.mean(found))

    few, many = bound(8), bound(256)
    assert few < many < information + 0.02
    assert many == pytest.approx(information, abs=0.08)
    assert few < math.log(8)


def test_claim_3_the_gradient_pulls_the_positive_and_pushes_by_similarity() -> None:
    u, v = on_sphere(5, 6, 1).requires_grad_(), on_sphere(5, 6, 2)
    similarities = (u @ v.T).detach().requires_grad_()
    loss = torch.nn.functional.cross_entropy(similarities[:1] / TEMPERATURE, torch.tensor([0]))
    (gradient,) = torch.autograd.grad(loss, similarities)
    shares = torch.softmax(similarities[0] / TEMPERATURE, 0)
    shares = shares.detach()
    torch.testing.assert_close(gradient[0], (shares - torch.eye(5)[0]) / TEMPERATURE)
    assert float(shares[1:].sum()) == pytest.approx(1 - float(shares[0]))
    direct = torch.nn.functional.cross_entropy((u[:1] @ v.T) / TEMPERATURE, torch.tensor([0]))
    torch.testing.assert_close(torch.autograd.grad(direct, u)[0][0], (shares @ v - v[0]) / TEMPERATURE)
    near, far = torch.tensor([0.0, 0.5, 0.4], dtype=torch.float64).div(TEMPERATURE).softmax(0)[1:]
    assert float(near / far) == pytest.approx(math.exp(2))
    assert math.exp(2) == pytest.approx(7.4, abs=0.05)
    others = similarities.detach()[0, 1:]
    assert float((others / 1e-4).softmax(0).max()) == pytest.approx(1)
    assert (others / 1e6).softmax(0).tolist() == pytest.approx([0.25] * 4, abs=1e-5)


def test_claim_4_normalisation_turns_the_gradient_and_shortens_it() -> None:
    h = (3 * on_sphere(4, 6, 3)).requires_grad_()
    v = on_sphere(4, 6, 4)
    u = torch.nn.functional.normalize(h, dim=1)
    u.retain_grad()
    torch.nn.functional.cross_entropy(u @ v.T / TEMPERATURE, torch.arange(4)).backward()
    for row, unit, of_unit, of_row in zip(h.detach(), u.detach(), u.grad, h.grad, strict=True):
        projection = torch.eye(6, dtype=torch.float64) - torch.outer(unit, unit)
        torch.testing.assert_close(of_row, projection @ of_unit / row.norm())
        assert float(of_row @ row) == pytest.approx(0, abs=1e-9)
        assert float((row - 0.1 * of_row).norm()) >= float(row.norm())


def limit(u: NDArray[np.float64], v: NDArray[np.float64], temperature: float) -> float:
    """What the loss without log N comes to, with the rows as all the sentences that there are."""
    inner = np.log(np.mean(np.exp(u @ u.T / temperature), axis=1))
    return float(-(u * v).sum(1).mean() / temperature + inner.mean())


@pytest.mark.parametrize("even", [True, False])
def test_claim_5_alignment_and_uniformity_are_the_limit(even: bool) -> None:
    temperature, rng = 0.5, np.random.default_rng(5)
    if even:  # the corners of a regular polygon: every sentence sees the others alike
        angles = 2 * np.pi * np.arange(240) / 240
        u = np.stack([np.cos(angles), np.sin(angles)], 1)
    else:
        u = rng.normal(size=(240, 6)) * [3, 1, 1, 1, 1, 1]
        u /= np.linalg.norm(u, axis=1, keepdims=True)
    v = u + 0.1 * rng.normal(size=u.shape)
    v /= np.linalg.norm(v, axis=1, keepdims=True)

    def loss(candidates: int) -> float:
        """The positive among others that are drawn; the others are first views, as in the limit."""
        found = []
        for _ in range(3000):
            i, others = rng.integers(240), rng.integers(240, size=candidates - 1)
            scores = np.concatenate([[u[i] @ v[i]], u[others] @ u[i]]) / temperature
            found.append(np.logaddexp.reduce(scores) - scores[0] - math.log(candidates))
        return float(np.mean(found))

    end = limit(u, v, temperature)
    assert abs(loss(1000) - end) < abs(loss(4) - end)
    assert loss(1000) == pytest.approx(end, abs=0.03)
    squares = ((u[:, None] - u[None]) ** 2).sum(-1)
    uniform = math.log(np.mean(np.exp(-squares / (2 * temperature))))  # a sentence and itself too, as the limit has it
    bound = alignment(u, v) / (2 * temperature) + uniform
    assert end <= bound + 1e-9
    assert (bound - end < 1e-6) == even


def test_claim_6_the_even_distribution_is_the_most_uniform() -> None:
    even = on_sphere(3000, 4, 6).numpy()
    others = {
        "one direction is stronger": even * [2, 1, 1, 1],
        "off the centre": even + np.array([0.5, 0, 0, 0]),
        "two heaps": np.where(even[:, :1] > 0, 1, -1) * [3, 0, 0, 0] + even,
    }
    for rows in others.values():
        assert uniformity(rows) > uniformity(even) + 0.05


def noisy(inputs: torch.Tensor, seed: int, rate: float = 0.2) -> torch.Tensor:
    """A small network with dropout, its vectors on the sphere."""
    generator = torch.Generator().manual_seed(seed)
    first, second = torch.randn(16, 32, generator=generator), torch.randn(32, 8, generator=generator)
    hidden = torch.dropout(torch.relu(inputs @ first), rate, True)
    return torch.nn.functional.normalize(hidden @ second, dim=-1)


def test_claim_7_alignment_under_dropout_is_twice_the_variance() -> None:
    torch.manual_seed(7)
    sentences = torch.randn(40, 16)
    views = torch.stack([noisy(sentences, 7) for _ in range(400)]).double()  # (masks, sentences, 8)
    variance = views.var(dim=0).sum(-1).mean()
    pairs = [alignment(views[k].numpy(), views[k + 1].numpy()) for k in range(0, 400, 2)]
    assert np.mean(pairs) == pytest.approx(2 * float(variance), rel=0.02)


def test_claim_8_one_mask_for_both_views_leaves_uniformity_alone() -> None:
    torch.manual_seed(8)
    weights = torch.randn(16, 8, requires_grad=True)
    sentences = torch.randn(6, 16)
    u = torch.nn.functional.normalize(sentences @ weights, dim=1)
    similarities = u @ u.T
    (of_positive,) = torch.autograd.grad(similarities.diagonal().sum(), weights, retain_graph=True)
    assert float(of_positive.abs().max()) < 1e-5
    (whole,) = torch.autograd.grad(info_nce(u, u, temperature=TEMPERATURE), weights, retain_graph=True)
    others = similarities - 10 * torch.eye(6)
    alone = torch.logsumexp(torch.cat([others / TEMPERATURE, torch.full((6, 1), 1 / TEMPERATURE)], 1), 1).mean()
    (of_uniformity,) = torch.autograd.grad(alone, weights)
    torch.testing.assert_close(whole, of_uniformity, rtol=1e-3, atol=1e-4)
    assert float(whole.abs().max()) > 1e-3
    published = {record["row"]: record["value"] for record in load_table("simcse-dropout").records()}
    for row in ("0.1", "0", "0.1, one mask for both views"):
        assert all(str(published[row]) in page.read_text(encoding="utf-8") for page in PAGES)


def gaussian(count: int, dim: int, seed: int) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, dim)) @ rng.normal(size=(dim, dim)) + rng.normal(size=dim)


def test_claim_9_every_whitening_gives_the_same_cosines() -> None:
    x = gaussian(500, 6, 9)
    centred, precision = x - x.mean(0), np.linalg.inv(np.cov(x.T))
    metric = centred @ precision @ centred.T
    lengths = np.sqrt(np.diag(metric))
    expected = metric / np.outer(lengths, lengths)
    rotation, _ = np.linalg.qr(np.random.default_rng(9).normal(size=(6, 6)))
    for matrix in (fit_whitening(x.astype(np.float32)).matrix, np.linalg.cholesky(precision) @ rotation):
        y = centred @ matrix
        assert np.cov(y.T) == pytest.approx(np.eye(6), abs=1e-3)
        unit = y / np.linalg.norm(y, axis=1, keepdims=True)
        assert unit @ unit.T == pytest.approx(expected, abs=1e-3)


def test_claim_10_isotropic_vectors_have_the_least_squared_cosine() -> None:
    def squared_cosine(rows: NDArray[np.float64]) -> float:
        unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return float(((unit.T @ unit / len(unit)) ** 2).sum())  # E cos² of independent rows is the trace of E[uuᵀ] squared

    rows = np.random.default_rng(10).normal(size=(200_000, 5))
    assert squared_cosine(rows) == pytest.approx(1 / 5, abs=1e-3)
    assert squared_cosine(rows + np.array([1, 0, 0, 0, 0])) > 1 / 5 + 0.01  # the covariance is I all the same
    for scales in ([2, 1, 1, 1, 1], [1, 1, 1, 1, 0.2], [5, 4, 3, 2, 1]):
        assert squared_cosine(rows * scales) > 1 / 5 + 0.01
        mixed = rows * scales @ np.linalg.qr(np.random.default_rng(1).normal(size=(5, 5)))[0]
        whitened = mixed @ np.linalg.cholesky(np.linalg.inv(np.cov(mixed.T)))
        assert squared_cosine(whitened) == pytest.approx(1 / 5, abs=1e-3)


def test_claim_11_whitening_keeps_mixtures() -> None:
    x = gaussian(300, 5, 11)
    x[2] = 0.3 * x[0] + 0.7 * x[1]
    x[3] = x[4]
    whitening = fit_whitening(x.astype(np.float32))
    y = (x - whitening.mean) @ whitening.matrix
    assert y[2] == pytest.approx(0.3 * y[0] + 0.7 * y[1])
    assert y[3] == pytest.approx(y[4])


def test_claim_12_simcse_on_a_linear_map_answers_the_noise() -> None:
    generator = torch.Generator().manual_seed(12)
    scales = torch.ones(2, requires_grad=True)
    optimiser = torch.optim.Adam([scales], lr=0.05)
    noise = torch.tensor([0.05, 0.8])
    for _ in range(150):
        x = torch.randn(256, 2, generator=generator)
        first, second = (x + noise * torch.randn(256, 2, generator=generator) for _ in range(2))
        loss = info_nce(first * scales, second * scales, temperature=0.2)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    clear, noisy_one = scales.detach().abs().tolist()
    assert noisy_one < 0.8 * clear
    stretch = np.linalg.norm(fit_whitening(torch.randn(20_000, 2, generator=generator).numpy()).matrix, axis=1)
    assert stretch[1] / stretch[0] == pytest.approx(1, abs=0.02)
