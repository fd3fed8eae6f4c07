"""Work for a process that loads torch before it is told what to do."""

from __future__ import annotations

import torch


def torch_threads(_: str) -> int:
    return torch.get_num_threads()
