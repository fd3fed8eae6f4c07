"""From an Encoder to a folder that other tools load with the same vectors."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file

from juyi.atomic import new_folder
from juyi.encoder.encoder import Encoder
from juyi.encoder.heads import Dense
from juyi.layout import NATIVE_BACKBONE, DenseLayout, FolderLayout, layer_weights, write_layout
from juyi.tokenization import WordTokenizer


def save_encoder(encoder: Encoder, folder: Path, *, card: str | None = None, half: bool = False) -> Path:
    """Write the encoder as a sentence-transformers folder; whole or not at all.

    Training-only heads are left out: they are no part of the encoding. A word-level tokenizer cannot be expressed for other
    tools; then the folder is juyi's own and other tools refuse it.

    Args:
        encoder: What to save.
        folder: Where; an older model there is replaced.
        card: The text of README.md.
        half: Store the weights in float16. They are computed with in float32 all the same.

    Returns:
        The folder.
    """
    layout = layout_of(encoder)
    with new_folder(Path(folder)) as draft:
        root = draft / layout.backbone
        root.mkdir(exist_ok=True)
        _save_backbone(encoder, root, half=half)
        encoder.tokenizer.save(root)
        write_layout(draft, layout)
        for dense, head in zip(layout.dense, _kept(encoder), strict=True):
            save_file({key: value.contiguous() for key, value in head.state_dict().items()}, draft / dense.path / "model.safetensors")
        for place in draft.glob("*_WeightedLayerPooling"):
            save_file({"layer_weights": torch.tensor(layer_weights(layout))}, place / "model.safetensors")
        if card:
            (draft / "README.md").write_text(card, encoding="utf-8")
    return Path(folder)


def layout_of(encoder: Encoder) -> FolderLayout:
    """What the encoder's folder will say about it."""
    native = isinstance(encoder.tokenizer, WordTokenizer)
    layers = int(encoder.config.num_hidden_layers)
    several_layers = encoder.pooling in ("first-last-avg", "top2-avg", "embedding-last-avg")
    start = 3 if several_layers else 2
    dense = tuple(
        DenseLayout(f"{start + i}_Dense", head.linear.in_features, head.linear.out_features, head.activation)
        for i, head in enumerate(_kept(encoder))
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
    )


def _kept(encoder: Encoder) -> list[Dense]:
    return [head for head in encoder.heads if isinstance(head, Dense) and not head.training_only]


def _save_backbone(encoder: Encoder, root: Path, *, half: bool) -> None:
    config = encoder.config
    before = config.output_hidden_states
    config.output_hidden_states = encoder.pooling in ("first-last-avg", "top2-avg", "embedding-last-avg")
    try:
        config.save_pretrained(root)
    finally:
        config.output_hidden_states = before
    weights = {key: value.detach().cpu().contiguous() for key, value in encoder.backbone.state_dict().items()}
    if half:
        weights = {key: value.half() if value.is_floating_point() else value for key, value in weights.items()}
    save_file(weights, root / "model.safetensors", metadata={"format": "pt"})
