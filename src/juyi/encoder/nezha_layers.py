"""The parts of NEZHA: the token table, attention with relative positions, a layer."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from transformers.activations import ACT2FN


class NezhaEmbeddings(nn.Module):
    """Token and segment tables and a norm; no positions."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(config.vocab_size, config.hidden_size, padding_idx=config.pad_token_id)
        self.token_type_embeddings = nn.Embedding(config.type_vocab_size, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, input_ids: Tensor, token_type_ids: Tensor | None = None) -> Tensor:
        """The vectors that the first layer takes."""
        segments = torch.zeros_like(input_ids) if token_type_ids is None else token_type_ids
        vectors: Tensor = self.LayerNorm(self.word_embeddings(input_ids) + self.token_type_embeddings(segments))
        dropped: Tensor = self.dropout(vectors)
        return dropped


class NezhaSelfAttention(nn.Module):
    """Attention in which a key and a value also say how far from the query they stand."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.heads = config.num_attention_heads
        self.query, self.key, self.value = (nn.Linear(config.hidden_size, config.hidden_size) for _ in range(3))
        self.dropout = nn.Dropout(config.attention_probs_dropout_prob)

    def forward(self, hidden: Tensor, relative: Tensor, padding: Tensor | None) -> Tensor:
        """Mix the token vectors.

        The distances enter in one product a query position for all rows and heads together, so that no tensor holds a vector
        for every row, head, query and key.

        Args:
            hidden: The token vectors.
            relative: For query i and key j, the vector of their distance.
            padding: True where a key is padding.

        Shapes:
            hidden, result: (n, length, hidden); relative: (length, length, head width); padding: (n, 1, 1, length).

        Source:
            arXiv:1909.00204, equations 3 to 5: e_ij = q_i · (k_j + a_ij) / √width, z_i = Σ_j softmax(e_i)_j (v_j + a_ij).
        """
        query, key, value = (self._split(project(hidden)) for project in (self.query, self.key, self.value))
        scores = query @ key.transpose(-1, -2) + torch.einsum("nhid,ijd->nhij", query, relative)
        scores = scores / math.sqrt(query.shape[-1])
        if padding is not None:
            scores = scores.masked_fill(padding, torch.finfo(scores.dtype).min)
        weights = self.dropout(scores.softmax(dim=-1))
        mixed = weights @ value + torch.einsum("nhij,ijd->nhid", weights, relative)
        joined: Tensor = mixed.transpose(1, 2).flatten(2)
        return joined

    def _split(self, vectors: Tensor) -> Tensor:
        return vectors.view(*vectors.shape[:2], self.heads, -1).transpose(1, 2)


class NezhaResidual(nn.Module):
    """A matrix, dropout, and the norm of the sum with what came before."""

    def __init__(self, inputs: int, config: Any) -> None:
        super().__init__()
        self.dense = nn.Linear(inputs, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, vectors: Tensor, before: Tensor) -> Tensor:
        """Shapes: vectors: (…, inputs); before, result: (…, hidden)."""
        result: Tensor = self.LayerNorm(self.dropout(self.dense(vectors)) + before)
        return result


class NezhaLayer(nn.Module):
    """Attention and a feed-forward part, each with its residual."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.attention = nn.ModuleDict({"self": NezhaSelfAttention(config), "output": NezhaResidual(config.hidden_size, config)})
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(config.hidden_size, config.intermediate_size)})
        self.output = NezhaResidual(config.intermediate_size, config)
        self.activation = ACT2FN[config.hidden_act]

    def forward(self, hidden: Tensor, relative: Tensor, padding: Tensor | None) -> Tensor:
        """One layer of token vectors from the one below it; arguments and shapes as in `NezhaSelfAttention`."""
        attended = self.attention["output"](self.attention["self"](hidden, relative, padding), hidden)
        result: Tensor = self.output(self.activation(self.intermediate["dense"](attended)), attended)
        return result


def relative_positions(length: int, width: int, limit: int, device: torch.device | None = None) -> Tensor:
    """The fixed vector of the distance from every query to every key.

    It is cheap, so it is no buffer: published files hold one (for 512 positions and every layer) or do not, and it is not needed.

    Args:
        length: Tokens in a row.
        width: Width of a head, an even number.
        limit: A longer distance counts as this one.
        device: Where to compute it.

    Shapes:
        result: (length, length, width), by query and key.

    Source:
        arXiv:1909.00204, equation 6, which writes sines of the distance key − query. The published weights were trained with
        sines of the clipped distance + limit, so that they are taken of 0 to 2 · limit: so in the authors' code
        (github.com/huawei-noah/Pretrained-Language-Model) and in transformers 4.40.2.
    """
    counts = torch.arange(2 * limit + 1, dtype=torch.float32, device=device)
    rates = torch.exp(torch.arange(0, width, 2, dtype=torch.float32, device=device) * (-math.log(10000.0) / width))
    angles = counts[:, None] * rates
    table = torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(1)  # sine and cosine take turns
    places = torch.arange(length, device=device)
    return table[(places[None, :] - places[:, None]).clamp(-limit, limit) + limit]
