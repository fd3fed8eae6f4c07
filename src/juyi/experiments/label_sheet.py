"""A sheet of pairs worth labelling: drawn evenly over the range of similarities."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from juyi.atomic import write_text
from juyi.errors import DataError
from juyi.types import Encode

_SENTENCES = 2_000
_STRATA = 5


def write_label_sheet(path: Path, texts: Sequence[str], encode: Encode, *, pairs: int = 100, seed: int = 0) -> int:
    """Write a TSV of sentence1, sentence2 and an empty score to fill in.

    Random pairs are nearly all unrelated and teach a measurement nothing. So the pairs are drawn in equal parts from five strata
    of similarity, from nearest neighbours to unrelated sentences, and shuffled so that the annotator does not see the order.

    Args:
        path: Where.
        texts: Distinct sentences.
        encode: Gives the similarities.
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
    chosen = rng.permutation(len(texts))[:_SENTENCES]
    sample = [texts[i] for i in chosen]
    vectors = encode(sample).astype(np.float64)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    cosines = vectors @ vectors.T
    drawn = [pair for stratum in _strata(cosines) for pair in _draw(stratum, len(sample), pairs // _STRATA, rng)]
    rng.shuffle(drawn)
    sheet = io.StringIO()
    writer = csv.writer(sheet, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_NONE, quotechar=None)
    writer.writerow(["sentence1", "sentence2", "score"])
    for first, second in drawn:
        writer.writerow([_plain(sample[first]), _plain(sample[second]), ""])
    write_text(path, sheet.getvalue())
    return len(drawn)


def _strata(cosines: NDArray[np.float64]) -> list[NDArray[np.intp]]:
    """Flat indices of the pairs above the diagonal, in five bands of equal width between the lowest and the highest cosine."""
    upper = np.flatnonzero(np.triu(np.ones_like(cosines, dtype=bool), k=1))
    values = cosines.ravel()[upper]
    low, high = np.quantile(values, 0.05), values.max()
    band = np.clip(((values - low) / max(high - low, 1e-12) * _STRATA).astype(int), 0, _STRATA - 1)
    return [upper[band == number] for number in range(_STRATA)]


def _draw(stratum: NDArray[np.intp], size: int, count: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    if len(stratum) == 0:
        return []
    picked = rng.choice(stratum, min(count, len(stratum)), replace=False)
    return [(int(i // size), int(i % size)) for i in picked]


def _plain(text: str) -> str:
    return " ".join(text.split())
