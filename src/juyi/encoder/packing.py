"""Rows side by side instead of padded: no token of a forward pass is padding.

All tokens of a chunk lie one after the other in one long row. What works token by token, most of the work, sees neither padding
nor small matrices. Attention alone must know where a sentence ends: it runs over blocks of a few neighbouring rows, padded to the
longest of them, so that rows are best ordered by length.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from juyi.encoder.dropout import drop
from juyi.encoder.families import family_of
from juyi.encoder.view import view_of
from juyi.tokenization import TokenIds

ATTENTION = "juyi-packed"
"""The name by which transformers finds `packed_attention`."""

_NO_MASK = torch.empty(0, 0, 0, 0)
"""A mask of four axes is handed on as it is: transformers makes none of its own, of all tokens against all."""

_BLOCK_ROWS = 16


@dataclass(frozen=True)
class Block:
    """Some neighbouring rows, as attention sees them.

    Attributes:
        tokens: How many they have together.
        shape: How many rows, and the length of the longest.
        places: Where each token stands in the padded block; None where all rows are equally long.
        bias: 0 for a token, a very low number for padding; None likewise.

    Shapes:
        places: (tokens,); bias: (rows, 1, 1, longest).
    """

    tokens: int
    shape: tuple[int, int]
    places: Tensor | None = None
    bias: Tensor | None = None


@dataclass(frozen=True)
class Packed:
    """Rows side by side.

    Attributes:
        ids: All tokens.
        positions: The place of each token in its row.
        row: The number of each token's row.
        starts: Where each row begins.
        blocks: The rows for attention.

    Shapes:
        ids, positions, row: (tokens,); starts: (rows,).
    """

    ids: Tensor
    positions: Tensor
    row: Tensor
    starts: Tensor
    blocks: tuple[Block, ...]


def pack(rows: Sequence[TokenIds], device: torch.device) -> Packed:
    """Put tokenized sentences side by side, in the given order."""
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    starts = np.cumsum(lengths) - lengths
    row = np.repeat(np.arange(len(rows)), lengths)
    arrays = {
        "ids": np.concatenate([np.asarray(one, dtype=np.int64) for one in rows]),
        "positions": np.arange(len(row)) - starts[row],
        "row": row,
        "starts": starts,
    }
    blocks = tuple(_block(lengths[i : i + _BLOCK_ROWS], device) for i in range(0, len(rows), _BLOCK_ROWS))
    return Packed(**{name: torch.from_numpy(array).to(device) for name, array in arrays.items()}, blocks=blocks)


def packed_states(backbone: nn.Module, packed: Packed, *, all_layers: bool = False) -> list[Tensor]:
    """The token vectors of the last layer alone, or of the embedding layer and all others.

    Shapes:
        result: tensors of (tokens, hidden).
    """
    _register()
    own: Any = backbone.config
    config = copy.copy(own)
    config._attn_implementation = ATTENTION
    first = int(config.pad_token_id) + 1 if family_of(config.model_type).packs == "padding + 1" else 0
    output = view_of(backbone, config=config)(  # others may use the backbone, padded, at the same time
        input_ids=packed.ids.unsqueeze(0),
        position_ids=(packed.positions + first).unsqueeze(0),
        attention_mask=_NO_MASK,
        packing=packed,
        output_hidden_states=all_layers,
    )
    states = [*output.hidden_states[:-1], output.last_hidden_state] if all_layers else [output.last_hidden_state]
    return [one.squeeze(0) for one in states]


@cache
def _register() -> None:
    from transformers import AttentionInterface

    AttentionInterface.register(ATTENTION, packed_attention)


def _block(lengths: NDArray[np.int64], device: torch.device) -> Block:
    shape, tokens = (len(lengths), int(lengths.max())), int(lengths.sum())
    if tokens == shape[0] * shape[1]:
        return Block(tokens, shape)
    there = np.arange(shape[1]) < lengths[:, None]
    bias = np.where(there, np.float32(0), np.finfo(np.float32).min)[:, None, None]
    return Block(tokens, shape, torch.from_numpy(np.flatnonzero(there)).to(device), torch.from_numpy(bias).to(device))


def packed_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    packing: Packed,
    **settings: Any,
) -> tuple[Tensor, None]:
    """Attention within each row, in the form that transformers calls.

    Args:
        module: Whose attention it is.
        query: As the module projected them; keys and values likewise.
        key: See there.
        value: See there.
        attention_mask: Not looked at.
        packing: Where the rows lie.
        settings: transformers' `scaling`, `dropout` and `sliding_window`: tokens so far apart or farther do not see each other.

    Shapes:
        query: (1, heads, tokens, width); key, value: likewise, or with fewer heads, each of which serves several neighbouring
        heads of the query; result: (1, tokens, heads, width).
    """
    scale = settings.get("scaling") or query.shape[-1] ** -0.5
    key, value = (states.repeat_interleave(query.shape[1] // states.shape[1], dim=1) for states in (key, value))
    rules = _Rules(settings.get("dropout", 0.0), settings.get("sliding_window"), bool(getattr(module, "is_causal", False)))
    sizes = [block.tokens for block in packing.blocks]
    parts = [states[0].transpose(0, 1).split(sizes) for states in (query * scale, key, value)]
    mixed = [_attend(block, *states, rules=rules) for block, *states in zip(packing.blocks, *parts, strict=True)]
    return torch.cat(mixed).unsqueeze(0), None


@dataclass(frozen=True)
class _Rules:
    """The rate of the dropout, and which tokens of its row a token sees."""

    dropout: float
    window: int | None
    causal: bool

    def unseen(self, length: int, device: torch.device) -> Tensor | None:
        """Where a token (a row) does not see another (a column); None where all see all.

        Shapes:
            result: (length, length).
        """
        places = torch.arange(length, device=device)
        ahead = places - places.unsqueeze(1)
        hidden = ahead > 0 if self.causal else None
        if self.window is not None and length > self.window:
            far = ahead.abs() >= self.window
            hidden = far if hidden is None else hidden | far
        return hidden


def _attend(block: Block, query: Tensor, key: Tensor, value: Tensor, *, rules: _Rules) -> Tensor:
    """Shapes: query, key, value, result: (tokens, heads, width)."""
    queries, keys, values = (_pad(states, block) for states in (query, key, value))
    scores = queries @ keys.transpose(2, 3)
    if block.bias is not None:
        scores = scores + block.bias
    if (unseen := rules.unseen(block.shape[1], scores.device)) is not None:
        scores = scores.masked_fill(unseen, torch.finfo(scores.dtype).min)
    weights = drop(scores.softmax(-1).to(values.dtype), rules.dropout)
    mixed = (weights @ values).transpose(1, 2).flatten(0, 1)
    return mixed if block.places is None else cast(Tensor, _Unpad.apply(mixed, block))  # type: ignore[no-untyped-call]


def _pad(states: Tensor, block: Block) -> Tensor:
    """Shapes: states: (tokens, heads, width); result: (rows, heads, longest, width)."""
    if block.places is not None:
        states = cast(Tensor, _Pad.apply(states, block))  # type: ignore[no-untyped-call]
    return states.view(*block.shape, *states.shape[1:]).transpose(1, 2)


class _Pad(torch.autograd.Function):
    """Tokens to their places in the padded block. Autograd's own backward would add up; here is nothing to add."""

    @staticmethod
    def forward(ctx: Any, states: Tensor, block: Block) -> Tensor:
        ctx.block = block
        return _to_places(states, block)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return gradients[0].index_select(0, ctx.block.places), None


class _Unpad(torch.autograd.Function):
    """Tokens from their places in the padded block."""

    @staticmethod
    def forward(ctx: Any, padded: Tensor, block: Block) -> Tensor:
        ctx.block = block
        return padded.index_select(0, cast(Tensor, block.places))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return _to_places(gradients[0], ctx.block), None


def _to_places(states: Tensor, block: Block) -> Tensor:
    empty = states.new_zeros(block.shape[0] * block.shape[1], *states.shape[1:])
    return empty.index_copy_(0, cast(Tensor, block.places), states)
