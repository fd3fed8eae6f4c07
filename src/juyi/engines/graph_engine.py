"""What the engines without torch share: a folder's tokenizer and settings, and what comes before and behind their graphs."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from juyi.embeddings import check_finite, check_texts, unit_rows_or_zero
from juyi.engines.engine import Engine
from juyi.engines.identity import identity_of
from juyi.layout import read_layout
from juyi.poolings import PoolingName
from juyi.prompts import Prompt, Prompts
from juyi.tokenization import TokenIds, load_tokenizer, prompt_length
from juyi.types import Embeddings


class GraphEngine(Engine):
    """Encodes by a graph of a model folder.

    Args:
        folder: The folder.
        pooling: In place of its own.
    """

    def __init__(self, folder: Path, pooling: PoolingName | None = None) -> None:
        self._folder, self._layout = folder, read_layout(folder)
        self._pooling: PoolingName = pooling or self._layout.pooling
        self._tokenizer = load_tokenizer(folder / self._layout.backbone)

    @abstractmethod
    def _vectors(self, rows: Sequence[TokenIds], batch_tokens: int | None, skipped: int) -> Embeddings:
        """The vectors of tokenized sentences, before the model's normalisation and cut.

        Args:
            rows: The sentences.
            batch_tokens: See `Engine.encode`.
            skipped: So many tokens at the start of each row take no part in the pooling; see `Encoder.skipped_tokens`.

        Shapes:
            result: (n, width).
        """

    @cached_property
    def identity(self) -> str:
        """See `Engine.identity`."""
        return identity_of(self._folder, self.kind, self.precision, self._pooling, self._tokenizer)

    @property
    def dim(self) -> int:
        """Width of the vectors."""
        width = self._layout.dense[-1].outputs if self._layout.dense else self._layout.width
        return min(width, self._layout.output.truncate_dim or width)

    @property
    def prompts(self) -> Prompts:
        """See `Engine.prompts`."""
        return self._layout.prompts

    def encode(
        self,
        texts: Sequence[str],
        *,
        prompt: str | Prompt | None = None,
        normalise: bool = False,
        batch_tokens: int | None = None,
    ) -> Embeddings:
        """See `Engine.encode`."""
        texts, chosen = check_texts(texts), self.prompts.resolve(prompt)
        limit = self._layout.max_length or 128
        rows = self._tokenizer.tokenize(chosen.before(texts), limit)
        skipped = 0 if self.prompts.pooled else prompt_length(self._tokenizer, chosen.text, limit)
        result = check_finite(self._vectors(rows, batch_tokens, skipped), texts)
        if self._layout.normalise:
            result = unit_rows_or_zero(result)
        cut = np.ascontiguousarray(result[:, : self.dim])  # after the model's own normalisation, as sentence-transformers does
        return unit_rows_or_zero(cut) if normalise else cut
