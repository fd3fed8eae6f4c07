"""What a backbone's `config.json` may say that changes its vectors, beyond its shape."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from juyi.errors import ModelError


def refuse_config(path: Path, config: dict[str, Any]) -> None:
    """Refuse what juyi does not compute; it would be left out without a word, and the vectors be others.

    Raises:
        ModelError: The model runs code of its own, its weights are quantised, or it is a decoder of its kind.
    """
    if code := config.get("auto_map"):
        raise ModelError(
            f"{path} names code of its own (auto_map: {_named(code)}); juyi runs no code from a model folder, and what "
            "transformers has under the same name may compute something else. Take a model without trust_remote_code."
        )
    if quantised := config.get("quantization_config"):
        method = quantised.get("quant_method", "unknown") if isinstance(quantised, dict) else quantised
        raise ModelError(
            f"{path} says that the weights are quantised (quantization_config: {method}); juyi reads weights in floating point. "
            "Take the model in its unquantised form."
        )
    for key in ("is_decoder", "add_cross_attention"):
        if config.get(key):
            raise ModelError(
                f"{path} says {key}: as a decoder this model lets a token see only what stands before it, or wants a second "
                f"text. juyi computes it as an encoder, with other vectors. If it is one, set {key} to false there."
            )


def simcse_mlp(config: Any) -> dict[str, str] | None:
    """How to read the pooler of a checkpoint of the SimCSE code, as `key_mapping` of transformers: its MLP is that Dense.

    Source:
        princeton-nlp/SimCSE `simcse_to_huggingface.py`, which renames the weights so for publication.
    """
    architectures = config.architectures or []
    return {r"^mlp\.dense\.": "pooler.dense."} if any(str(name).endswith("ForCL") for name in architectures) else None


def _named(code: Any) -> str:
    return ", ".join(f"{key} is {value}" for key, value in code.items()) if isinstance(code, dict) else str(code)
