"""BERT-flow: an invertible network after which the vectors are as likely as possible under a standard Gaussian."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from juyi.embeddings import finite_matrix
from juyi.errors import TrainingError, UsageError
from juyi.types import Embeddings

BATCH_SIZE = 64
"""Vectors a step; the released code takes 32 pairs."""

MIN_STEPS = 400
"""One pass over a few thousand vectors is too short: on development sets the correlation levels off after about 200 steps."""

RELATIVE_FLOOR = 1e-6
"""A dimension whose standard deviation is below this share of the largest is constant: dividing by it would blow up noise."""

FlowProgress = Callable[[int, int, Mapping[str, float | str]], None]


@dataclass(frozen=True, eq=False)
class Flow:
    """A fitted flow.

    Attributes:
        network: The invertible network; its weights are frozen.
        count: How many vectors it was fitted on.
        start_bits: Minus the mean log-likelihood of these vectors in bits per dimension, each dimension only standardised.
        bits_per_dim: The same after training; the further below, the more was learned.
        notes: What should be known about the fit, in words.
    """

    network: _Glow = field(repr=False)
    count: int
    start_bits: float
    bits_per_dim: float
    notes: tuple[str, ...] = ()

    def __call__(self, embeddings: ArrayLike) -> Embeddings:
        """Map the embeddings to the Gaussian space: z = f⁻¹(u). The result is not normalised.

        Shapes:
            embeddings: (n, dim); result: (n, dim).

        Raises:
            UsageError: Another dimension than the one it was fitted on, NaN or infinity.
        """
        return self._apply(self.network, embeddings)

    def inverse(self, latents: ArrayLike) -> Embeddings:
        """The embeddings that the flow maps to these latents: u = f(z), up to rounding.

        Shapes:
            latents: (n, dim); result: (n, dim).

        Raises:
            UsageError: As the call.
        """
        return self._apply(self.network.inverse, latents)

    def log_likelihood(self, embeddings: ArrayLike) -> NDArray[np.float32]:
        """Of each embedding, in nats. On vectors that were held out it shows whether the flow has overfitted.

        Shapes:
            embeddings: (n, dim); result: (n,).

        Raises:
            UsageError: As the call.
        """
        return self._apply(self.network.log_likelihood, embeddings)

    def _apply(self, function: Callable[[Tensor], Tensor], values: ArrayLike) -> NDArray[np.float32]:
        rows, dim = finite_matrix(values, "embeddings"), len(self.network.mean)
        if rows.shape[1] != dim:
            raise UsageError(f"embeddings has {rows.shape[1]} dimensions; the flow was fitted on {dim}. Use the same encoder.")
        with torch.inference_mode():
            result: NDArray[np.float32] = function(torch.from_numpy(rows.astype(np.float32))).numpy()
        return result


def fit_flow(
    embeddings: ArrayLike,
    *,
    depth: int = 3,
    levels: int = 2,
    width: int = 32,
    steps: int | None = None,
    learning_rate: float = 1e-3,
    seed: int = 0,
    progress: FlowProgress | None = None,
) -> Flow:
    """Fit a flow on vectors that are not normalised, by maximum likelihood; the encoder stays as it is.

    The same vectors and seed give the same flow, and torch's own random numbers go on as if nothing had been drawn.

    Args:
        embeddings: What to fit on: the vectors of the sentences that will be compared (transductive), or of others like them.
        depth: How many times a level does actnorm, permutation and coupling.
        levels: Each level after the first works on half of the dimensions of the one before.
        width: Of the hidden layers of the coupling networks.
        steps: Training steps of `BATCH_SIZE` vectors. None is one pass over the vectors, but at least `MIN_STEPS`; 0 only
            standardises each dimension.
        learning_rate: Of Adam, constant.
        seed: Of the weights, the permutations and the order of the vectors.
        progress: Is told about every step.

    Shapes:
        embeddings: (n, dim), dim at least 2 ** levels

    Raises:
        UsageError: Fewer than two distinct vectors, too few dimensions, NaN or infinity, or a setting that is not possible.
        TrainingError: The loss is no longer finite.

    Source:
        Li et al. 2020 (arXiv:2011.05864): the objective is its eq. 4, the coupling its eqs. 5-8; Glow with additive coupling
        and random permutations; 2 levels, depth 3, width 32, Adam at 1e-3 for one epoch over the target sentences.
        From the released code (bohanli/BERT-flow, read and not run): actnorm, permutation and coupling in this order; three
        layers with ReLU in the coupling, the last one zero at the start; the half that leaves a level is not touched any
        more and has a standard Gaussian prior; a constant rate. Unlike the paper, its permutation reverses the dimensions, its
        default has 3 levels, and weights decay.
        Ours: the data-dependent initialisation of actnorm sees all vectors, not the first batch; no actnorm inside the
        coupling; the least number of steps; the guard of constant dimensions.
    """
    _check_settings(depth, levels, width, steps, learning_rate)
    rows = finite_matrix(embeddings, "embeddings").astype(np.float32)
    count, dim = rows.shape
    if not count or (rows == rows[0]).all():
        raise UsageError(f"The flow was given {count} vectors that do not differ. Encode at least two different sentences.")
    if dim < 2**levels:
        raise UsageError(
            f"embeddings has {dim} dimensions; a flow of {levels} levels needs at least {2**levels}, because every step "
            "changes one part by means of another. Use fewer levels, or longer vectors."
        )
    mean, deviation, constant = _moments(rows.astype(np.float64))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = _Glow(mean, deviation, depth, levels, width)
    vectors = torch.from_numpy(rows)
    with torch.no_grad():
        start = network.bits_per_dim(vectors).item()
    steps = max(MIN_STEPS, math.ceil(count / BATCH_SIZE)) if steps is None else steps
    bits = _train(network, vectors, steps, learning_rate, seed, progress or (lambda *_: None))
    return Flow(network.requires_grad_(False), count, start, bits, _notes(count, dim, constant))


class _Step(nn.Module):
    """Scale and shift each dimension, permute, and add to one half what a network makes of the other.

    Only the scale changes volumes. A new step does nothing but permute, so that the first actnorm alone needs the data: after
    it every later one would find mean 0 and variance 1.
    """

    order: Tensor

    def __init__(self, dim: int, width: int) -> None:
        super().__init__()
        self.kept = dim // 2
        self.log_scale = nn.Parameter(torch.zeros(dim))
        self.shift = nn.Parameter(torch.zeros(dim))
        self.register_buffer("order", torch.randperm(dim))
        last = nn.Linear(width, dim - self.kept)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.network = nn.Sequential(nn.Linear(self.kept, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), last)

    def forward(self, x: Tensor) -> Tensor:
        x = (x * self.log_scale.exp() + self.shift)[:, self.order]
        kept, moved = x[:, : self.kept], x[:, self.kept :]
        return torch.cat([kept, moved + self.network(kept)], dim=1)

    def inverse(self, z: Tensor) -> Tensor:
        kept, moved = z[:, : self.kept], z[:, self.kept :]
        x = torch.cat([kept, moved - self.network(kept)], dim=1)[:, self.order.argsort()]
        return (x - self.shift) * (-self.log_scale).exp()


class _Glow(nn.Module):
    """The steps of all levels. What the last step of a level has moved is finished; the next level works on the rest."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, mean: Tensor, deviation: Tensor, depth: int, levels: int, width: int) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)
        self.sizes = [len(mean) >> level for level in range(levels) for _ in range(depth)]
        self.steps = nn.ModuleList(_Step(size, width) for size in self.sizes)

    def forward(self, u: Tensor) -> Tensor:
        z = (u - self.mean) / self.deviation
        for size, step in zip(self.sizes, self.steps, strict=True):
            z = torch.cat([step(z[:, :size]), z[:, size:]], dim=1)
        return z

    def inverse(self, z: Tensor) -> Tensor:
        for size, step in reversed(list(zip(self.sizes, self.steps, strict=True))):
            z = torch.cat([cast(_Step, step).inverse(z[:, :size]), z[:, size:]], dim=1)
        return z * self.deviation + self.mean

    def log_likelihood(self, u: Tensor) -> Tensor:
        """Of each row, in nats: log N(z; 0, I) + log |det dz/du|."""
        z: Tensor = self(u)
        log_det = torch.cat([cast(_Step, step).log_scale for step in self.steps]).sum() - self.deviation.log().sum()
        return log_det - 0.5 * (z * z).sum(dim=1) - 0.5 * z.shape[1] * math.log(2 * math.pi)

    def bits_per_dim(self, u: Tensor) -> Tensor:
        return -self.log_likelihood(u).mean() / (u.shape[1] * math.log(2))


