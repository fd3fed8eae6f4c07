"""An encoder with a whitening, or another affine map, as its last layer."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from juyi.encoder import Encoder, affine_head
from juyi.layout import Output
from juyi.postprocessing.whitening import Whitening, fit_whitening


def whiten_encoder(encoder: Encoder, texts: Sequence[str], k: int | None = None) -> tuple[Encoder, Whitening]:
    """Fit a whitening on texts and make it the last layer of the encoder.

    Args:
        encoder: Its vectors before any normalisation are what is whitened.
        texts: Fit on these sentences, with the prompt that is in effect before them; repeats count once.
        k: Dimensions to keep.

    Returns:
        The whitened encoder and the fitted whitening.
    """
    whitening = fit_whitening(without_normalisation(encoder).encode(list(dict.fromkeys(texts))), k)
    return with_whitening(encoder, whitening), whitening


def with_whitening(encoder: Encoder, whitening: Whitening) -> Encoder:
    """A copy of the encoder that whitens and normalises; the backbone is shared, not copied, and so is its mode.

    An encoder that keeps its first dimensions alone does so after the whitening too: those of the largest variance.

    Args:
        encoder: The one whose vectors, before any normalisation, the whitening was fitted on.
        whitening: A fitted whitening.
    """
    return with_affine(encoder, whitening.matrix, whitening.bias)


def with_affine(encoder: Encoder, matrix: NDArray[np.floating], bias: NDArray[np.floating]) -> Encoder:
    """A copy of the encoder that maps its vectors, as they are before any normalisation, and normalises; see `with_whitening`.

    Shapes:
        matrix: (dim, k); bias: (k,).
    """
    mapped = Encoder(
        encoder.backbone,
        encoder.tokenizer,
        pooling=encoder.pooling,
        heads=[*(head for head in encoder.heads if not head.training_only), affine_head(matrix, bias)],  # type: ignore[list-item]
        max_length=encoder.max_length,
        normalise=True,
        prompts=encoder.prompts,
        output=encoder.output,
    )
    mapped.prompt = encoder.prompt
    return mapped.to(encoder.device)


def without_normalisation(encoder: Encoder) -> Encoder:
    """The encoder, sharing all its parts, without L2 normalisation and without a cut to fewer dimensions as its last steps.

    Whitening is for vectors as they come.
    """
    plain = copy.copy(encoder)
    plain.normalise = False
    plain.output = Output()
    return plain
