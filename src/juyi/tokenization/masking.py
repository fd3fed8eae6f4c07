"""Hiding tokens for a masked language model: 80 % mask, 10 % another token, 10 % left as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from juyi.errors import UsageError
from juyi.tokenization.subword import SubwordTokenizer
from juyi.tokenization.tokenizer import SpecialTokens, TokenIds


@dataclass(frozen=True)
class Masked:
    """Rows with hidden tokens, where they are hidden, and what stood there.

    Shapes:
        positions: one array of token positions a row; labels: the hidden tokens, all rows joined, in order.
    """

    rows: list[TokenIds]
    positions: list[NDArray[np.intp]]
    labels: NDArray[np.int64]


def mask_tokens(
    rows: Sequence[TokenIds],
    rng: np.random.Generator,
    *,
    rate: float,
    special: SpecialTokens,
    size: int,
    groups: Sequence[Sequence[int]] | None = None,
) -> Masked:
    """Choose about `rate` of the tokens, at least one a row where any can be chosen, and hide them.

    Args:
        rows: Ids with their special tokens, which are never chosen.
        rng: Draws everything.
        rate: Share of the tokens to predict.
        special: The tokenizer's special ids; `mask` must be there.
        size: Tokens in the vocabulary, for the random replacements.
        groups: For each row the word number of each token: a word is hidden whole or not at all.

    Raises:
        UsageError: The rate is not within (0, 1), or the tokenizer has no mask token.

    Source:
        BERT (arXiv:1810.04805) section 3.1 for 80/10/10; whole words as in google-research/bert.
    """
    if not 0.0 < rate < 1.0:
        raise UsageError(f"The masking rate is {rate}; it must lie between 0 and 1, 0.15 for example.")
    if special.mask is None:
        raise UsageError("The tokenizer has no [MASK] token, so nothing can be masked; a masked language model needs one.")
    hidden, positions, labels = [], [], []
    forbidden = np.fromiter(special.ids, dtype=np.int64)
    for index, row in enumerate(rows):
        ids = np.asarray(row, dtype=np.int64)
        chosen = _choose(np.flatnonzero(~np.isin(ids, forbidden)), rng, rate, None if groups is None else groups[index])
        labels.append(ids[chosen])
        fate = rng.random(len(chosen))
        ids = ids.copy()
        ids[chosen[fate < 0.8]] = special.mask
        swapped = chosen[(fate >= 0.8) & (fate < 0.9)]
        ids[swapped] = rng.integers(0, size, len(swapped))
        hidden.append(ids.tolist())
        positions.append(chosen)
    return Masked(hidden, positions, np.concatenate(labels) if labels else np.zeros(0, dtype=np.int64))


def _choose(allowed: NDArray[np.intp], rng: np.random.Generator, rate: float, groups: Sequence[int] | None) -> NDArray[np.intp]:
    if len(allowed) == 0:
        return allowed
    wanted = max(1, round(rate * len(allowed)))
    if groups is None:
        return np.sort(rng.choice(allowed, wanted, replace=False))
    words = np.asarray(groups)[allowed]
    chosen = np.zeros(len(allowed), dtype=bool)
    for word in rng.permutation(np.unique(words)):
        if chosen.sum() >= wanted:
            break
        chosen |= words == word
    return allowed[chosen]


def wordpiece_groups(rows: Sequence[TokenIds], tokenizer: SubwordTokenizer) -> list[list[int]]:
    """The word number of each token: a piece that begins with `##` belongs to the word before it."""
    continues = {i for token, i in tokenizer.backend.get_vocab().items() if token.startswith("##")}
    return [np.cumsum([i not in continues for i in row]).tolist() for row in rows]
