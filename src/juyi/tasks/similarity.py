"""How texts are compared: by the cosine of their embeddings, or in any other way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from juyi.embeddings import cosine_rows, encoded, finite_matrix, unit_rows
from juyi.errors import UsageError
from juyi.index import ExactIndex
from juyi.prompts import PromptedEncode
from juyi.types import Embeddings, Encode, Hits


@runtime_checkable
class Similarity(Protocol):
    """Compares texts with texts; the higher, the more alike."""

    def pairs(self, first: Sequence[str], second: Sequence[str]) -> NDArray[np.float64]:
        """The similarity of each text with the one at its place on the other side.

        Shapes:
            first, second: (n,)
            returns: (n,)
        """
        ...

    def nearest(self, queries: Sequence[str], corpus: Sequence[str], k: int) -> Hits:
        """The k texts of the corpus that are most like each query, best first; ids are places in the corpus, -1 pads.

        Shapes:
            queries: (queries,); corpus: (n,)
            returns: (queries, k)
        """
        ...


_ROUNDING = 1e-5

EncodeOrSimilarity = Encode | Similarity
"""What can be measured. Tasks on the vectors themselves, classification and geometry, need something that encodes.

A `PromptedEncode` tells queries and what is searched apart; any other encoder gives a text the same vector on both sides.
"""


class Cosine:
    """Compares texts by the cosine of their embeddings; each distinct text of a call is encoded once.

    Args:
        encode: What encodes.
    """

    def __init__(self, encode: Encode) -> None:
        self._encode = encode

    def pairs(self, first: Sequence[str], second: Sequence[str]) -> NDArray[np.float64]:
        """See `Similarity.pairs`.

        Raises:
            UsageError: The encoder does not give one row a text, gives NaN or a row of zeros, or has collapsed.
        """
        distinct = list(dict.fromkeys([*first, *second]))
        embeddings = _apart(encoded(self._encode, distinct), distinct)
        places = {text: place for place, text in enumerate(distinct)}
        left, right = (np.array([places[text] for text in side], dtype=np.intp) for side in (first, second))
        cosines = cosine_rows(embeddings[left], embeddings[right])
        _check_spread(cosines[left != right])
        return cosines

    def nearest(self, queries: Sequence[str], corpus: Sequence[str], k: int) -> Hits:
        """See `Similarity.nearest`. Of equally near texts the one that stands first in the corpus comes first.

        A `PromptedEncode` puts its prompts for queries and for what is searched before the texts.

        Raises:
            UsageError: As `pairs`, or the corpus is empty.
        """
        if not len(corpus):
            raise UsageError("The corpus is empty: there is nothing to search. Give it at least one text.")
        searched, asked = self._sides(queries, corpus)
        index = ExactIndex(searched.shape[1])  # it alone finds what stands first among equals
        index.add(np.arange(len(corpus)), searched)
        return index.search(asked, k)

    def unit_sides(self, queries: Sequence[str], corpus: Sequence[str]) -> tuple[Embeddings, Embeddings]:
        """The unit embeddings of the corpus and of the queries, each with its prompt.

        Raises:
            UsageError: As `nearest`.
        """
        if not len(corpus):
            raise UsageError("The corpus is empty: there is nothing to search. Give it at least one text.")
        searched, asked = self._sides(queries, corpus)
        return unit_rows(searched, "embeddings"), unit_rows(asked, "embeddings")

    def _sides(self, queries: Sequence[str], corpus: Sequence[str]) -> tuple[Embeddings, Embeddings]:
        """The embeddings of the corpus and of the queries; together where both have the same prompt."""
        prompted = PromptedEncode.of(self._encode)
        if prompted.query_prompt.text != prompted.corpus_prompt.text:
            return self._rows(prompted.corpus, corpus), self._rows(prompted.queries, queries)
        rows = self._rows(prompted.queries, [*queries, *corpus])
        return rows[len(queries) :], rows[: len(queries)]

    def _rows(self, encode: Encode, texts: Sequence[str]) -> Embeddings:
        distinct = list(dict.fromkeys(texts))
        embeddings = _apart(encoded(encode, distinct), distinct)
        places = {text: place for place, text in enumerate(distinct)}
        return embeddings[[places[text] for text in texts]]


def similarity_of(encoder: EncodeOrSimilarity) -> Similarity:
    """The encoder itself where it compares texts, or the cosine of what it encodes."""
    return encoder if isinstance(encoder, Similarity) else Cosine(encoder)


def encode_of(encoder: EncodeOrSimilarity) -> Encode:
    """The encoder where it encodes.

    Raises:
        UsageError: It compares texts without encoding them.
    """
    if isinstance(encoder, Similarity):
        raise UsageError(f"{type(encoder).__name__} compares texts and has no vectors; this task needs an encoder.")
    return encoder


def _apart(embeddings: Embeddings, texts: Sequence[str]) -> Embeddings:
    """The embeddings, unless most of the texts cannot be told from another one: ties would then decide every figure."""
    finite_matrix(embeddings, "embeddings")  # rows of NaN are twins too, and collapse is not what is wrong with them
    first_of: dict[bytes, int] = {}
    twin: tuple[int, int] | None = None
    for place, row in enumerate(np.ascontiguousarray(embeddings)):
        first = first_of.setdefault(row.tobytes(), place)
        if first != place and twin is None:
            twin = (first, place)
    if twin is not None and 2 * len(first_of) < len(texts):
        raise UsageError(
            f"{len(texts)} different texts have only {len(first_of)} different vectors: '{texts[twin[0]]}' and "
            f"'{texts[twin[1]]}' have the same one, for example. The encoder has collapsed, or does not know this language: "
            "ties would decide every figure. Look at what it encodes."
        )
    return embeddings


def _check_spread(cosines: NDArray[np.float64]) -> None:
    """Refuse cosines that differ by rounding alone: their order is noise."""
    if len(cosines) > 2 and np.ptp(cosines) < _ROUNDING:
        raise UsageError(
            f"The cosines of all {len(cosines)} pairs of different texts lie within {np.ptp(cosines):.1g} of {cosines[0]:.6f}: "
            "their order is rounding. The encoder has collapsed; or a whitening was fitted on no more texts than it keeps "
            "dimensions, which puts all of them at equal distances: fit it on more texts, or keep fewer dimensions."
        )
