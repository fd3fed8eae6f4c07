"""Repeating tokens, so that a sentence and its copy differ in length: ESimCSE's word repetition on sub-words."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from juyi.tokenization.tokenizer import TokenIds


def repeat_tokens(
    rows: Sequence[TokenIds], rng: np.random.Generator, *, rate: float, longest: int, head: int = 1
) -> list[TokenIds]:
    """Repeat some tokens of each row right behind themselves, as the paper says.

    Of n tokens, the special ones at both ends not counted, as many are repeated as a number drawn evenly from 0 to
    max(2, int(rate · n)) says, n at most, at places drawn evenly. What no longer fits is cut off before the last token.

    Args:
        rows: Ids with a special token at both ends; where a tokenizer puts none at one of them, the text's own is left alone.
        rng: Draws numbers and places.
        rate: Largest share to repeat.
        longest: Most ids of a row, the special ones included.
        head: Ids at the start that are not repeated: the special one, and those of a prompt behind it.

    Source:
        Wu et al., ESimCSE (arXiv:2109.04380) section 3.1.
    """
    repeated = []
    for row in rows:
        if len(row) < 2:  # a decoder's tokenizer may add one token, or none
            repeated.append([*row])
            continue
        count = max(0, len(row) - head - 1)
        most = min(count, max(2, int(rate * count)))
        drawn = int(rng.integers(0, most + 1))
        body = _with_copies(row[head:-1], rng.choice(count, drawn, replace=False) if drawn else ())
        repeated.append([*row[:-1][:head], *body[: longest - head - 1], row[-1]])
    return repeated


def repeat_tokens_as_released(rows: Sequence[TokenIds], *, rate: float, longest: int, head: int = 1) -> list[TokenIds]:
    """Repeat some tokens of each row right behind themselves, as the authors' code does it.

    What differs from the paper: of a row of l ids, special ones counted, fewer than min(10, int(rate · l)) are repeated, none
    where that is below 1; the draw follows from the row alone, so that it is the same in every epoch; and the row may become
    longer than the encoder's `max_length`.

    Args:
        rows: Ids with a special token at both ends; where a tokenizer puts none at one of them, the text's own is left alone.
        rate: Largest share to repeat.
        longest: Most ids that the backbone takes.
        head: Ids at the start that are not repeated: the special one, and those of a prompt behind it.

    Source:
        caskcsg/sentemb, ESimCSE, its sub-word branch.
    """
    repeated = []
    for row in rows:
        if len(row) < 2:
            repeated.append([*row])
            continue
        rng = np.random.default_rng(zlib.crc32(np.asarray(row, dtype=np.int64).tobytes()))
        length = len(row) - head + 1  # as if there were no prompt
        most = min(10, int(rate * length), length - 1)
        drawn = int(rng.integers(0, most)) if most > 0 else 0
        body = _with_copies(row[head:-1], rng.choice(length - 2, drawn, replace=False) if drawn else ())
        repeated.append([*row[:-1][:head], *body[: longest - head - 1], row[-1]])
    return repeated


def _with_copies(body: TokenIds, places: Sequence[int] | np.ndarray) -> TokenIds:
    counts = np.ones(len(body), dtype=np.int64)
    counts[np.asarray(places, dtype=np.int64)] = 2
    return [int(i) for i in np.repeat(np.asarray(body, dtype=np.int64), counts)]
