"""From a folder to an Encoder: a sentence-transformers folder, juyi's own, or a bare backbone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from juyi.encoder.encoder import Encoder
from juyi.encoder.families import family_of, set_dropout
from juyi.encoder.heads import Dense, random_head
from juyi.encoder.settings import EncoderSettings
from juyi.errors import ModelError
from juyi.hub import resolve
from juyi.layout import DenseLayout, FolderLayout, read_layout
from juyi.poolings import PoolingName
from juyi.tokenization import load_tokenizer


def load_encoder(settings: EncoderSettings | str | Path | None = None) -> Encoder:
    """Load an encoder and change it as the settings say.

    Args:
        settings: The settings, or only a model: a folder, a hub id, nothing for the embedded encoder.

    Raises:
        ModelError: The folder cannot be read, its kind is unknown, the pooling needs weights that are not there, or a dropout did
            not take effect.
    """
    if not isinstance(settings, EncoderSettings):
        settings = EncoderSettings(model=str(settings or ""))
    folder = resolve(settings.model)
    layout = read_layout(folder)
    pooling = settings.pooling or layout.pooling
    root = folder / layout.backbone
    backbone = _load_backbone(root, settings, pooling)
    heads = list(_heads(folder, layout, settings, backbone, pooling))
    encoder = Encoder(
        backbone,
        load_tokenizer(root),
        pooling=pooling,
        heads=heads,
        max_length=_max_length(settings, layout, backbone.config),
        normalise=layout.normalise and settings.head == "as-saved",
    )
    if settings.freeze_backbone:
        encoder.backbone.requires_grad_(False)
    if encoder.tokenizer.size > backbone.config.vocab_size:
        raise ModelError(
            f"{root}: the tokenizer has {encoder.tokenizer.size} tokens, the backbone only {backbone.config.vocab_size}: "
            "they do not belong together."
        )
    if settings.hidden_dropout is not None or settings.attention_dropout is not None:
        check_dropout(encoder)
    return encoder.eval()


def check_dropout(encoder: Encoder) -> None:
    """Prove on the loaded model that the dropout rates it states are the ones it applies.

    Two training-mode forwards of one input must differ exactly when a rate is above zero, and every rate stated must be found in a
    dropout module or attribute of the model.

    Raises:
        ModelError: They do not: the configuration's key was ignored.
    """
    hidden, attention = encoder.dropout
    found = set()
    for module in encoder.backbone.modules():
        if isinstance(module, nn.Dropout):
            found.add(module.p)
        if isinstance(rate := getattr(module, "attention_dropout", None), float):
            found.add(rate)
    for kind, rate in (("hidden", hidden), ("attention", attention)):
        if rate > 0 and rate not in found:
            raise ModelError(f"The {kind} dropout was set to {rate}, but the model applies {sorted(found)}: the key had no effect.")
    ids, mask = encoder.tensors([[encoder.tokenizer.special.cls, *range(5, 25), encoder.tokenizer.special.sep]])
    ids = ids.clamp(max=encoder.config.vocab_size - 1)
    was_training = encoder.training
    with torch.no_grad(), torch.random.fork_rng():
        torch.manual_seed(0)
        encoder.train()
        differ = not torch.equal(encoder(ids, mask), encoder(ids, mask))
    encoder.train(was_training)
    if differ != (max(hidden, attention) > 0):
        raise ModelError(
            f"The dropout rates are {hidden} (hidden) and {attention} (attention), but two training-mode passes over one sentence "
            f"{'differ' if differ else 'are equal'}: the configuration and the model disagree."
        )


def _load_backbone(root: Path, settings: EncoderSettings, pooling: PoolingName) -> Any:
    from transformers import AutoConfig, AutoModel

    if not (root / "config.json").is_file():
        raise ModelError(f"{root} holds no config.json, so it is no model folder. Give the folder that save_pretrained wrote.")
    config = AutoConfig.from_pretrained(root)
    family = family_of(config.model_type)
    if pooling == "pooler" and not family.pooler:
        raise ModelError(f"A model of type '{config.model_type}' has no pretrained pooler; choose cls, last-avg or first-last-avg.")
    set_dropout(config, hidden=settings.hidden_dropout, attention=settings.attention_dropout)
    options = {"add_pooling_layer": pooling == "pooler"} if family.pooler else {}
    with _quiet_transformers():
        model, report = AutoModel.from_pretrained(
            root, config=config, dtype=torch.float32, attn_implementation="eager", output_loading_info=True, **options
        )
    missing = frozenset(report["missing_keys"])
    if missing:
        what = "the pretrained pooler" if all("pooler" in key for key in missing) else "weights"
        raise ModelError(
            f"{root} lacks {what}: {', '.join(sorted(missing)[:4])}{' …' if len(missing) > 4 else ''}. "
            "They would be random. Choose another pooling, or a folder that holds them."
        )
    return model


def _heads(
    folder: Path, layout: FolderLayout, settings: EncoderSettings, backbone: Any, pooling: PoolingName
) -> Iterator[Dense]:
    if pooling == "pooler":
        yield _pretrained_pooler(backbone, settings)
    elif settings.head == "as-saved":
        yield from (_read_dense(folder, dense) for dense in layout.dense)
    if settings.head in ("dense-tanh", "linear"):
        activation = "tanh" if settings.head == "dense-tanh" else "linear"
        yield random_head(backbone.config.hidden_size, activation, training_only=settings.head_training_only)


def _pretrained_pooler(model: Any, settings: EncoderSettings) -> Dense:
    source = model.pooler if isinstance(model.pooler, nn.Linear) else model.pooler.dense  # ALBERT has a bare Linear
    head = Dense(source.in_features, source.out_features, settings.pooler_activation)
    head.linear.load_state_dict(source.state_dict())
    model.pooler = None
    return head


def _read_dense(folder: Path, dense: DenseLayout) -> Dense:
    from safetensors.torch import load_file

    path = folder / dense.path / "model.safetensors"
    if path.is_file():
        weights = load_file(path)
    elif (path := folder / dense.path / "pytorch_model.bin").is_file():
        weights = torch.load(path, weights_only=True)
    else:
        raise ModelError(f"{folder / dense.path} holds no weights: there is neither model.safetensors nor pytorch_model.bin.")
    head = Dense(dense.inputs, dense.outputs, dense.activation)
    if "linear.bias" not in weights:
        weights["linear.bias"] = torch.zeros(dense.outputs)
    head.load_state_dict(weights)
    return head


def _max_length(settings: EncoderSettings, layout: FolderLayout, config: Any) -> int:
    possible = int(config.max_position_embeddings)
    if config.model_type in ("roberta", "xlm-roberta"):
        possible -= int(config.pad_token_id) + 1  # their positions begin after the padding id
    if settings.max_length is None:
        return min(layout.max_length or 128, possible)
    if not 3 <= settings.max_length <= possible:
        raise ModelError(f"max_length is {settings.max_length}; this backbone takes 3 to {possible} tokens.")
    return settings.max_length


@contextmanager
def _quiet_transformers() -> Iterator[None]:
    from transformers.utils import logging

    before, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(before)
        if bar:
            logging.enable_progress_bar()

