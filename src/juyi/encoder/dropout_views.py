"""Two dropout views of sentences: what SimCSE takes for a positive pair, to be looked at without training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from juyi.embeddings import check_texts
from juyi.encoder.encoder import Encoder
from juyi.encoder.view import view_of
from juyi.types import Embeddings

_ROWS = 64


@torch.no_grad()
def dropout_views(encoder: Encoder, texts: Sequence[str], *, seed: int = 0) -> tuple[Embeddings, Embeddings] | None:
    """Two passes over the texts with the encoder's dropout; None where it has none. The encoder's own mode stays as it is.

    Rows of like length come together, so the order is not that of the texts: row i of both belongs to one text.

    Shapes:
        result: two (n, dim) arrays.
    """
    if max(encoder.dropout) == 0:
        return None
    rows, skipped = encoder.tokenize(check_texts(texts)), encoder.skipped_tokens()
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    views: tuple[list[Embeddings], list[Embeddings]] = ([], [])
    noisy = view_of(encoder, training=True)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for start in range(0, len(order), _ROWS):
            ids, mask = encoder.tensors([rows[i] for i in order[start : start + _ROWS]])
            for view in views:
                view.append(noisy(ids, mask, skipped=skipped).float().cpu().numpy())
    return np.concatenate(views[0]), np.concatenate(views[1])
