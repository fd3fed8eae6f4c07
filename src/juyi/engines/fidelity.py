"""How faithful a faster engine or precision is to the encoder it computes: measured, and remembered."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass

import numpy as np

from juyi.assets import SAMPLES
from juyi.atomic import write_text
from juyi.caches import user_cache
from juyi.data import read_texts
from juyi.embeddings import cosine_rows
from juyi.engines.engine import Engine, Precision
from juyi.types import Encode

LOWEST_COSINE = 0.999
"""What every sentence's vector must keep of its direction for `auto` to take a faster precision."""

_QUESTIONS, _PAIRS = 128, 100


@dataclass(frozen=True)
class Fidelity:
    """Two ways to encode the same sentences, compared.

    Attributes:
        texts: How many sentences.
        lowest_cosine: Of a sentence's two vectors, the lowest.
        mean_cosine: The mean of these cosines.
    """

    texts: int
    lowest_cosine: float
    mean_cosine: float

    @property
    def faithful(self) -> bool:
        """Whether it may be taken unasked."""
        return self.lowest_cosine >= LOWEST_COSINE


@dataclass(frozen=True)
class Order:
    """What becomes of the order of pairs of sentences, where they are encoded in another way.

    Attributes:
        rank_agreement: Spearman's correlation of the cosines of all pairs, before and after; None where they order nothing.
        pairs: How many pairs with a score.
        sts_difference: What Spearman's correlation with the scores changes, in points of 100.
    """

    rank_agreement: float | None
    pairs: int
    sts_difference: float


def measure_fidelity(exact: Encode, other: Encode) -> Fidelity:
    """Compare two ways to encode, on some of the sentences in Chinese and English that ship with juyi.

    Args:
        exact: Encodes as it should be.
        other: Encodes as it might be.
    """
    questions = read_texts(SAMPLES / "questions.tsv", columns=["text"]).texts
    texts = [*questions[:: len(questions) // _QUESTIONS][:_QUESTIONS], *read_texts(SAMPLES / "english.txt").texts]
    cosines = cosine_rows(exact(texts), other(texts))
    return Fidelity(len(texts), float(cosines.min()), float(cosines.mean()))


def measure_order(exact: Encode, other: Encode) -> Order:
    """Compare how two ways to encode order pairs, on some of the pairs with scores that ship with juyi.

    Args:
        exact: Encodes as it should be.
        other: Encodes as it might be.
    """
    from juyi.data import read_scored_pairs
    from juyi.engines.precision import rank_agreement
    from juyi.metrics import spearman

    scored = read_scored_pairs(SAMPLES / "pairs.tsv")
    first, second, scores = scored.first[:_PAIRS], scored.second[:_PAIRS], scored.scores[:_PAIRS]
    texts = list(dict.fromkeys([*first, *second]))
    before, after = (dict(zip(texts, encode(texts), strict=True)) for encode in (exact, other))

    def sts(known: dict[str, np.ndarray]) -> float:
        return 100 * float(spearman(cosine_rows(*([known[text] for text in side] for side in (first, second))), scores))

    exactly, otherwise = (lambda some, rows=rows: np.stack([rows[text] for text in some]) for rows in (before, after))
    agreement = rank_agreement(exactly, otherwise, texts)
    return Order(agreement, len(first), sts(after) - sts(before))


def remembered_fidelity(engine: Engine, precision: Precision) -> Fidelity:
    """How faithful an engine is in another precision, as it was measured on this machine when it was first asked for.

    Raises:
        UsageError: The engine does not have the precision.
        NonFiniteError: The encoder gives NaN or infinity.
    """
    other = engine.at(precision)
    try:
        path = user_cache("fidelity") / f"{other.identity}.json"
        known = Fidelity(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, RuntimeError, ValueError, TypeError):  # RuntimeError: the user has no home
        known = measure_fidelity(engine.encode, other.encode)
        with suppress(OSError, RuntimeError):  # what cannot be kept is measured again
            path = user_cache("fidelity") / f"{other.identity}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_text(path, json.dumps(asdict(known)))
    return known
