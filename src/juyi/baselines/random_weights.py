"""An encoder that learned nothing: the shape and the tokenizer of a trained one, with weights drawn anew."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from juyi.extras import require
from juyi.layout import read_layout

if TYPE_CHECKING:
    from juyi.encoder import Encoder


def random_encoder(folder: Path, seed: int) -> Encoder:
    """The encoder of a folder with its configuration, tokenizer and pooling, and with random weights.

    Dense layers behind the pooling are left out, and so is a last normalisation; the pooling `pooler`, which is nothing without
    its pretrained Dense, becomes `cls`.

    Args:
        folder: A model folder; its weights are not read.
        seed: Draws the weights.

    Raises:
        ModelError: The folder is no model.
        MissingExtraError: torch or transformers is not installed.
    """
    require("torch", extra="train", purpose="An encoder with random weights")
    from juyi.encoder import EncoderSettings, load_encoder

    pooling = read_layout(folder).pooling
    return load_encoder(
        EncoderSettings(model=str(folder), random_weights=seed, head="none", pooling="cls" if pooling == "pooler" else pooling)
    )
