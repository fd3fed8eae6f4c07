"""Lexical overlap: how much two sentences look alike, letter for letter. No model and nothing learned."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Grams = Callable[[str], list[str]]
"""From a sentence to what is counted in it."""

_WORD = re.compile(r"\w+")


def characters(text: str) -> list[str]:
    """The characters of a sentence and the pairs of neighbours, in lower case without white space: for Chinese."""
    return _with_bigrams("".join(text.lower().split()))


def words(text: str) -> list[str]:
    """The words of a sentence and the pairs of neighbours, in lower case without punctuation: for English."""
    return _with_bigrams(_WORD.findall(text.lower()))


GRAMS: Mapping[str, Grams] = {"chinese": characters, "english": words}


def lexical_overlap(first: Sequence[str], second: Sequence[str], grams: Grams) -> NDArray[np.float64]:
    """The cosine of the counts of each pair; 0 where a sentence has nothing to count.

    There are few different values and many ties. Rounding to twelve places keeps them ties: 3 / √18 and 1 / √2 would differ in
    the last bit.

    Shapes:
        first, second: (n,)
        returns: (n,)
    """
    both = gram_counts([*first, *second], grams)
    left, right = both[: len(first)], both[len(first) :]
    squares = _row_sums(left, left) * _row_sums(right, right)
    cosines: NDArray[np.float64] = _row_sums(left, right) / np.sqrt(np.where(squares > 0, squares, 1.0))
    return cosines.round(12)


def gram_counts(texts: Sequence[str], grams: Grams) -> Any:
    """How often each gram occurs in each text, as a sparse matrix.

    Shapes:
        returns: (n, distinct grams) csr_array of float64.
    """
    numbers: dict[str, int] = {}
    columns: list[int] = []
    ends = [0]
    for text in texts:
        columns.extend(_numbered(grams(text), numbers))
        ends.append(len(columns))
    counts = csr_array((np.ones(len(columns)), columns, ends), shape=(len(ends) - 1, max(len(numbers), 1)))
    counts.sum_duplicates()
    return counts


def _numbered(grams: list[str], numbers: dict[str, int]) -> Iterator[int]:
    return (numbers.setdefault(gram, len(numbers)) for gram in grams)


def _with_bigrams(units: Sequence[str]) -> list[str]:
    # The blank keeps a pair of words apart from one long word; no unit holds one.
    return [*units, *(f"{a} {b}" for a, b in pairwise(units))]


def _row_sums(left: Any, right: Any) -> NDArray[np.float64]:
    return np.asarray(left.multiply(right).sum(axis=1), dtype=np.float64).reshape(-1)
