"""The Dense layers behind the pooling, without torch: whitening, the pooler, a projection head."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from juyi.errors import ModelError
from juyi.layout import Activation, DenseLayout
from juyi.types import Embeddings

Rows = NDArray[Any]


def _gelu(rows: Rows) -> Rows:
    from scipy.special import erf

    return np.asarray(0.5 * rows * (1 + erf(rows * np.float32(2**-0.5))))


def _sigmoid(rows: Rows) -> Rows:
    from scipy.special import expit

    return np.asarray(expit(rows))


_FUNCTIONS: Mapping[Activation, Callable[[Rows], Rows]] = {
    "tanh": np.tanh,
    "linear": lambda rows: rows,
    "relu": lambda rows: np.maximum(rows, 0),
    "gelu": _gelu,
    "silu": lambda rows: rows * _sigmoid(rows),
    "sigmoid": _sigmoid,
}


@dataclass(frozen=True)
class NumpyHead:
    """One linear map and an activation, in float32: what `juyi.encoder.Dense` computes.

    Shapes:
        weight: (outputs, inputs); bias: (outputs,); residual: (outputs, inputs), or None for the rows themselves.
    """

    weight: Embeddings
    bias: Embeddings | None
    activation: Activation
    residual: Embeddings | None
    adds: bool

    def __call__(self, rows: Embeddings) -> Embeddings:
        """Shapes: rows: (n, inputs); result: (n, outputs)."""
        mapped = rows @ self.weight.T
        result = _FUNCTIONS[self.activation](mapped if self.bias is None else mapped + self.bias)
        if self.adds:
            result = result + (rows if self.residual is None else rows @ self.residual.T)
        return result.astype(np.float32, copy=False)


def read_head(folder: Path, dense: DenseLayout) -> NumpyHead:
    """The layer of a model folder.

    Raises:
        ModelError: Its weights are not there, or no safetensors.
    """
    path = folder / dense.path / "model.safetensors"
    try:
        weights = load_file(path)
        return NumpyHead(
            weights["linear.weight"].astype(np.float32),
            weights["linear.bias"].astype(np.float32) if dense.bias else None,
            dense.activation,
            weights["residual.weight"].astype(np.float32) if "residual.weight" in weights else None,
            dense.residual,
        )
    except (OSError, KeyError, SafetensorError) as error:
        raise ModelError(f"{path} cannot be used: {error}.") from error
