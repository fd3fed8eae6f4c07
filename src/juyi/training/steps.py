"""One training step for every objective.

Exact chunking: the rows of all views are sorted by length and cut into chunks, each padded to its own longest row; the vectors
are put back in order before the loss. It is the mathematics of one padded batch with less work.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from juyi.encoder import Encoder
from juyi.objectives import Objective, View, World
from juyi.tokenization import chunks_by_rows


def plain_step(
    encoder: Encoder,
    objective: Objective,
    views: Sequence[View],
    world: World,
    state: nn.Module,
    *,
    chunk_size: int,
) -> tuple[Tensor, list[Tensor]]:
    """Encode the views with gradient, compute the loss, backpropagate.

    Returns:
        The loss and the encoded views, both detached.
    """
    encoded = encode_views(encoder, views, chunk_size=chunk_size)
    with torch.autocast(encoder.device.type, enabled=False):
        loss = objective.loss(encoded, views, world, state)
    loss.backward()  # type: ignore[no-untyped-call]
    return loss.detach(), [rows.detach() for rows in encoded]


def encode_views(encoder: Encoder, views: Sequence[View], *, chunk_size: int) -> list[Tensor]:
    """Encode every view; views of one kind share their chunks.

    Shapes:
        result: one float32 (rows, dim) tensor a view.
    """
    encoded: list[Tensor | None] = [None] * len(views)
    for kind in sorted({(view.dropout, view.positions is not None) for view in views}):
        members = [i for i, view in enumerate(views) if (view.dropout, view.positions is not None) == kind]
        encoder.train()  # a training-only head takes part with and without dropout; only the backbone has dropout
        encoder.backbone.train(kind[0])
        joined = _encode_rows(encoder, [views[i] for i in members], chunk_size)
        for i, rows in zip(members, joined, strict=True):
            encoded[i] = rows
    encoder.train()
    return [rows for rows in encoded if rows is not None]


def _encode_rows(encoder: Encoder, views: Sequence[View], chunk_size: int) -> list[Tensor]:
    rows = [row for view in views for row in view.rows]
    positions = None if views[0].positions is None else [p for view in views for p in view.positions or ()]
    outputs: list[Tensor] = []
    order: list[int] = []
    for chunk in chunks_by_rows([len(row) for row in rows], chunk_size):
        ids, mask = encoder.tensors([rows[i] for i in chunk])
        if positions is None:
            outputs.append(encoder(ids, mask).float())
        else:
            outputs.append(encoder.tokens(ids, mask, [positions[i] for i in chunk]).float())
        order.extend(chunk.tolist())
    sizes = np.ones(len(rows), dtype=np.intp) if positions is None else np.array([len(p) for p in positions], dtype=np.intp)
    back = torch.from_numpy(_original_order(np.asarray(order), sizes)).to(outputs[0].device)
    per_view = np.add.reduceat(sizes, np.cumsum([0, *(len(view.rows) for view in views[:-1])]))
    return list(torch.split(torch.cat(outputs).index_select(0, back), per_view.tolist()))


def _original_order(order: NDArray[np.intp], sizes: NDArray[np.intp]) -> NDArray[np.intp]:
    """Where the vectors of row 0, 1, … stand when the rows were encoded in `order`, row i giving `sizes[i]` vectors."""
    starts = np.empty_like(sizes)
    starts[order] = np.cumsum(sizes[order]) - sizes[order]
    return np.repeat(starts - (np.cumsum(sizes) - sizes), sizes) + np.arange(sizes.sum())
