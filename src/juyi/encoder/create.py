"""A new, untrained encoder: a backbone from its configuration and a tokenizer."""

from __future__ import annotations

from typing import Any

import torch

from juyi.encoder.encoder import Encoder
from juyi.encoder.families import family_of
from juyi.errors import ModelError, UsageError
from juyi.layout import max_positions
from juyi.poolings import PoolingName
from juyi.tokenization import SubwordTokenizer, WordTokenizer


def create_encoder(
    model_type: str,
    options: dict[str, Any],
    tokenizer: SubwordTokenizer | WordTokenizer,
    *,
    pooling: PoolingName = "last-avg",
    max_length: int = 128,
    seed: int = 42,
) -> Encoder:
    """Build a backbone with random weights.

    Args:
        model_type: A kind that juyi knows: bert, modernbert, …
        options: Keys of the kind's transformers configuration; vocabulary size and special ids come from the tokenizer.
        tokenizer: Cuts the sentences.
        pooling: From token vectors to a sentence vector; not `pooler`, which is a pretrained part.
        max_length: Longest input in tokens.
        seed: Draws the weights.

    Raises:
        ModelError: The kind is unknown, or `max_length` is more than the backbone takes.
        UsageError: The configuration has no such key, or the tokenizer decides it, or the pooling is `pooler`.
    """
    from transformers import AutoConfig, AutoModel

    from juyi.encoder.nezha import register_nezha

    register_nezha()
    family = family_of(model_type)
    if pooling == "pooler":
        raise UsageError("A new backbone has no pretrained pooler; choose cls, with a tanh head on it if you like.")
    special = tokenizer.special
    known = set(AutoConfig.for_model(model_type).to_dict())
    if unknown := sorted(set(options) - known):
        raise UsageError(
            f"A backbone of type '{model_type}' has no setting {', '.join(unknown)}; see transformers' configuration of it."
        )
    identity = {
        "vocab_size": tokenizer.size,
        "pad_token_id": special.pad,
        "cls_token_id": special.cls,
        "sep_token_id": special.sep,
        "bos_token_id": special.cls if special.bos is None else special.bos,
        "eos_token_id": special.sep if special.eos is None else special.eos,
    }
    if taken := sorted(set(options) & set(identity)):
        raise UsageError(f"The setting {', '.join(taken)} comes from the tokenizer and cannot be chosen.")
    config: Any = AutoConfig.for_model(model_type, **{key: value for key, value in identity.items() if key in known}, **options)
    config.use_cache = False  # of a decoder's past: nothing is generated
    possible = max_positions(config.to_dict()) or max_length
    if not 3 <= max_length <= possible:
        raise ModelError(f"max_length is {max_length}; this backbone takes 3 to {possible} tokens.")
    extra = {"add_pooling_layer": False} if family.pooler else {}
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        kinds: Any = AutoModel
        backbone = kinds.from_config(config, dtype=torch.float32, attn_implementation="eager", **extra)
    return Encoder(backbone, tokenizer, pooling=pooling, max_length=max_length).eval()
