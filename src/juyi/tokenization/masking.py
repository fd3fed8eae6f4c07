"""Hiding tokens for a masked language model: 80 % mask, 10 % another token, 10 % left as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from juyi.errors import UsageError
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
    words: Sequence[Sequence[int]] | None = None,
) -> Masked:
    """Choose about `rate` of the tokens, at least one a row where any can be chosen, and hide them.

    Whole words meet the rate on average, but for rows so short that their one hidden word is already more.

    Args:
        rows: Ids with their special tokens, which are never chosen.
        rng: Draws everything.
        rate: Share of the tokens to predict.
        special: The tokenizer's special ids; `mask` must be there.
        size: Tokens in the vocabulary, for the random replacements.
        words: For each token of each row the number of its word (`row_words`): a word is hidden whole or not at all.

    Raises:
        UsageError: The rate is not within (0, 1), the tokenizer has no mask token, or rows and words are not equally long.

    Source:
        BERT (arXiv:1810.04805) section 3.1 for 80/10/10; whole words as in google-research/bert. What differs: there a word that
        reaches over the wanted number is never taken, so where one token is wanted no word of two would ever be hidden.
    """
    if not 0.0 < rate < 1.0:
        raise UsageError(f"The masking rate is {rate}; it must lie between 0 and 1, 0.15 for example.")
    if special.mask is None:
        raise UsageError("The tokenizer has no [MASK] token, so nothing can be masked; a masked language model needs one.")
    if words is not None and [*map(len, words)] != [*map(len, rows)]:
        raise UsageError("The word numbers are not those of these rows: one for each token is needed. Make them with row_words.")
    hidden, positions, labels = [], [], []
    forbidden = np.fromiter(special.ids, dtype=np.int64)
    for index, row in enumerate(rows):
        ids = np.asarray(row, dtype=np.int64)
        chosen = _choose(np.flatnonzero(~np.isin(ids, forbidden)), rng, rate, None if words is None else words[index])
        labels.append(ids[chosen])
        fate = rng.random(len(chosen))
        ids = ids.copy()
        ids[chosen[fate < 0.8]] = special.mask
        swapped = chosen[(fate >= 0.8) & (fate < 0.9)]
        ids[swapped] = rng.integers(0, size, len(swapped))
        hidden.append(ids.tolist())
        positions.append(chosen)
    return Masked(hidden, positions, np.concatenate(labels) if labels else np.zeros(0, dtype=np.int64))


def _choose(allowed: NDArray[np.intp], rng: np.random.Generator, rate: float, words: Sequence[int] | None) -> NDArray[np.intp]:
    if len(allowed) == 0:
        return allowed
    wanted = max(1, round(rate * len(allowed)))
    if words is None:
        return np.sort(rng.choice(allowed, wanted, replace=False))
    _, number, sizes = np.unique(np.asarray(words)[allowed], return_inverse=True, return_counts=True)
    order = rng.permutation(len(sizes))
    ends = np.cumsum(sizes[order])
    fitting = int(np.searchsorted(ends, wanted, side="right"))
    missing = wanted - (ends[fitting - 1] if fitting else 0)
    # The word that reaches over the wanted number is taken as often as keeps the mean there, and where else there would be none.
    if missing and (not fitting or rng.random() * sizes[order[fitting]] < missing):
        fitting += 1
    return allowed[np.isin(number, order[:fitting])]
