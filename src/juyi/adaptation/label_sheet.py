"""A sheet of pairs worth labelling, drawn evenly over the range of likeness by all that will be judged on it, by none alone."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from juyi.atomic import write_text
from juyi.baselines import LexicalOverlap
from juyi.embeddings import unit_rows
from juyi.errors import DataError
from juyi.types import Encode

_TEXTS = 2_000
_STRATA = 5


def write_label_sheet(path: Path, texts: Sequence[str], encoders: Sequence[Encode], *, pairs: int = 100, seed: int = 0) -> int:
    """Write a TSV of sentence1, sentence2 and an empty score to fill in.

    Random pairs are nearly all unrelated and teach a measurement nothing. So the pairs are drawn in equal parts from five strata
    of likeness, from nearest neighbours to unrelated sentences, and shuffled so that the annotator does not see the order. The
    likeness is the mean of the encoders' cosines and of word overlap, each standardised over all pairs: a sheet drawn by one
    encoder alone spreads that encoder's cosines and nobody else's, and so favours it in any comparison.

    Args:
        path: Where.
        texts: Distinct sentences; at most 2,000 of them are looked at, drawn by the seed.
        encoders: All that will be compared on the pairs.
        pairs: How many to draw.
        seed: Draws them.

    Returns:
        How many pairs were written.

    Raises:
        DataError: Fewer than four sentences.
    """
    if len(texts) < 4:
        raise DataError(f"{len(texts)} distinct sentences are too few for pairs to label; give at least four.")
    rng = np.random.default_rng(seed)
    sample = [texts[i] for i in rng.permutation(len(texts))[:_TEXTS]]
    first, second = np.triu_indices(len(sample), k=1)
    drawn = [(sample[first[i]], sample[second[i]]) for i in _drawn(_strata(_likeness(sample, encoders)), pairs, rng)]
    rng.shuffle(drawn)
    sheet = io.StringIO()
    writer = csv.writer(sheet, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_NONE, quotechar=None)
    writer.writerow(["sentence1", "sentence2", "score"])
    writer.writerows([" ".join(one.split()), " ".join(other.split()), ""] for one, other in drawn)
    write_text(path, sheet.getvalue())
    return len(drawn)


def _likeness(texts: Sequence[str], encoders: Sequence[Encode]) -> NDArray[np.float64]:
    """The mean standardised similarity of every pair, in the order of `np.triu_indices`.

    Shapes:
        returns: (n (n - 1) / 2,)
    """
    above = np.triu_indices(len(texts), k=1)
    total = _standardised(LexicalOverlap().matrix(texts)[above])
    for encode in encoders:
        vectors = unit_rows(encode(texts), "embeddings")
        total += _standardised((vectors @ vectors.T)[above])
    return total / (1 + len(encoders))


def _standardised(values: NDArray[np.floating]) -> NDArray[np.float64]:
    centred: NDArray[np.float64] = values.astype(np.float64) - values.mean()
    return centred / max(float(centred.std()), 1e-12)


def _drawn(strata: Sequence[NDArray[np.intp]], pairs: int, rng: np.random.Generator) -> list[int]:
    """Equal parts of the strata, from the most alike down; what one has too few of, those below it make up for."""
    drawn: list[int] = []
    for left, stratum in zip(range(len(strata), 0, -1), reversed(strata), strict=True):
        wanted = (pairs - len(drawn)) // left
        drawn += rng.choice(stratum, min(wanted, len(stratum)), replace=False).tolist()
    return drawn


def _strata(likeness: NDArray[np.float64]) -> list[NDArray[np.intp]]:
    """The places of the pairs in five bands of equal width, from the least alike to the most."""
    low, high = np.quantile(likeness, 0.05), likeness.max()
    band = np.clip(((likeness - low) / max(high - low, 1e-12) * _STRATA).astype(int), 0, _STRATA - 1)
    return [np.flatnonzero(band == number) for number in range(_STRATA)]
