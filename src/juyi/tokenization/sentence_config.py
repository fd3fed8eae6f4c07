"""sentence-transformers' settings of a backbone (`sentence_bert_config.json`): what of them is obeyed, and what is refused."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from juyi.errors import ModelError

SENTENCE_CONFIGS = tuple(
    f"sentence_{kind}_config.json" for kind in ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")
)
"""The names of the file; the first that is there counts."""

_OLD_NAMES = {"model_args": "model_kwargs", "tokenizer_args": "processor_kwargs", "config_args": "config_kwargs"}
_NO_MATTER = ("unpad_inputs", "transformers_version", "__version__")  # how it is computed, not what
_NO_MATTER_FOR_WEIGHTS = (
    *(
        "torch_dtype",
        "dtype",
        "attn_implementation",
        "add_pooling_layer",
        "output_hidden_states",
        "use_cache",
        "trust_remote_code",
    ),
    *("low_cpu_mem_usage", "use_safetensors", "device_map", "revision", "cache_dir", "token", "local_files_only"),
)
_NO_MATTER_FOR_TEXTS = (
    *("padding", "padding_side", "pad_to_multiple_of", "return_tensors", "return_attention_mask", "return_token_type_ids"),
    *("return_length", "verbose", "max_length"),
)
_WHOLE = {"truncation": (True, "longest_first", "only_first"), "add_special_tokens": (True,), "truncation_side": ("right",)}


@dataclass(frozen=True)
class SentenceConfig:
    """What is obeyed.

    Attributes:
        max_length: Longest input in tokens; None where the tokenizer decides.
        lower_first: Every text is lowered before the tokenizer sees it.
        tokenizer: Settings that go before those of tokenizer_config.json.
    """

    max_length: int | None = None
    lower_first: bool = False
    tokenizer: dict[str, Any] = field(default_factory=dict)


def read_sentence_config(folder: Path) -> SentenceConfig:
    """What the folder of a backbone says; nothing where it has no such file.

    Raises:
        ModelError: The file is damaged, or wants what juyi does not do: it would give other vectors.
    """
    path = next((folder / name for name in SENTENCE_CONFIGS if (folder / name).is_file()), None)
    if path is None:
        return SentenceConfig()
    try:
        content: dict[str, Any] = dict(json.loads(path.read_text(encoding="utf-8")))
        return _read({_OLD_NAMES.get(key, key): content[key] for key in content}, path)
    except (OSError, ValueError, TypeError, AttributeError, KeyError) as error:
        raise ModelError(f"{path} cannot be read: {error}. The model folder is incomplete or damaged.") from error


def _read(content: dict[str, Any], path: Path) -> SentenceConfig:
    tokenizer = {key: value for key, value in (content.pop("processor_kwargs", None) or {}).items() if key != "trust_remote_code"}
    length, lower = content.pop("max_seq_length", None), bool(content.pop("do_lower_case", False))
    length = tokenizer.get("model_max_length", length)
    calls = content.pop("processing_kwargs", None) or {}
    texts = (calls.get("text") or {}) | (calls.get("common") or {})
    refused: dict[str, Any] = {key: value for key, value in content.items() if not _harmless(key, value)}
    if _pads_on_the_left(texts, tokenizer, path.parent / "tokenizer_config.json"):
        refused["padding on the left"] = texts.get("padding", True)
    refused |= {
        f"processing_kwargs.text.{key}": value
        for key, value in texts.items()
        if key not in _NO_MATTER_FOR_TEXTS and not any(value is allowed or value == allowed for allowed in _WHOLE.get(key, ()))
    }
    if refused:
        what = ", ".join(f"{key} = {value!r}" for key, value in refused.items())
        raise ModelError(
            f"{path} asks for {what}, which juyi does not do: the vectors would be others than sentence-transformers'. juyi "
            "encodes text with the last hidden state of a backbone, cut at its longest input, all special tokens around it."
        )
    length = texts.get("max_length") or length
    return SentenceConfig(None if length is None else int(length), lower, tokenizer)


def _pads_on_the_left(texts: dict[str, Any], tokenizer: dict[str, Any], path: Path) -> bool:
    """Whether one text alone gets padding before it, which moves its tokens to other positions."""
    if texts.get("padding") != "max_length" and not texts.get("pad_to_multiple_of"):
        return False
    own = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return bool((texts.get("padding_side") or tokenizer.get("padding_side") or own.get("padding_side")) == "left")


def _harmless(key: str, value: Any) -> bool:
    """Whether a setting says nothing, or what juyi does anyway."""
    if not value or key in _NO_MATTER:
        return True
    match key:
        case "transformer_task":
            return bool(value == "feature-extraction")
        case "module_output_name":
            return bool(value == "token_embeddings")
        case "modality_config":
            text = value.get("text") or {}
            return (text.get("method"), text.get("method_output_name")) == (
                "forward",
                "last_hidden_state",
            ) and "message" not in value
        case "model_kwargs" | "config_kwargs":
            return set(value) <= set(_NO_MATTER_FOR_WEIGHTS)
        case _:
            return False
