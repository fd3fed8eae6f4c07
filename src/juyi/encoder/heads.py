"""Dense layers after the pooling: a projection head, the pretrained pooler, a whitening."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from juyi.layout import Activation

_FUNCTIONS: dict[Activation, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh,
    "linear": lambda rows: rows,
    "relu": nn.functional.relu,
    "gelu": nn.functional.gelu,
    "silu": nn.functional.silu,
    "sigmoid": torch.sigmoid,
}


class Dense(nn.Module):
    """One linear map and an activation.

    Args:
        inputs: Width of what comes in.
        outputs: Width of what goes out.
        activation: `tanh`, `linear` (none), or another that sentence-transformers writes.
        bias: Whether the map has one.
        residual: Whether what comes in is added to the result, through a matrix of its own where the widths differ.
        training_only: Applied in training mode and skipped otherwise.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        activation: Activation,
        *,
        bias: bool = True,
        residual: bool = False,
        training_only: bool = False,
    ) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs, bias=bias)
        self.residual: nn.Module | None = None
        if residual:
            self.residual = nn.Identity() if inputs == outputs else nn.Linear(inputs, outputs, bias=False)
        self.activation: Activation = activation
        self.training_only = training_only

    def forward(self, embeddings: Tensor) -> Tensor:
        """Apply the layer.

        Shapes:
            embeddings: (n, inputs); result: (n, outputs).
        """
        projected = _FUNCTIONS[self.activation](self.linear(embeddings))
        return projected if self.residual is None else projected + self.residual(embeddings)


def random_head(width: int, activation: Activation, *, training_only: bool = False) -> Dense:
    """A new square head: `tanh` with BERT's N(0, 0.02) weights, `linear` with an orthogonal matrix; zero bias.

    Source:
        princeton-nlp/SimCSE `models.py` (MLPLayer); bojone/SimCSE, commit e0750c7 (frozen encoder and one orthogonal Dense).
    """
    head = Dense(width, width, activation, training_only=training_only)
    if activation == "tanh":
        nn.init.normal_(head.linear.weight, std=0.02)
    else:
        nn.init.orthogonal_(head.linear.weight)
    nn.init.zeros_(head.linear.bias)
    return head


def affine_head(matrix: NDArray[np.floating], bias: NDArray[np.floating]) -> Dense:
    """The Dense that maps x to `x @ matrix + bias`.

    Shapes:
        matrix: (dim, k); bias: (k,).
    """
    head = Dense(matrix.shape[0], matrix.shape[1], "linear")
    with torch.no_grad():
        head.linear.weight.copy_(torch.from_numpy(np.ascontiguousarray(matrix.T, dtype=np.float32)))
        head.linear.bias.copy_(torch.from_numpy(np.ascontiguousarray(bias, dtype=np.float32)))
    return head
