"""An encoder that learned nothing: the shape and the tokenizer of a trained one, with weights drawn anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from juyi.types import Encode


def random_encoder(folder: Path, seed: int) -> Encode:
    """Encodes with the configuration, tokenizer and pooling of a folder and with random weights.

    Dense layers behind the pooling are left out.

    Args:
        folder: A model folder.
        seed: Draws the weights.

    Raises:
        ModelError: The folder is no model.
    """
    import torch
    from transformers import AutoModel

    from juyi.encoder import Encoder, family_of, load_encoder

    trained = load_encoder(folder)
    kinds: Any = AutoModel
    options = {"add_pooling_layer": False} if family_of(trained.config.model_type).pooler else {}
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        backbone = kinds.from_config(trained.config, dtype=torch.float32, attn_implementation="eager", **options)
    pooling = "cls" if trained.pooling == "pooler" else trained.pooling
    return Encoder(backbone, trained.tokenizer, pooling=pooling, max_length=trained.max_length).eval().encode
