"""Inference through torch: every encoder, every device."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from juyi.encoder import Encoder, load_encoder
from juyi.engines.engine import DEFAULT_BATCH_TOKENS
from juyi.types import Embeddings


class TorchEngine:
    """Runs an Encoder in float32.

    Args:
        encoder: The encoder; it is put into evaluation mode.
    """

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder.eval()

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
        vectors = self.encoder.encode(texts, batch_tokens=batch_tokens)
        if not normalise:
            return vectors
        return torch.nn.functional.normalize(torch.from_numpy(vectors), dim=-1).numpy()