def _train(network: _Glow, vectors: Tensor, steps: int, learning_rate: float, seed: int, progress: FlowProgress) -> float:
    """Train the network; the bits per dimension of all vectors afterwards."""

    def finite(loss: Tensor, step: int) -> float:
        if not loss.isfinite():
            raise TrainingError(
                f"The loss of the flow is {loss.item()} at step {step} of {steps}. Use a learning rate below {learning_rate:g}."
            )
        return loss.item()

    optimiser = torch.optim.Adam(network.parameters(), lr=learning_rate)
    batches = _batches(len(vectors), torch.Generator().manual_seed(seed))
    for step in range(1, steps + 1):
        loss = network.bits_per_dim(vectors[next(batches)])
        report = {"loss": finite(loss, step)}
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        progress(step, steps, report)
    with torch.no_grad():
        return finite(network.bits_per_dim(vectors), steps)


def _batches(count: int, generator: torch.Generator) -> Iterator[Tensor]:
    while True:
        yield from torch.split(torch.randperm(count, generator=generator), BATCH_SIZE)


def _moments(rows: NDArray[np.float64]) -> tuple[Tensor, Tensor, int]:
    """Mean and standard deviation of each dimension, float32; the largest one stands in for those of constant dimensions."""
    mean, deviation = rows.mean(axis=0), rows.std(axis=0)
    constant = deviation <= RELATIVE_FLOOR * deviation.max()
    deviation[constant] = deviation.max()
    return torch.from_numpy(mean).float(), torch.from_numpy(deviation).float(), int(constant.sum())


def _notes(count: int, dim: int, constant: int) -> tuple[str, ...]:
    notes = []
    if constant:
        notes.append(f"{constant} of {dim} dimensions are the same in all {count} vectors; the flow cannot learn how they vary.")
    if count < 2 * dim:
        notes.append(
            f"{count} vectors are few for {dim} dimensions: the flow may learn them by heart. More texts or fewer steps help."
        )
    return tuple(notes)


def _check_settings(depth: int, levels: int, width: int, steps: int | None, learning_rate: float) -> None:
    least = {"depth": (depth, 1), "levels": (levels, 1), "width": (width, 1), "steps": (steps or 0, 0)}
    for name, (value, minimum) in least.items():
        if value < minimum:
            raise UsageError(f"{name} is {value}; the flow needs at least {minimum}.")
    if not 0 < learning_rate < math.inf:
        raise UsageError(f"learning_rate is {learning_rate}; it must be a number above 0. 0.001 is the paper's.")
