"""Randomness that does not depend on how a run came to its step.

Every step draws from generators seeded by (seed, rank, step) alone. A resumed run therefore needs no stored generator states to
go on exactly as if it had never stopped.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor


def seed_step(seed: int, rank: int, step: int) -> np.random.Generator:
    """Seed torch for this step (dropout draws from it) and return numpy's generator for it (masks, augmentations)."""
    sequence = np.random.SeedSequence([seed, rank, step])
    torch.manual_seed(int(sequence.generate_state(1, np.uint64)[0] >> np.uint64(1)))
    return np.random.default_rng(sequence)


def generator_states(device: torch.device) -> list[Tensor]:
    """The states of the generators that dropout draws from: the CPU's, and the accelerator's where the device is one."""
    states = [torch.get_rng_state()]
    return states if device.type == "cpu" else [*states, torch.get_device_module(device).get_rng_state(*_number(device))]


@contextmanager
def restored(states: list[Tensor], device: torch.device) -> Iterator[None]:
    """Draw once more what was drawn from these states; afterwards the generators go on where they were."""
    now = generator_states(device)
    _set(states, device)
    try:
        yield
    finally:
        _set(now, device)


def _set(states: list[Tensor], device: torch.device) -> None:
    torch.set_rng_state(states[0])
    for state in states[1:]:
        torch.get_device_module(device).set_rng_state(state, *_number(device))


def _number(device: torch.device) -> tuple[torch.device, ...]:
    return () if device.type == "mps" else (device,)  # there is one alone, and its functions take no device
