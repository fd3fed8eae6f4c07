"""The backbones juyi knows, by `config.model_type` and never by name: which key sets which dropout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from juyi.errors import ModelError


@dataclass(frozen=True)
class Family:
    """What differs from one kind of backbone to the next.

    `hidden` and `attention` name the configuration keys of the two dropouts; `pooler` says whether a pretrained Dense follows [CLS].
    """

    hidden: tuple[str, ...]
    attention: tuple[str, ...]
    pooler: bool


_BERT_KEYS = (("hidden_dropout_prob",), ("attention_probs_dropout_prob",))

FAMILIES = {
    "bert": Family(*_BERT_KEYS, pooler=True),
    "roberta": Family(*_BERT_KEYS, pooler=True),
    "xlm-roberta": Family(*_BERT_KEYS, pooler=True),
    "albert": Family(*_BERT_KEYS, pooler=True),
    "electra": Family(*_BERT_KEYS, pooler=False),
    "roformer": Family(*_BERT_KEYS, pooler=False),
    "distilbert": Family(("dropout",), ("attention_dropout",), pooler=False),
    "modernbert": Family(("embedding_dropout", "mlp_dropout"), ("attention_dropout",), pooler=False),
}


def family_of(model_type: str) -> Family:
    """The family of a backbone.

    Raises:
        ModelError: juyi does not know this kind of model.
    """
    try:
        return FAMILIES[model_type]
    except KeyError:
        raise ModelError(
            f"The model is of type '{model_type}', which juyi does not know; it knows {', '.join(FAMILIES)}. "
            "A type is added in juyi/encoder/families.py with the keys of its two dropouts."
        ) from None


def set_dropout(config: Any, *, hidden: float | None, attention: float | None) -> None:
    """Write the two dropout rates into a transformers configuration; None leaves what is there.

    Raises:
        ModelError: A rate is outside [0, 1), or the configuration lacks the key (it would be ignored in silence).
    """
    family = family_of(config.model_type)
    for rate, keys in ((hidden, family.hidden), (attention, family.attention)):
        if rate is None:
            continue
        if not 0.0 <= rate < 1.0:
            raise ModelError(f"A dropout rate of {rate} is not possible; it must lie in [0, 1).")
        for key in keys:
            if not hasattr(config, key):
                raise ModelError(f"The configuration of type '{config.model_type}' has no key '{key}', so its dropout cannot be set.")
            setattr(config, key, rate)


def dropout_of(config: Any) -> tuple[float, float]:
    """The hidden and the attention dropout that a configuration states (the largest, where a kind has two keys)."""
    family = family_of(config.model_type)
    hidden = max(float(getattr(config, key)) for key in family.hidden)
    return hidden, max(float(getattr(config, key)) for key in family.attention)
