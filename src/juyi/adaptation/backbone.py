"""An encoder whose vectors are remembered, and the treatments of them: each text goes through it once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from juyi.adaptation.portfolio import AS_IT_IS, Treatment
from juyi.embeddings import unit_rows
from juyi.encoder import Encoder, dropout_views
from juyi.evaluation import FusedSimilarity, Signals, label_free_signals
from juyi.postprocessing import Whitening, fit_whitening, with_affine, with_whitening, without_normalisation
from juyi.tasks import Cosine, EncodeOnce, Similarity
from juyi.types import Embeddings


class Backbone:
    """An encoder and what can be made of its vectors without training.

    Args:
        encoder: In evaluation mode.
        texts: Distinct sentences that whitenings are fitted on.
    """

    def __init__(self, encoder: Encoder, texts: Sequence[str]) -> None:
        self.encoder = encoder
        self._texts = texts
        self._whitenings: dict[float, Whitening] = {}
        self._similarities: dict[Treatment, Similarity] = {}
        self._views: dict[tuple[str, ...], tuple[Embeddings, Embeddings] | None] = {}

    def mapped(self, matrix: NDArray[np.float32]) -> Backbone:
        """The same with a linear map as its last layer; no text is encoded for it that was encoded for this one.

        Shapes:
            matrix: (dim, dim).
        """
        encoder = with_affine(self.encoder, matrix, np.zeros(matrix.shape[1]))
        result = Backbone(encoder.eval(), self._texts)
        result.plain = EncodeOnce(lambda texts: self.plain(texts) @ matrix, block_size=512)
        return result

    @cached_property
    def plain(self) -> EncodeOnce:
        """The vectors before any normalisation, each text encoded once."""
        return EncodeOnce(without_normalisation(self.encoder).encode, block_size=512)

    def encode(self, texts: Sequence[str], treatment: Treatment = AS_IT_IS) -> Embeddings:
        """The vectors of texts after a treatment.

        Shapes:
            result: (n, dim)
        """
        return self._treated(self.plain(texts), treatment)

    def similarity(self, treatment: Treatment = AS_IT_IS) -> Similarity:
        """What compares texts with a treatment; the same object each time."""
        if treatment not in self._similarities:

            def encode(texts: Sequence[str]) -> Embeddings:
                return self.encode(texts, treatment)

            self._similarities[treatment] = FusedSimilarity(encode, treatment.overlap) if treatment.overlap else Cosine(encode)
        return self._similarities[treatment]

    def treated(self, treatment: Treatment) -> Encoder:
        """The encoder with the whitening of a treatment as its last layer; word overlap is no part of an encoder."""
        if treatment.whitening is None:
            return self.encoder
        return with_whitening(self.encoder, self._whitening(treatment.whitening))

    def signals(self, texts: Sequence[str], treatment: Treatment = AS_IT_IS) -> Signals:
        """What can be said of the vectors without labels."""
        return label_free_signals(self.encode(texts, treatment), self.views(texts, treatment))

    def views(self, texts: Sequence[str], treatment: Treatment = AS_IT_IS) -> tuple[Embeddings, Embeddings] | None:
        """Two dropout views of the texts after a treatment, in an order of their own; None where there is no dropout."""
        if (key := tuple(texts)) not in self._views:  # they are drawn alike each time, and each treatment begins with them
            self._views[key] = dropout_views(without_normalisation(self.encoder), texts)
        views = self._views[key]
        return None if views is None else (self._treated(views[0], treatment), self._treated(views[1], treatment))

    def _treated(self, vectors: Embeddings, treatment: Treatment) -> Embeddings:
        if treatment.whitening is not None:
            return self._whitening(treatment.whitening)(vectors)[:, : self.encoder.dim]
        if self.encoder.normalise:
            vectors = unit_rows(vectors, "embeddings").astype(vectors.dtype)
        return vectors[:, : self.encoder.dim]

    def _whitening(self, strength: float) -> Whitening:
        if strength not in self._whitenings:
            self._whitenings[strength] = fit_whitening(self.plain(self._texts), strength=strength)
        return self._whitenings[strength]
