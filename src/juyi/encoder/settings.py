"""How an encoder is put together: the recipe's [encoder] table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from juyi.errors import UsageError
from juyi.poolings import PoolingName

HeadKind = Literal["as-saved", "none", "dense-tanh", "linear"]
Tokenization = Literal["as-saved", "words"]


@dataclass(frozen=True)
class EncoderSettings:
    """What to load and what to change about it; None leaves what the folder says.

    Attributes:
        model: A folder, a hub id, or empty for the embedded encoder.
        pooling: From token vectors to a sentence vector; a folder that says nothing gets `last-avg`.
        pooler_activation: What follows the pretrained Dense of `pooling = "pooler"`.
        hidden_dropout: Rate between the layers.
        attention_dropout: Rate on the attention weights.
        head: A new Dense after the pooling: `dense-tanh` (random), `linear` (orthogonal), `none` drops the saved ones.
        head_training_only: The new head takes part in training and is left out of every encoding and of the saved model.
        freeze_backbone: Train the head alone; the backbone's dropout stays on.
        max_length: Longest input in tokens, [CLS] and [SEP] included.
        random_weights: A seed: the backbone's weights are drawn anew, its shape and the tokenizer stay.
        compose_words: While it is trained, a word's vector is its own part plus its characters'; the saved table is a plain one.
        tokenization: `words` cuts Chinese words with jieba before the folder's own tokenizer, as WoBERT was trained: its
            published folders are plain BERT folders and do not say so. RoFormer's say it and get it with `as-saved`.
        prompt: What is put before every text, in training too: the name of one of the model's prompts, or a text; empty for none.
            The model that is saved keeps the prompts and the default that it came with.
    """

    model: str = ""
    pooling: PoolingName | None = None
    pooler_activation: Literal["tanh", "linear"] = "tanh"
    hidden_dropout: float | None = None
    attention_dropout: float | None = None
    head: HeadKind = "as-saved"
    head_training_only: bool = False
    freeze_backbone: bool = False
    max_length: int | None = None
    random_weights: int | None = None
    compose_words: bool = False
    tokenization: Tokenization = "as-saved"
    prompt: str | None = None

    def __post_init__(self) -> None:
        if self.tokenization not in get_args(Tokenization):
            raise UsageError(f"encoder.tokenization is '{self.tokenization}'; it must be {' or '.join(get_args(Tokenization))}.")
        if self.compose_words and self.freeze_backbone:
            raise UsageError("encoder.compose_words trains the token table, encoder.freeze_backbone keeps it. Set one of them.")
