"""One precision for all encoders that are measured beside each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from juyi.embeddings import unit_rows
from juyi.engines.engine import PRECISIONS, Engine, Precision
from juyi.metrics import spearman
from juyi.prompts import Prompt
from juyi.types import Embeddings, Encode

FAITHFUL = 0.9995
"""From here on bfloat16 orders pairs as float32 does: on STS12 to STS16, STS-B and SICK-R no figure moved by more than 0.01."""

FEWEST_TEXTS = 16
MOST_TEXTS = 256


@dataclass(frozen=True)
class AgreedPrecision:
    """A precision, and why it was chosen, as the end of a sentence: "float32, because …"."""

    precision: Precision
    reason: str


def agreed_precision(
    engines: Iterable[tuple[str, Engine]],
    texts: Sequence[str],
    *,
    prompts: Mapping[str, str | Prompt] | None = None,
    fast: Precision | None = None,
) -> AgreedPrecision:
    """The precision in which encoders can be compared: bfloat16 where all of them may have it, else float32 for all.

    Two encoders of which one computes in bfloat16 differ by arithmetic alone (0.08 points were seen). So it is taken only where
    the hardware is fast in it, every encoder runs on torch or OpenVINO, and each orders some of the texts' pairs as in float32.
    The vectors of an encoder that was never trained for similarity lie in a narrow cone, where the small differences that order
    the pairs drown in bfloat16's rounding: with such an encoder beside them, all keep float32.

    Args:
        engines: Names and engines, opened in float32; taken one by one, and no more of them after the first that cannot.
        texts: At most 256 of them are encoded both ways; fewer than 16 decide nothing.
        prompts: What is put before them, by the name of the engine; see `Engine.encode`.
        fast: What is fast here; found out where it is not given.
    """
    lowest = 1.0
    for name, engine in engines:
        if engine.kind == "onnx":
            return AgreedPrecision("float32", f"because {name} runs on the engine {engine.kind}, which has no other")
        if (fast or engine.fast_precision) != "bfloat16":
            return AgreedPrecision("float32", "because bfloat16 is slow on this machine")
        options = {"prompt": prompts[name]} if prompts and name in prompts else {}
        exact, rounded = (partial(engine.at(each).encode, **options) for each in PRECISIONS)  # type: ignore[arg-type]
        agreement = rank_agreement(exact, rounded, texts)
        if agreement is None:
            return AgreedPrecision("float32", f"because there is too little to try bfloat16 on with {name}")
        if agreement < FAITHFUL:
            return AgreedPrecision(
                "float32",
                f"because in bfloat16 {name} does not order pairs as it does (rank agreement on a sample {agreement:.5f})",
            )
        lowest = min(lowest, agreement)
    return AgreedPrecision("bfloat16", f"which orders pairs as float32 does (rank agreement on a sample {lowest:.5f})")


def rank_agreement(exact: Encode, rounded: Encode, texts: Sequence[str]) -> float | None:
    """Spearman's correlation of the cosines of all pairs of some texts, encoded in two ways; None where nothing can be ordered.

    Args:
        exact: Encodes as it should be.
        rounded: Encodes as it might be.
        texts: At most 256 different ones from all over are taken; fewer than 16 are too few.
    """
    step = max(1, len(texts) // MOST_TEXTS)
    some = list(dict.fromkeys(texts[::step]))[:MOST_TEXTS]
    if len(some) < FEWEST_TEXTS or (ordered := _cosines(exact(some))) is None:
        return None
    cosines = _cosines(rounded(some))
    return 0.0 if cosines is None else spearman(ordered, cosines)


def _cosines(vectors: Embeddings) -> NDArray[np.float64] | None:
    """The cosines of all pairs; None where they order nothing: the encoder has collapsed, which is for the tasks to say."""
    if not np.isfinite(vectors).all() or not vectors.any(axis=1).all():
        return None
    rows = unit_rows(vectors, "embeddings").astype(np.float64)
    cosines: NDArray[np.float64] = (rows @ rows.T)[np.triu_indices(len(rows), 1)]
    return cosines if cosines.min() < cosines.max() else None
