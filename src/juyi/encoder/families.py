"""The backbones juyi knows, by `config.model_type` and never by name: which key sets which dropout."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from torch import nn

from juyi.errors import ModelError


@dataclass(frozen=True)
class Family:
    """What differs from one kind of backbone to the next.

    Attributes:
        hidden: Configuration keys of the dropout between the layers; empty where the kind has none, as most decoders.
        attention: Configuration keys of the dropout on the attention weights.
        pooler: A pretrained Dense follows [CLS].
        tied_last: The last of `hidden_states` is `last_hidden_state` in every version of transformers. Where it is not, versions
            before the tie (5.0 among them) leave out the final norm, and a mean over several layers depends on who computes it.
        projects: More than the token table and its norm lies below the layers (a matrix, mostly), so that they must be run to see
            the embedding layer.
        decodes: It is a decoder: a token sees those before it, so that the last one has seen the text. Attention goes both ways
            all the same where its configuration says so.
        ours: The backbone is juyi's own code: other tools do not know the kind.
        packs: Its attention can be replaced and its positions be given, so that rows can lie side by side (`packing.py`), and
            from where it counts positions: `0`, or the number after the padding's. Empty where it cannot.
    """

    hidden: tuple[str, ...]
    attention: tuple[str, ...]
    pooler: bool
    tied_last: bool = True
    projects: bool = False
    decodes: bool = False
    ours: bool = False
    packs: Literal["", "0", "padding + 1"] = ""


_BERT_KEYS = (("hidden_dropout_prob",), ("attention_probs_dropout_prob",))
_DECODER = Family((), ("attention_dropout",), pooler=False, decodes=True, packs="0")

FAMILIES = {
    "bert": Family(*_BERT_KEYS, pooler=True, packs="0"),
    "roberta": Family(*_BERT_KEYS, pooler=True, packs="padding + 1"),
    "xlm-roberta": Family(*_BERT_KEYS, pooler=True, packs="padding + 1"),
    "nezha": Family(*_BERT_KEYS, pooler=True, ours=True),
    "albert": Family(*_BERT_KEYS, pooler=True, projects=True, packs="0"),
    "electra": Family(*_BERT_KEYS, pooler=False, projects=True, packs="0"),
    "roformer": Family(*_BERT_KEYS, pooler=False, projects=True),
    "distilbert": Family(("dropout",), ("attention_dropout",), pooler=False, packs="0"),
    "modernbert": Family(("embedding_dropout", "mlp_dropout"), ("attention_dropout",), pooler=False, tied_last=False, packs="0"),
    "mpnet": Family(*_BERT_KEYS, pooler=True),
    "ernie": Family(*_BERT_KEYS, pooler=True, packs="0"),
    "deberta-v2": Family(*_BERT_KEYS, pooler=False),
    "qwen2": _DECODER,
    "qwen3": _DECODER,
    "llama": _DECODER,
    "mistral": _DECODER,
    "gemma3_text": _DECODER,
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
        ModelError: A rate is outside [0, 1), or the kind has no such dropout (it would be ignored in silence).
    """
    family = family_of(config.model_type)
    for key in family.attention:
        if getattr(config, key, 0.0) is None:  # some decoders' way to say that there is none
            setattr(config, key, 0.0)
    for kind, rate, keys in (("hidden", hidden, family.hidden), ("attention", attention, family.attention)):
        if rate is None:
            continue
        if not 0.0 <= rate < 1.0:
            raise ModelError(f"A dropout rate of {rate} is not possible; it must lie in [0, 1).")
        if rate and not keys:
            raise ModelError(
                f"A model of type '{config.model_type}' has no {kind} dropout, so it cannot be set to {rate}. Leave "
                f"encoder.{kind}_dropout out or at 0; the other dropout can be set."
            )
        for key in keys:
            if not hasattr(config, key):
                raise ModelError(f"A configuration of type '{config.model_type}' has no key '{key}': its dropout cannot be set.")
            setattr(config, key, rate)


def dropout_of(config: Any) -> tuple[float, float]:
    """The hidden and the attention dropout that a configuration states (the largest, where a kind has two keys)."""
    hidden, attention = stated_dropout(config)
    return max(hidden, default=0.0), max(attention, default=0.0)


def stated_dropout(config: Any) -> tuple[set[float], set[float]]:
    """The hidden and the attention dropout rates that a configuration states, each as a set: a kind may have two keys or none."""
    family = family_of(config.model_type)
    hidden, attention = ({float(getattr(config, key)) for key in keys} for keys in (family.hidden, family.attention))
    return hidden, attention


def applied_dropout(backbone: nn.Module) -> tuple[set[float], set[float]]:
    """The hidden and the attention dropout rates that a model really holds, each as a set."""
    rates: dict[str, set[float]] = {"hidden": set(), "attention": set()}
    for kind, module, name in _dropout_places(backbone):
        rates[kind].add(float(getattr(module, name)))
    return rates["hidden"], rates["attention"]


def apply_dropout(backbone: nn.Module, *, hidden: float | None, attention: float | None) -> None:
    """Give every place of a built model its dropout rate; None leaves what is there.

    ModernBERT builds no dropout at all where the rate of its attention is 0; it gets one here.
    """
    for module in [*backbone.modules()]:
        if attention is not None and isinstance(getattr(module, "out_drop", None), nn.Identity):
            module.out_drop = nn.Dropout(0.0)
    for kind, module, name in _dropout_places(backbone):
        rate = hidden if kind == "hidden" else attention
        if rate is not None:
            setattr(module, name, rate)


def _dropout_places(backbone: nn.Module) -> Iterator[tuple[str, nn.Module, str]]:
    """Every place of a dropout: `hidden` or `attention`, the module and the attribute that holds the rate."""
    for path, module in backbone.named_modules():
        if isinstance(getattr(module, "attention_dropout", None), int | float):  # applied without a module of its own
            yield "attention", module, "attention_dropout"
        if isinstance(module, nn.Dropout) and "lora_dropout" not in path:  # an adapter's own, which its recipe sets
            parent, _, leaf = path.rpartition(".")
            within = type(backbone.get_submodule(parent)).__name__
            on_attention = within.endswith("SelfAttention") or leaf in ("attention_dropout", "out_drop")
            on_attention &= leaf != "pos_dropout"  # DeBERTa's, on the embeddings of the distances
            yield "attention" if on_attention else "hidden", module, "p"
