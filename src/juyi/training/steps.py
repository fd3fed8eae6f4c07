"""One training step for every objective, in two forms with the same gradient: the plain one, and one in little memory.

Exact chunking: the rows of all views are sorted by length and cut into chunks, so that a chunk wastes little; the vectors are put
back in order before the loss. It is the mathematics of one padded batch with less work.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils import parametrize

from juyi.encoder import Encoder
from juyi.objectives import Objective, View, World
from juyi.tokenization import chunks_by_rows
from juyi.training.randomness import generator_states, restored

Encoded = tuple[Tensor, list[Tensor]]


def plain_step(
    encoder: Encoder, objective: Objective, views: Sequence[View], world: World, state: nn.Module, *, chunk_size: int
) -> Encoded:
    """Encode the views with gradient, compute the loss, backpropagate.

    Returns:
        The loss and the encoded views, both detached.
    """
    with parametrize.cached():  # a composed token table is put together once
        encoded = encode_views(encoder, views, state, chunk_size=chunk_size)
        loss = _loss(objective, encoded, views, world, state, encoder.device)
        loss.backward()  # type: ignore[no-untyped-call]
    return loss.detach(), [rows.detach() for rows in encoded]


def cached_step(
    encoder: Encoder, objective: Objective, views: Sequence[View], world: World, state: nn.Module, *, chunk_size: int
) -> Encoded:
    """As `plain_step`, in the memory of one chunk: encode without graph, then encode each chunk again for its gradient.

    The second time each chunk draws the dropout of the first: dropout makes the positive pair, so other masks would be the
    gradient of another loss.

    Returns:
        The loss and the encoded views, both detached.

    Source:
        Gao et al., GradCache (arXiv:2101.06983) section 3.2.
    """
    passes = _passes(views, chunk_size)
    masks: list[list[Tensor]] = []
    encoded: list[Tensor] = [torch.empty(0)] * len(views)
    for each in passes:
        with torch.no_grad(), parametrize.cached():
            outputs = []
            for chunk in each.chunks:
                masks.append(generator_states(encoder.device))
                outputs.append(each.encode(encoder, state, chunk))
        for number, rows in each.put_back(outputs):
            encoded[number] = rows.requires_grad_(views[number].gradient)
    torch.clear_autocast_cache()  # versions of torch differ: copies of the weights that were made without graph may lie there
    loss = _loss(objective, encoded, views, world, state, encoder.device)
    loss.backward()  # type: ignore[no-untyped-call]
    drawn = iter(masks)
    for each in passes:
        for chunk, gradient in zip(each.chunks, each.take_apart([encoded[i].grad for i in each.members]), strict=True):
            before = next(drawn)
            if gradient is not None:
                with restored(before, encoder.device), parametrize.cached():
                    again = each.encode(encoder, state, chunk)
                    if again.requires_grad:  # not where all that made it is frozen
                        again.backward(gradient)  # type: ignore[no-untyped-call]
    return loss.detach(), [rows.detach() for rows in encoded]


def encode_views(encoder: Encoder, views: Sequence[View], state: nn.Module, *, chunk_size: int) -> list[Tensor]:
    """Encode every view; views of one kind share their chunks.

    Shapes:
        result: one float32 (rows, dim) tensor a view.
    """
    encoded: list[Tensor] = [torch.empty(0)] * len(views)
    for each in _passes(views, chunk_size):
        with torch.set_grad_enabled(each.gradient and torch.is_grad_enabled()):
            outputs = [each.encode(encoder, state, chunk) for chunk in each.chunks]
        for number, rows in each.put_back(outputs):
            encoded[number] = rows
    return encoded


def _loss(
    objective: Objective, encoded: list[Tensor], views: Sequence[View], world: World, state: nn.Module, device: torch.device
) -> Tensor:
    with torch.autocast(device.type, enabled=False):
        return objective.loss(encoded, views, world, state)


@dataclass(frozen=True)
class _Pass:
    """The views of one kind, which are encoded together.

    Attributes:
        members: Their numbers.
        rows: All their rows.
        positions: The token positions to encode; None for sentences.
        chunks: Which rows come together.
        order: Where each vector stands when the chunks' vectors are joined.
        counts: Vectors of each view.
    """

    tower: str
    dropout: bool
    gradient: bool
    members: list[int]
    rows: list[list[int]]
    positions: list[NDArray[np.intp]] | None
    chunks: list[NDArray[np.intp]]
    order: NDArray[np.intp]
    counts: list[int]
    sizes: list[int]

    def encode(self, encoder: Encoder, state: nn.Module, chunk: NDArray[np.intp]) -> Tensor:
        """The vectors of a chunk in float32; the encoder is in training mode afterwards."""
        tower = cast(Encoder, state.get_submodule(self.tower)) if self.tower else encoder
        tower.train()  # a training-only head takes part with and without dropout; only the backbone has dropout
        tower.backbone.train(self.dropout)
        rows = [self.rows[i] for i in chunk]
        found = tower.embed(rows) if self.positions is None else tower.embed_tokens(rows, [self.positions[i] for i in chunk])
        tower.train()
        return found.float()

    def put_back(self, outputs: list[Tensor]) -> Iterator[tuple[int, Tensor]]:
        """The chunks' vectors as (number of the view, its vectors)."""
        joined = torch.cat(outputs)
        rows = joined.index_select(0, torch.from_numpy(self.order).to(joined.device))
        return zip(self.members, torch.split(rows, self.counts), strict=True)

    def take_apart(self, gradients: list[Tensor | None]) -> list[Tensor | None]:
        """The views' gradients as those of the chunks' vectors; None where no view has one."""
        there = next((gradient for gradient in gradients if gradient is not None), None)
        if there is None:
            return [None] * len(self.chunks)
        given = [
            there.new_zeros(count, there.shape[1]) if gradient is None else gradient
            for gradient, count in zip(gradients, self.counts, strict=True)
        ]
        back = torch.from_numpy(np.argsort(self.order)).to(there.device)
        return list(torch.split(torch.cat(given).index_select(0, back), self.sizes))


def _passes(views: Sequence[View], chunk_size: int) -> list[_Pass]:
    kinds = [(view.tower, view.dropout, view.gradient, view.positions is not None) for view in views]
    made = []
    for kind in sorted(set(kinds)):
        members = [i for i, one in enumerate(kinds) if one == kind]
        rows = [row for i in members for row in views[i].rows]
        positions = [p for i in members for p in views[i].positions or ()] if kind[3] else None
        each = np.ones(len(rows), dtype=np.intp) if positions is None else np.array([len(p) for p in positions], dtype=np.intp)
        chunks = list(chunks_by_rows([len(row) for row in rows], chunk_size))
        ends = np.cumsum([len(views[i].rows) for i in members])
        counts = [int(part.sum()) for part in np.split(each, ends[:-1])]
        sizes = [int(each[chunk].sum()) for chunk in chunks]
        order = _original_order(np.concatenate(chunks), each)
        made.append(_Pass(*kind[:3], members, rows, positions, chunks, order, counts, sizes))
    return made


def _original_order(order: NDArray[np.intp], sizes: NDArray[np.intp]) -> NDArray[np.intp]:
    """Where the vectors of row 0, 1, … stand when the rows were encoded in `order`, row i giving `sizes[i]` vectors."""
    starts = np.empty_like(sizes)
    starts[order] = np.cumsum(sizes[order]) - sizes[order]
    return np.repeat(starts - (np.cumsum(sizes) - sizes), sizes) + np.arange(sizes.sum())
