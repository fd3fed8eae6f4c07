"""Randomness that does not depend on how a run came to its step.

Every step draws from generators seeded by (seed, rank, step) alone. A resumed run therefore needs no stored generator states to
go on exactly as if it had never stopped.
"""

from __future__ import annotations

import numpy as np
import torch


def seed_step(seed: int, rank: int, step: int) -> np.random.Generator:
    """Seed torch for this step (dropout draws from it) and return numpy's generator for it (masks, augmentations)."""
    sequence = np.random.SeedSequence([seed, rank, step])
    torch.manual_seed(int(sequence.generate_state(1, np.uint64)[0] >> np.uint64(1)))
    return np.random.default_rng(sequence)
