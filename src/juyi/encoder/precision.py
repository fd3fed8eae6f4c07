"""Which precision is fast on this machine."""

from __future__ import annotations

from typing import Literal

import torch


def fast_precision() -> Literal["float32", "bfloat16"]:
    """`bfloat16` where the hardware multiplies it natively, else `float32`: an emulated bfloat16 is slower than float32."""
    if torch.cuda.is_available():
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    return "bfloat16" if torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported() else "float32"
