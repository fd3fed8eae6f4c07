"""From an Encoder to a folder that other tools load with the same vectors."""

from __future__ import annotations

import copy
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from juyi.atomic import replaced_folder
from juyi.encoder.composition import merge_words
from juyi.encoder.encoder import Encoder
from juyi.encoder.families import family_of
from juyi.encoder.lora import merge_lora, save_adapters
from juyi.layout import MODULES, NATIVE_BACKBONE, NATIVE_MODULES, DenseLayout, FolderLayout, layer_weights, write_layout
from juyi.poolings import reads_lower_layers
from juyi.tokenization import WordTokenizer


def save_encoder(encoder: Encoder, folder: Path, *, card: str | None = None, half: bool = False) -> Path:
    """Write the encoder as a sentence-transformers folder; whole or not at all.

    Training-only heads are left out: they are no part of the encoding. Three things cannot be expressed for other tools:
    word-level tokenization, a backbone that is juyi's own code (NEZHA), and a mean over several layers of a backbone whose last
    layer means different things in different versions of transformers (ModernBERT). Then the folder is juyi's own and other
    tools refuse it.

    Args:
        encoder: What to save; a composed token table becomes a plain one first (`merge_words`), and adapters are added into
            the weights (`merge_lora`) unless their settings say that they are saved alone, beside the name of their base.
        folder: Where; an older model there is replaced.
        card: The text of README.md.
        half: Store the weights in float16. They are computed with in float32 all the same.

    Returns:
        The folder.

    Raises:
        UsageError: Something else than a model in this form lies there.
    """
    merge_words(encoder)
    if encoder.lora is not None and encoder.lora.save == "merged":
        merge_lora(encoder)
    layout = layout_of(encoder)
    with replaced_folder(folder, MODULES, NATIVE_MODULES) as draft:
        root = draft / layout.backbone
        root.mkdir(exist_ok=True)
        if encoder.lora is None:
            _save_backbone(encoder, root, half=half)
        else:
            save_adapters(encoder, root)
        encoder.tokenizer.save(root)
        write_layout(draft, layout)
        for dense, head in zip(layout.dense, encoder.kept_heads, strict=True):
            save_file(_weights(head, half=half), draft / dense.path / "model.safetensors")
        for place in draft.glob("*_WeightedLayerPooling"):
            save_file({"layer_weights": torch.tensor(layer_weights(layout))}, place / "model.safetensors")
        for path in draft.rglob("*.safetensors"):
            path.chmod(0o644)  # safetensors writes files that only their owner can read
        if card:
            (draft / "README.md").write_text(card, encoding="utf-8")
    return Path(folder)


def layout_of(encoder: Encoder) -> FolderLayout:
    """What the encoder's folder will say about it."""
    layers = int(encoder.config.num_hidden_layers)
    several_layers = reads_lower_layers(encoder.pooling)
    family = family_of(encoder.config.model_type)
    native = isinstance(encoder.tokenizer, WordTokenizer) or family.ours or (several_layers and not family.tied_last)
    start = 3 if several_layers else 2
    dense = tuple(
        DenseLayout(
            f"{start + i}_Dense",
            head.linear.in_features,
            head.linear.out_features,
            head.activation,
            bias=head.linear.bias is not None,
            residual=head.residual is not None,
        )
        for i, head in enumerate(encoder.kept_heads)
    )
    return FolderLayout(
        pooling="cls" if encoder.pooling == "pooler" else encoder.pooling,
        max_length=encoder.max_length,
        layer_count=layers,
        width=int(encoder.config.hidden_size),
        dense=dense,
        normalise=encoder.normalise,
        backbone=NATIVE_BACKBONE if native else "",
        native=native,
        prompts=encoder.prompts,
        output=encoder.output,
    )


def _save_backbone(encoder: Encoder, root: Path, *, half: bool) -> None:
    config = copy.deepcopy(encoder.config)
    config.output_hidden_states = reads_lower_layers(encoder.pooling)  # sentence-transformers hands on all layers only then
    config.dtype = "float32"  # what other tools compute in, whatever the file holds
    config.architectures = [type(encoder.backbone).__name__]
    config.save_pretrained(root)
    save_file(_weights(encoder.backbone, half=half), root / "model.safetensors", metadata={"format": "pt"})


def _weights(module: nn.Module, *, half: bool) -> dict[str, Tensor]:
    weights = {key: value.detach().cpu().contiguous() for key, value in module.state_dict().items()}
    if not half:
        return weights
    return {key: value.half() if value.is_floating_point() else value for key, value in weights.items()}
