"""The processes of a run: rows gathered with gradient, gradients averaged.

The mean over the ranks of the per-rank losses equals the loss of one process on the whole batch. Gathering sums the gradient in
backward, so the average over the ranks is that process's gradient, exactly.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, distributed
from torch.nn import Parameter


@dataclass(frozen=True)
class ProcessWorld:
    """The processes as torch.distributed knows them; a single one where it was not started."""

    rank: int = 0
    size: int = 1

    @classmethod
    def current(cls) -> ProcessWorld:
        """The world that this process is part of."""
        if not (distributed.is_available() and distributed.is_initialized()):
            return cls()
        return cls(distributed.get_rank(), distributed.get_world_size())

    def gather(self, rows: Tensor) -> Tensor:
        """The rows of all processes in rank order, with gradient; every process must bring equally many.

        Shapes:
            rows: (n, dim); result: (size * n, dim).
        """
        return rows if self.size == 1 else torch.cat(distributed.nn.functional.all_gather(rows))  # type: ignore[no-untyped-call]

    def average_gradients(self, parameters: Iterable[Parameter]) -> None:
        """Replace each gradient by its mean over the ranks."""
        if self.size == 1:
            return
        for parameter in parameters:
            if parameter.grad is not None:
                distributed.all_reduce(parameter.grad)
                parameter.grad /= self.size
