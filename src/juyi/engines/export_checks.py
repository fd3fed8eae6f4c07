"""What every export does before and after: weights that cannot be taken for one another, and the comparison of the vectors."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from juyi.errors import ModelError
from juyi.types import Embeddings

PROBES = ("怎么还信用卡", "How can I reset my password?", "", "句", "今天天气很好，我们去公园散步。" * 40)
"""Texts of every length; an export is kept when it gives the encoder's vectors of them."""

_TOLERANCE = 1e-3


def make_unmistakable(backbone: nn.Module) -> None:
    """Give every weight values of its own: an exporter would merge equal ones, the untrained norms for example, into one."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in backbone.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator))


def check_same_vectors(wanted: Embeddings, found: Embeddings) -> None:
    """Refuse a graph that gives other vectors than the encoder.

    Raises:
        ModelError: They are of another width, or off by more than a thousandth of their length.
    """
    if wanted.shape != found.shape:
        raise ModelError(
            f"The graph gives vectors of {found.shape[1]} dimensions, the encoder of {wanted.shape[1]}; it was not kept."
        )
    error = np.linalg.norm(found - wanted, axis=1) / np.maximum(np.linalg.norm(wanted, axis=1), np.finfo(np.float32).tiny)
    if not (worst := float(error.max())) < _TOLERANCE:
        raise ModelError(
            f"The graph gives other vectors than the encoder (off by {worst:.2g} of their length), so it was not kept. Either "
            "the encoder is not the one that was saved in the folder, or such a model cannot be exported: use the torch engine."
        )
