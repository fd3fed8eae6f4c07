"""Copies of an encoder: one that follows it slowly, or one that is trained beside it."""

from __future__ import annotations

import copy

import torch

from juyi.encoder.encoder import Encoder


def twin(encoder: Encoder) -> Encoder:
    """A copy with weights of its own; the tokenizer is shared."""
    return copy.deepcopy(encoder, {id(encoder.tokenizer): encoder.tokenizer})


@torch.no_grad()
def follow(copied: Encoder, encoder: Encoder, momentum: float) -> None:
    """Move a copy towards the encoder: parameters by θ' ← momentum · θ' + (1 − momentum) · θ, buffers at once.

    Source:
        He et al., MoCo (arXiv:1911.05722) eq. 2; Wu et al., ESimCSE (arXiv:2109.04380) eq. 5.
    """
    for theirs, ours in zip(copied.parameters(), encoder.parameters(), strict=True):
        theirs.lerp_(ours, 1.0 - momentum)
    for kept, live in zip(copied.buffers(), encoder.buffers(), strict=True):
        kept.copy_(live)
