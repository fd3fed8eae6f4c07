"""The processes of a run: rows gathered with gradient, gradients averaged.

The mean over the ranks of the per-rank losses equals the loss of one process on the whole batch. Gathering sums the gradient in
backward, so the average over the ranks is that process's gradient, exactly.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, distributed
from torch.nn import Parameter

from juyi.errors import UsageError

_SHARDING = ("FSDP", "DEEPSPEED", "MEGATRON_LM", "PARALLELISM_CONFIG")
"""accelerate's names of what its launcher may be set to, in the variables that it hands on."""


@dataclass(frozen=True)
class ProcessWorld:
    """The processes as torch.distributed knows them; a single one where it was not started."""

    rank: int = 0
    size: int = 1

    @classmethod
    def join(cls) -> tuple[ProcessWorld, torch.device]:
        """Join the processes that a launcher started; the world, and this process's device: the accelerator where there is one.

        Raises:
            UsageError: The launcher is set to shard the weights.
        """
        from accelerate import PartialState  # type: ignore[import-untyped]

        for name in _SHARDING:
            if os.environ.get(f"ACCELERATE_USE_{name}", "").lower() in ("1", "true"):
                raise UsageError(
                    f"The launcher is set to {name}, which shards the weights. juyi holds them whole in every process; for large "
                    "batches set training.cached=true. Launch with distributed_type MULTI_GPU or MULTI_CPU, or with torchrun."
                )
        device = torch.device(PartialState().device)
        return cls.current(), device

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
        return rows if self.size == 1 else cast(Tensor, _Gather.apply(rows, self))  # type: ignore[no-untyped-call]

    def any(self, flag: bool, device: torch.device) -> bool:
        """Whether the flag is up in some process; all processes get the same answer."""
        if self.size == 1:
            return flag
        count = torch.tensor([float(flag)], device=device)
        distributed.all_reduce(count)
        return bool(count.item())

    def mean(self, values: Tensor) -> Tensor:
        """The mean over the ranks of the numbers that each of them brings, without gradient."""
        if self.size == 1:
            return values
        summed = values.detach().clone()
        distributed.all_reduce(summed)
        return summed / self.size

    def barrier(self) -> None:
        """Wait until all processes are here."""
        if self.size > 1:
            distributed.barrier()

    def broadcast(self, tensors: Iterable[Tensor]) -> None:
        """Overwrite the tensors with those of the first process."""
        if self.size > 1:
            for tensor in tensors:
                distributed.broadcast(tensor.detach(), 0)

    def average_gradients(self, parameters: Iterable[Parameter]) -> None:
        """Replace each gradient by its mean over the ranks."""
        if self.size == 1:
            return
        for parameter in parameters:
            if parameter.grad is not None:
                distributed.all_reduce(parameter.grad)
                parameter.grad /= self.size


class _Gather(torch.autograd.Function):
    """Rows of all processes; backward, what all of them have to say about this process's rows, summed."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, world: ProcessWorld) -> Tensor:
        ctx.own = slice(world.rank * len(rows), (world.rank + 1) * len(rows))
        everyone = [torch.empty_like(rows, memory_format=torch.contiguous_format) for _ in range(world.size)]
        distributed.all_gather(everyone, rows.contiguous())
        return torch.cat(everyone)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        summed = gradients[0].contiguous().clone()
        distributed.all_reduce(summed)
        return summed[ctx.own], None
