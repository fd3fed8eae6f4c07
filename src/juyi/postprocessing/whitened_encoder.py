"""An encoder with a whitening as its last layer."""

from __future__ import annotations

import copy
from collections.abc import Sequence

from juyi.encoder import Encoder, affine_head
from juyi.postprocessing.whitening import Whitening, fit_whitening


def whiten_encoder(encoder: Encoder, texts: Sequence[str], k: int | None = None) -> tuple[Encoder, Whitening]:
    """A copy of the encoder that whitens and normalises; the backbone is shared, not copied, and so is its mode.

    Args:
        encoder: Its vectors before any normalisation are what is whitened.
        texts: Fit on these sentences; repeats count once.
        k: Dimensions to keep.

    Returns:
        The whitened encoder and the fitted whitening.
    """
    plain = copy.copy(encoder)
    plain.normalise = False
    whitening = fit_whitening(plain.encode(list(dict.fromkeys(texts))), k)
    whitened = Encoder(
        encoder.backbone,
        encoder.tokenizer,
        pooling=encoder.pooling,
        heads=[*(head for head in encoder.heads if not head.training_only), affine_head(whitening.matrix, whitening.bias)],  # type: ignore[list-item]
        max_length=encoder.max_length,
        normalise=True,
    )
    return whitened.to(encoder.device), whitening
