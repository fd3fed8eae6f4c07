"""Inference through torch: every encoder, every device."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import torch

from juyi.embeddings import check_finite, check_texts, unit_rows_or_zero
from juyi.encoder import Encoder, EncoderSettings, fast_precision, load_encoder
from juyi.engines.engine import Engine, EngineKind, Precision
from juyi.engines.identity import identity_of
from juyi.errors import UsageError
from juyi.poolings import PoolingName
from juyi.prompts import Prompt, Prompts
from juyi.types import Embeddings, Log

_BATCH_TOKENS = 4096


class TorchEngine(Engine):
    """Runs an Encoder, whose mode stays as it is.

    Args:
        encoder: The encoder; it may be in training.
        precision: What its products are computed in; the vectors are float32 in either case.
        folder: The model folder that it was loaded from; without one it has no identity.
    """

    kind: EngineKind = "torch"

    def __init__(self, encoder: Encoder, precision: Precision = "float32", *, folder: Path | None = None) -> None:
        self.encoder = encoder
        self.precision: Precision = precision
        self._folder = folder

    @classmethod
    def load(
        cls,
        folder: Path,
        *,
        precision: Precision = "float32",
        pooling: PoolingName | None = None,
        log: Log = lambda _: None,
    ) -> TorchEngine:
        """Load the encoder of a folder, onto the accelerator where there is one; `log` as in `load_encoder`."""
        encoder = load_encoder(EncoderSettings(model=str(folder.absolute()), pooling=pooling), log=log)
        return cls(encoder.to("cuda" if torch.cuda.is_available() else "cpu"), precision, folder=folder)

    @property
    def fast_precision(self) -> Precision:
        """See `Engine.fast_precision`; on a CPU it is measured, once."""
        return fast_precision()

    def at(self, precision: Precision) -> TorchEngine:
        """See `Engine.at`."""
        return TorchEngine(self.encoder, precision, folder=self._folder)

    @cached_property
    def identity(self) -> str:
        """See `Engine.identity`.

        Raises:
            UsageError: The encoder was not loaded from a folder: its weights may change, and nothing can be kept of it.
        """
        if self._folder is None:
            raise UsageError("This encoder is in memory and has no identity. Save it, and open its folder with open_engine.")
        return identity_of(self._folder, self.kind, self.precision, self.encoder.pooling, self.encoder.tokenizer)

    @property
    def dim(self) -> int:
        """Width of the vectors."""
        return self.encoder.dim

    @property
    def prompts(self) -> Prompts:
        """See `Engine.prompts`."""
        return self.encoder.prompts

    def encode(
        self,
        texts: Sequence[str],
        *,
        prompt: str | Prompt | None = None,
        normalise: bool = False,
        batch_tokens: int | None = None,
    ) -> Embeddings:
        """See `Engine.encode`."""
        texts = check_texts(texts)
        with torch.autocast(self.encoder.device.type, torch.bfloat16, enabled=self.precision == "bfloat16"):
            vectors = check_finite(self.encoder.encode(texts, prompt=prompt, batch_tokens=batch_tokens or _BATCH_TOKENS), texts)
        return unit_rows_or_zero(vectors) if normalise else vectors
