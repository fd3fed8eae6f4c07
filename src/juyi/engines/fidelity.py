"""How faithful a faster engine or precision is to the encoder it computes: measured once, and remembered."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass

import numpy as np

from juyi.assets import SAMPLES
from juyi.atomic import write_text
from juyi.caches import user_cache
from juyi.embeddings import cosine_rows
from juyi.engines.engine import Engine, Precision
from juyi.types import Encode

LOWEST_COSINE = 0.999
"""What every sentence's vector must keep of its direction for `auto` to take a faster precision."""

_PAIRS = 64  # it takes a second or two to know


@dataclass(frozen=True)
class Fidelity:
    """Two ways to encode the same sentences, compared.

    Attributes:
        texts: How many sentences.
        lowest_cosine: Of a sentence's two vectors, the lowest.
        mean_cosine: The mean of these cosines.
        rank_agreement: Spearman's correlation of the cosines of all pairs of them; None where they order nothing.
        pairs: How many scored pairs.
        sts_difference: What Spearman's correlation with the scores changes, in points of 100.
    """

    texts: int
    lowest_cosine: float
    mean_cosine: float
    rank_agreement: float | None
    pairs: int
    sts_difference: float

    @property
    def faithful(self) -> bool:
        """Whether it may be taken unasked."""
        return self.lowest_cosine >= LOWEST_COSINE

    def __str__(self) -> str:
        agreement = "" if self.rank_agreement is None else f", rank agreement {self.rank_agreement:.5f}"
        return (
            f"lowest cosine {self.lowest_cosine:.5f}, mean {self.mean_cosine:.5f} on {self.texts} sentences{agreement}, "
            f"STS {self.sts_difference:+.2f} on {self.pairs} pairs"
        )


def measure_fidelity(exact: Encode, other: Encode, *, pairs: int | None = None) -> Fidelity:
    """Compare two ways to encode, on the sample sentences in Chinese and English that ship with juyi.

    Args:
        exact: Encodes as it should be.
        other: Encodes as it might be.
        pairs: So many of the scored pairs; None for all.
    """
    from juyi.data import read_scored_pairs, read_texts
    from juyi.engines.precision import rank_agreement
    from juyi.metrics import spearman

    scored = read_scored_pairs(SAMPLES / "pairs.tsv")
    step = 1 if pairs is None else max(1, len(scored.scores) // pairs)
    first, second, score = scored.first[::step][:pairs], scored.second[::step][:pairs], scored.scores[::step][:pairs]
    texts = [*first, *second, *read_texts(SAMPLES / "english.txt").texts]
    a, b = exact(texts), other(texts)
    cosines = cosine_rows(a, b)
    count = len(first)
    figures = [100 * spearman(cosine_rows(rows[:count], rows[count : 2 * count]), score) for rows in (a, b)]
    known = [{text: row for text, row in zip(texts, rows, strict=True)} for rows in (a, b)]
    agreement = rank_agreement(*(lambda some, rows=rows: np.stack([rows[text] for text in some]) for rows in known), texts)
    return Fidelity(
        len(texts), float(cosines.min()), float(cosines.mean()), agreement, count, float(figures[1] - figures[0])
    )


def remembered_fidelity(engine: Engine, precision: Precision) -> Fidelity:
    """How faithful an engine is in another precision, as it was measured on this machine when it was first asked for.

    Raises:
        UsageError: The engine does not have the precision.
    """
    other = engine.at(precision)
    try:
        path = user_cache("fidelity") / f"{other.identity}.json"
        known = Fidelity(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, RuntimeError, ValueError, TypeError):  # RuntimeError: the user has no home
        known = measure_fidelity(engine.encode, other.encode, pairs=_PAIRS)
        with suppress(OSError, RuntimeError):  # what cannot be kept is measured again
            path = user_cache("fidelity") / f"{other.identity}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_text(path, json.dumps(asdict(known)))
    return known
