"""Low-rank adapters (LoRA) through peft: a few trained numbers beside frozen weights."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from juyi.encoder.encoder import Encoder
from juyi.encoder.settings import LoRA
from juyi.errors import ModelError
from juyi.extras import require

_SEED = 42
_PREFIX = "base_model.model."
"""What peft puts before every name in its files."""


def add_lora(encoder: Encoder, lora: LoRA, base: str) -> None:
    """Put new adapters beside the backbone's linear maps and freeze all else of it; the vectors stay as they are.

    Args:
        encoder: Changed in place.
        lora: Rank, targets and the rest.
        base: The model that the adapters are of: what their folder will name.

    Raises:
        MissingExtraError: peft is not installed.
        ModelError: The backbone has no such targets.

    Source:
        Hu et al., LoRA (arXiv:2106.09685).
    """
    peft: Any = require("peft", extra="lora", purpose="Training with encoder.lora")
    targets = [*lora.targets] or "all-linear"
    config = peft.LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=targets,
        task_type="FEATURE_EXTRACTION",
        base_model_name_or_path=base,
    )
    with torch.random.fork_rng():
        torch.manual_seed(_SEED)
        try:
            peft.inject_adapter_in_model(config, encoder.backbone)
        except ValueError as error:
            names = sorted(
                {path.rpartition(".")[2] for path, each in encoder.backbone.named_modules() if isinstance(each, nn.Linear)}
            )
            raise ModelError(
                f"encoder.lora.targets is {', '.join(lora.targets)}; the linear maps of a backbone of type "
                f"'{encoder.config.model_type}' are {', '.join(names)}. Name some of them, or none for all."
            ) from error
    encoder.backbone.lora = lora  # type: ignore[assignment]  # there, for whoever puts the backbone behind other heads


def merge_lora(encoder: Encoder) -> None:
    """Add adapters into the weights beside which they lie; an encoder without any is left alone. All can be trained then."""
    if encoder.lora is None:
        return
    for path, module in [*encoder.backbone.named_modules()]:
        if hasattr(module, "get_base_layer"):
            module.merge()
            encoder.backbone.set_submodule(path, module.get_base_layer())
    encoder.backbone.requires_grad_(True)
    for name in ("lora", "peft_config"):
        delattr(encoder.backbone, name)


def save_adapters(encoder: Encoder, folder: Path) -> None:
    """Write the adapters as peft does: `adapter_config.json`, which names the base model, and `adapter_model.safetensors`."""
    config: Any = encoder.backbone.peft_config["default"]  # type: ignore[index]
    config.save_pretrained(str(folder))
    save_file(adapter_weights(encoder.backbone), folder / "adapter_model.safetensors", metadata={"format": "pt"})


def adapter_weights(backbone: nn.Module) -> dict[str, Tensor]:
    """The weights of the adapters alone, by the names of peft's files."""
    return {
        _PREFIX + key.replace(".default", ""): value.detach().cpu().contiguous()
        for key, value in backbone.state_dict().items()
        if ".lora_" in key
    }


def load_adapters(backbone: nn.Module, root: Path) -> nn.Module:
    """The backbone with the adapters of a folder added into its weights.

    Raises:
        MissingExtraError: peft is not installed.
        ModelError: They cannot be read, or are those of another backbone.
    """
    peft: Any = require("peft", extra="lora", purpose=f"{root} holds adapters: loading them")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is missing is said below
            config = peft.PeftConfig.from_pretrained(str(root))
            model = peft.get_peft_model(backbone, config)
            report = model.load_adapter(str(root), "default", is_trainable=False)
            merged: nn.Module = model.merge_and_unload()
    except Exception as error:  # peft raises whatever the first wrong value leads to
        raise ModelError(
            f"The adapters in {root} cannot be loaded: {error} The folder is damaged, or not of this base."
        ) from error
    missing = [key for key in report.missing_keys if ".lora_" in key] + list(report.unexpected_keys)
    if missing:
        raise ModelError(
            f"The adapters in {root} do not fit their base {config.base_model_name_or_path}: {', '.join(missing[:3])}"
            f"{' …' if len(missing) > 3 else ''} is missing or unknown. They were made for another kind of model, or for a model "
            "with a task head."
        )
    return merged.requires_grad_(True)
