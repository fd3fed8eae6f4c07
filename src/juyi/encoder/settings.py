"""How an encoder is put together: the recipe's [encoder] table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from juyi.errors import UsageError
from juyi.poolings import PoolingName

HeadKind = Literal["as-saved", "none", "dense-tanh", "linear"]
Tokenization = Literal["as-saved", "words"]


@dataclass(frozen=True)
class LoRA:
    """Train low-rank adapters beside the backbone's frozen weights; heads are trained as always. Needs peft.

    Attributes:
        rank: Of the adapters.
        alpha: What they give is multiplied by alpha / rank.
        dropout: On what they read.
        targets: The linear maps that get one, by the last part of their names (`query`, `value`; `q_proj`); none: all of them.
        save: `merged`: added into the weights, a folder like any other. `adapters`: peft's files, which name the model that was
            started from and need it.
    """

    rank: int = 16
    alpha: int = 32
    dropout: float = 0.0
    targets: tuple[str, ...] = ()
    save: Literal["merged", "adapters"] = "merged"

    def __post_init__(self) -> None:
        if self.rank < 1 or self.alpha < 1:
            raise UsageError(f"encoder.lora has rank {self.rank} and alpha {self.alpha}; both must be 1 or more.")
        if not 0.0 <= self.dropout < 1.0:
            raise UsageError(f"encoder.lora.dropout is {self.dropout}; it must lie in [0, 1).")


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
        lora: Train adapters in place of the backbone's weights.
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
    lora: LoRA | None = None

    def __post_init__(self) -> None:
        if self.tokenization not in get_args(Tokenization):
            raise UsageError(f"encoder.tokenization is '{self.tokenization}'; it must be {' or '.join(get_args(Tokenization))}.")
        if self.compose_words and self.freeze_backbone:
            raise UsageError("encoder.compose_words trains the token table, encoder.freeze_backbone keeps it. Set one of them.")
        if self.lora is not None and (self.freeze_backbone or self.compose_words):
            other = "freeze_backbone trains the head alone" if self.freeze_backbone else "compose_words trains the token table"
            raise UsageError(f"encoder.lora trains adapters of the backbone, encoder.{other}. Set one of them.")
        if self.lora is not None and self.lora.save == "adapters" and self.random_weights is not None:
            raise UsageError(
                "Adapters need the weights that they lie beside, and random ones are kept nowhere. Save them merged."
            )
