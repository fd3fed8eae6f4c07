"""NEZHA: BERT with relative instead of absolute positions. transformers 5 has it no more; the published weights load here."""

from __future__ import annotations

from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutputWithPooling

from juyi.encoder.nezha_layers import NezhaEmbeddings, NezhaLayer, relative_positions
from juyi.errors import ModelError


class NezhaConfig(PretrainedConfig):  # type: ignore[no-untyped-call]  # their __init_subclass__
    """The settings of a NEZHA backbone, in the keys of the published folders.

    Args:
        use_cache: A key of the published folders that means nothing to an encoder.
        options: What differs from `DEFAULTS`, the values of NEZHA-base.
    """

    model_type = "nezha"
    DEFAULTS: ClassVar[dict[str, Any]] = {
        "vocab_size": 21128,
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "intermediate_size": 3072,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1,
        "max_position_embeddings": 512,
        "max_relative_position": 64,
        "type_vocab_size": 2,
        "initializer_range": 0.02,
        "layer_norm_eps": 1e-12,
        "classifier_dropout": 0.1,
        "pad_token_id": 0,
        "bos_token_id": 2,
        "eos_token_id": 3,
    }

    def __init__(self, *, use_cache: bool = True, **options: Any) -> None:
        super().__init__(**(self.DEFAULTS | options))
        self.use_cache = use_cache  # handed on it would be dropped as a setting of text generation


class NezhaModel(PreTrainedModel):  # type: ignore[no-untyped-call]
    """The encoder without a task head.

    Args:
        config: The settings.
        add_pooling_layer: With the pretrained Dense on [CLS].

    Raises:
        ModelError: The sizes do not fit together.

    Source:
        Wei et al. 2019, "NEZHA: Neural Contextualized Representation for Chinese Language Understanding", arXiv:1909.00204,
        section 2.2. The names of the weights are those of transformers 4.40.2, without its unused decoder.
    """

    config_class = NezhaConfig
    base_model_prefix = "nezha"
    _input_embed_layer = "word_embeddings"

    def __init__(self, config: Any, add_pooling_layer: bool = True) -> None:
        super().__init__(config)
        _check_sizes(config)
        self.embeddings = NezhaEmbeddings(config)
        self.encoder = nn.ModuleDict({"layer": nn.ModuleList(NezhaLayer(config) for _ in range(config.num_hidden_layers))})
        self.pooler = nn.ModuleDict({"dense": nn.Linear(config.hidden_size, config.hidden_size)}) if add_pooling_layer else None
        self.post_init()  # type: ignore[no-untyped-call]

    @classmethod
    def from_pretrained(cls, *args: Any, **options: Any) -> Any:
        """Load published weights, under any of the prefixes `nezha.`, `bert.` (the authors' own) and none."""
        options["key_mapping"] = {r"^bert\.": ""} | (options.get("key_mapping") or {})
        return super().from_pretrained(*args, **options)

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        output_hidden_states: bool = False,
    ) -> BaseModelOutputWithPooling:
        """The token vectors of the last layer, of all layers (the embeddings first), and the pooled [CLS].

        Args:
            input_ids: The tokens.
            attention_mask: 1 for a token, 0 for padding; left out, everything is a token.
            token_type_ids: Which of two sentences a token is in; left out, the first.
            output_hidden_states: Give the vectors of all layers too.

        Shapes:
            input_ids, attention_mask, token_type_ids: (n, length); token vectors: (n, length, hidden); pooled: (n, hidden).
        """
        hidden, config = self.embeddings(input_ids, token_type_ids), self.config
        width, limit = config.hidden_size // config.num_attention_heads, config.max_relative_position
        relative = relative_positions(input_ids.shape[1], width, limit, hidden.device).to(hidden.dtype)
        padding = None if attention_mask is None else (attention_mask == 0)[:, None, None, :]
        states = [hidden]
        for layer in cast(nn.ModuleList, self.encoder["layer"]):
            hidden = layer(hidden, relative, padding)
            states.append(hidden)
        return BaseModelOutputWithPooling(
            last_hidden_state=hidden,
            pooler_output=None if self.pooler is None else torch.tanh(self.pooler["dense"](hidden[:, 0])),
            hidden_states=tuple(states) if output_hidden_states else None,
        )


def register_nezha() -> None:
    """Let transformers' AutoConfig and AutoModel know the kind in this process; again does no harm."""
    AutoConfig.register(NezhaConfig.model_type, NezhaConfig, exist_ok=True)
    AutoModel.register(NezhaConfig, NezhaModel, exist_ok=True)


def _check_sizes(config: Any) -> None:
    heads, limit = config.num_attention_heads, config.max_relative_position
    if heads < 1 or config.hidden_size % (2 * heads):
        raise ModelError(
            f"hidden_size is {config.hidden_size} and num_attention_heads {heads}: a head of NEZHA must have an even whole width."
        )
    if limit < 1:
        raise ModelError(f"max_relative_position is {limit}; it must be 1 or more.")
