"""An encoder as it is and with a whitening: two variants that share one backbone and one memory of its vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from juyi.embeddings import unit_rows
from juyi.encoder import Encoder, dropout_views
from juyi.evaluation import Signals, label_free_signals
from juyi.postprocessing import fit_whitening, with_whitening, without_normalisation
from juyi.tasks import EncodeOnce
from juyi.types import Embeddings


@dataclass(frozen=True, eq=False)
class Variant:
    """Something that the main job measures.

    Attributes:
        name: What tables call it.
        encoder: The encoder, whole, for saving.
        plain: The vectors of its backbone before any normalisation, each text encoded once.
        map: From those to the variant's own vectors.
        notes: What is to be known about it, in words.
    """

    name: str
    encoder: Encoder
    plain: EncodeOnce = field(repr=False)
    map: Callable[[Embeddings], Embeddings] = field(repr=False)
    notes: tuple[str, ...] = ()

    def encode(self, texts: Sequence[str]) -> Embeddings:
        """The variant's vectors.

        Shapes:
            result: (n, dim).
        """
        return self.map(self.plain(texts))


@dataclass(frozen=True, eq=False)
class Backbone:
    """An encoder whose plain vectors are remembered.

    Attributes:
        encoder: In evaluation mode.
    """

    encoder: Encoder

    @cached_property
    def plain(self) -> EncodeOnce:
        """The vectors before any normalisation, each text encoded once."""
        return EncodeOnce(without_normalisation(self.encoder).encode)

    def variants(self, texts: Sequence[str], name: str, whitened_name: str) -> tuple[Variant, Variant]:
        """The encoder as it is, and with a whitening that is fitted on the texts.

        Args:
            texts: Distinct sentences.
            name: What tables call the one.
            whitened_name: And the other.
        """
        whitening = fit_whitening(self.plain(texts))
        whitened = with_whitening(self.encoder, whitening)
        return (
            Variant(name, self.encoder, self.plain, self._as_it_is),
            Variant(whitened_name, whitened, self.plain, lambda plain: whitening(plain)[:, : whitened.dim], whitening.notes),
        )

    def signals(self, variants: Sequence[Variant], texts: Sequence[str]) -> dict[str, Signals]:
        """The label-free signals of variants of this backbone; its dropout views are made once for all of them."""
        views = dropout_views(without_normalisation(self.encoder), texts)
        return {
            each.name: label_free_signals(each.encode(texts), None if views is None else (each.map(views[0]), each.map(views[1])))
            for each in variants
        }

    def _as_it_is(self, vectors: Embeddings) -> Embeddings:
        if self.encoder.normalise:
            vectors = unit_rows(vectors, "embeddings").astype(vectors.dtype)
        return vectors[:, : self.encoder.dim]
