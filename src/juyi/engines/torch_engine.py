"""Inference through torch: every encoder, every device."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from juyi.embeddings import unit_rows
from juyi.encoder import Encoder, fast_precision, load_encoder
from juyi.engines.engine import DEFAULT_BATCH_TOKENS
from juyi.metrics import spearman
from juyi.types import Embeddings

Precision = Literal["float32", "bfloat16"]

FAITHFUL = 0.9995
"""From here on bfloat16 orders pairs as float32 does: on STS12 to STS16, STS-B and SICK-R no figure moved by more than 0.01."""

_MOST_COMPARED = 256


class TorchEngine:
    """Runs an Encoder.

    Args:
        encoder: The encoder; it is put into evaluation mode.
        precision: What its products are computed in; the vectors are float32 in either case.
    """

    def __init__(self, encoder: Encoder, precision: Precision = "float32") -> None:
        self.encoder = encoder.eval()
        self.precision = precision

    @classmethod
    def load(cls, folder: Path) -> TorchEngine:
        """Load the encoder of a folder, onto the accelerator where there is one."""
        encoder = load_encoder(folder)
        return cls(encoder.to("cuda" if torch.cuda.is_available() else "cpu"))

    @property
    def dim(self) -> int:
        """Width of the vectors."""
        return self.encoder.dim

    def encode(self, texts: Sequence[str], *, normalise: bool = False, batch_tokens: int = DEFAULT_BATCH_TOKENS) -> Embeddings:
        """See `Engine.encode`."""
        with torch.autocast(self.encoder.device.type, torch.bfloat16, enabled=self.precision == "bfloat16"):
            vectors = self.encoder.encode(texts, batch_tokens=batch_tokens)
        if not normalise:
            return vectors
        return torch.nn.functional.normalize(torch.from_numpy(vectors), dim=-1).numpy()

    def choose_precision(self, texts: Sequence[str]) -> float | None:
        """Take bfloat16 where the hardware is fast in it and it orders some of these texts' pairs as float32 does.

        The vectors of an encoder that was never trained for similarity lie in a narrow cone, where the small differences that
        order the pairs drown in bfloat16's rounding: such an encoder keeps float32.

        Args:
            texts: At most 256 of them are encoded both ways; fewer than 16 decide nothing.

        Returns:
            Spearman's correlation of the cosines of their pairs in both precisions; None where nothing was compared.
        """
        self.precision = "float32"
        step = max(1, len(texts) // _MOST_COMPARED)
        some = list(dict.fromkeys(texts[::step]))[:_MOST_COMPARED]
        if fast_precision() != "bfloat16" or len(some) < 16:
            return None
        exact = _cosines(self.encode(some))
        if exact is None:
            return None
        self.precision = "bfloat16"
        rounded = _cosines(self.encode(some))
        agreement = 0.0 if rounded is None else spearman(exact, rounded)
        self.precision = "bfloat16" if agreement >= FAITHFUL else "float32"
        return agreement


def _cosines(vectors: Embeddings) -> NDArray[np.float64] | None:
    """The cosines of all pairs; None where they order nothing: the encoder has collapsed, which is for the tasks to say."""
    if not np.isfinite(vectors).all() or not vectors.any(axis=1).all():
        return None
    rows = unit_rows(vectors, "embeddings").astype(np.float64)
    cosines: NDArray[np.float64] = (rows @ rows.T)[np.triu_indices(len(rows), 1)]
    return cosines if cosines.min() < cosines.max() else None
