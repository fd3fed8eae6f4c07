"""From a folder to an Encoder: a sentence-transformers folder, juyi's own, or a bare backbone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from tokenizers import normalizers
from torch import nn

from juyi.encoder.backbone_config import refuse_config, simcse_mlp
from juyi.encoder.composition import compose_words
from juyi.encoder.dropout import quicken_dropout
from juyi.encoder.encoder import Encoder
from juyi.encoder.families import applied_dropout, apply_dropout, family_of, set_dropout, stated_dropout
from juyi.encoder.heads import Dense, random_head
from juyi.encoder.lora import add_lora, load_adapters
from juyi.encoder.settings import EncoderSettings
from juyi.encoder.view import view_of
from juyi.errors import ModelError
from juyi.extras import quiet_transformers
from juyi.hub import resolve
from juyi.layout import (
    Activation,
    DenseLayout,
    FolderLayout,
    Output,
    config_folder,
    max_positions,
    read_layout,
    tokenizer_folder,
)
from juyi.poolings import PoolingName
from juyi.tokenization import SubwordTokenizer, WordTokenizer, load_tokenizer
from juyi.types import Log


def load_encoder(settings: EncoderSettings | str | Path | None = None, *, log: Log = lambda _: None) -> Encoder:
    """Load an encoder and change it as the settings say.

    Args:
        settings: The settings, or only a model: a folder, a hub id, nothing for the embedded encoder.
        log: Hears which pooling was taken where neither the folder nor the settings name one, and what else is to be known.

    Raises:
        ModelError: The folder cannot be read or is a part of a model, its kind is unknown, the pooling needs weights that are not
            there, or a dropout did not take effect.
        UsageError: The settings name a prompt that the model does not have.
    """
    if not isinstance(settings, EncoderSettings):
        settings = EncoderSettings(model=str(settings or ""))
    folder = resolve(settings.model, log=log)
    layout = read_layout(folder)
    if layout.doubt and settings.pooling is None:
        raise ModelError(layout.doubt)
    pooling = settings.pooling or layout.pooling
    root = folder / layout.backbone
    base = config_folder(root)
    backbone = _load_backbone(base, settings, pooling)
    if base != root:
        backbone = load_adapters(backbone, root)
    heads = list(_heads(folder, layout, settings, backbone, pooling))
    tokenizer = _tokenizer(tokenizer_folder(root), settings, backbone.config)
    if tokenizer.size > backbone.config.vocab_size:
        raise ModelError(
            f"{root}: the tokenizer has {tokenizer.size} tokens, the backbone only {backbone.config.vocab_size}: "
            "they do not belong together."
        )
    encoder = Encoder(
        backbone,
        tokenizer,
        pooling=pooling,
        heads=heads,
        max_length=_max_length(settings, layout, backbone.config),
        normalise=layout.normalise and settings.head == "as-saved",
        prompts=layout.prompts,
        output=layout.output if settings.head == "as-saved" else Output(similarity=layout.output.similarity),
    )
    encoder.prompt = None if settings.prompt is None else layout.prompts.resolve(settings.prompt)
    for remark in layout.remarks(settings.pooling):
        log(remark)
    if settings.compose_words:
        compose_words(encoder, fresh=settings.random_weights is not None)
    if settings.freeze_backbone:
        encoder.backbone.requires_grad_(False)
    if settings.lora is not None:
        add_lora(encoder, settings.lora, _base_name(settings, folder, adapters=base != root))
    if settings.hidden_dropout is not None or settings.attention_dropout is not None:
        check_dropout(encoder)
    return encoder.eval()


def _base_name(settings: EncoderSettings, folder: Path, *, adapters: bool) -> str:
    """What a folder of new adapters names as the model that they are of: a hub id as it was given, else the whole path."""
    if adapters and settings.lora is not None and settings.lora.save == "adapters":
        raise ModelError(
            f"{folder} holds adapters itself, and adapters of adapters cannot be loaded. Save the new ones merged: "
            'encoder.lora.save = "merged".'
        )
    given = Path(settings.model).expanduser()
    return str(folder.resolve()) if given.is_dir() or "/" not in settings.model else settings.model


def change_dropout(encoder: Encoder, *, hidden: float | None, attention: float | None) -> None:
    """Give a loaded encoder other dropout rates, and prove that they are applied; None leaves what is there.

    Raises:
        ModelError: A rate is not possible, or did not take effect.
    """
    set_dropout(encoder.config, hidden=hidden, attention=attention)
    apply_dropout(encoder.backbone, hidden=hidden, attention=attention)
    quicken_dropout(encoder.backbone)
    check_dropout(encoder)


def check_dropout(encoder: Encoder) -> None:
    """Prove on the loaded model that the dropout rates it states are the ones it applies.

    The places of each of the two dropouts must hold the stated rates and no other, and two training-mode forwards of one input
    must differ exactly when a rate is above zero.

    Raises:
        ModelError: They do not: the configuration's key was ignored.
    """
    hidden, attention = encoder.dropout
    places = zip(("hidden", "attention"), stated_dropout(encoder.config), applied_dropout(encoder.backbone), strict=True)
    for kind, stated, applied in places:
        if stated != applied:
            raise ModelError(
                f"The {kind} dropout is {_rates(stated)} in the configuration, but the model applies {_rates(applied)}: "
                "the key had no effect."
            )
    ids, mask = encoder.tensors([list(range(5, 5 + min(20, encoder.max_length)))])
    ids = ids.clamp(max=encoder.config.vocab_size - 1)
    noisy = view_of(encoder, training=True)
    with torch.no_grad(), torch.random.fork_rng():
        torch.manual_seed(0)
        differ = not torch.equal(noisy(ids, mask), noisy(ids, mask))
    if differ != (max(hidden, attention) > 0):
        raise ModelError(
            f"The dropout rates are {hidden} (hidden) and {attention} (attention), but two training-mode passes over one "
            f"sentence {'differ' if differ else 'are equal'}: the configuration and the model disagree."
        )


def _rates(rates: set[float]) -> str:
    return " and ".join(map(str, sorted(rates))) or "none"


def _load_config(root: Path) -> Any:
    from transformers import AutoConfig

    from juyi.encoder.nezha import register_nezha

    register_nezha()
    path = root / "config.json"
    if not path.is_file():
        raise ModelError(f"{root} holds no config.json, so it is no model folder. Give the folder that save_pretrained wrote.")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        refuse_config(path, content)
        family_of(str(content["model_type"]))
        return AutoConfig.from_pretrained(root)
    except ModelError:
        raise
    except Exception as error:  # transformers raises whatever the first wrong value leads to
        what = "it does not say its model_type" if isinstance(error, KeyError) else str(error)
        raise ModelError(f"{path} cannot be used: {what}. The model folder is incomplete or damaged.") from error


def _load_backbone(root: Path, settings: EncoderSettings, pooling: PoolingName) -> Any:
    from transformers import AutoModel

    config = _load_config(root)
    family = family_of(config.model_type)
    if pooling == "pooler" and not family.pooler:
        raise ModelError(
            f"A model of type '{config.model_type}' has no pretrained pooler; choose cls, last-avg or first-last-avg."
        )
    set_dropout(config, hidden=settings.hidden_dropout, attention=settings.attention_dropout)
    config.use_cache = False  # of a decoder's past: nothing is generated
    options: dict[str, Any] = {"add_pooling_layer": pooling == "pooler"} if family.pooler else {}
    if settings.random_weights is not None:
        if pooling == "pooler":
            raise ModelError("Random weights were asked for: that has no pretrained pooler. Choose cls, with a head if you like.")
        with torch.random.fork_rng():
            torch.manual_seed(settings.random_weights)
            kinds: Any = AutoModel
            return kinds.from_config(config, dtype=torch.float32, attn_implementation="eager", **options)
    try:
        with quiet_transformers():
            model, report = AutoModel.from_pretrained(
                root,
                config=config,
                dtype=torch.float32,
                attn_implementation="eager",
                output_loading_info=True,
                key_mapping=simcse_mlp(config) if pooling == "pooler" else None,
                **options,
            )
    except Exception as error:
        raise ModelError(f"The weights in {root} cannot be loaded: {error} The folder is incomplete or damaged.") from error
    missing = frozenset(report["missing_keys"])
    if missing:
        what = "the pretrained pooler" if all("pooler" in key for key in missing) else "weights"
        raise ModelError(
            f"{root} lacks {what}: {', '.join(sorted(missing)[:4])}{' …' if len(missing) > 4 else ''}. "
            "They would be random. Choose another pooling, or a folder that holds them."
        )
    return model


def _tokenizer(root: Path, settings: EncoderSettings, config: Any) -> SubwordTokenizer | WordTokenizer:
    tokenizer = load_tokenizer(root)
    if isinstance(tokenizer, SubwordTokenizer):
        tokenizer = tokenizer.fitted_to(int(config.vocab_size))
    if isinstance(tokenizer, WordTokenizer) or not (settings.tokenization == "words" or _says_words(root, config)):
        return tokenizer
    steps = tokenizer.backend.normalizer
    if steps is None or " " not in steps.normalize_str("中文"):  # RoFormer's does not part the characters of a word: jieba did
        part = normalizers.BertNormalizer(clean_text=False, handle_chinese_chars=True, strip_accents=False, lowercase=False)
        tokenizer.backend.normalizer = normalizers.Sequence([*([steps] if steps else []), part])
    return WordTokenizer(tokenizer)


def _says_words(root: Path, config: Any) -> bool:
    """Whether transformers would read the folder with RoFormer's tokenizer: the class that it states, else its kind, decides.

    That class cuts words though its tokenizer.json does not: transformers writes another step there in place of jieba.

    Raises:
        ModelError: The words would be cut in another way than they are here.
    """
    path = root / "tokenizer_config.json"
    said = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    stated = said.get("tokenizer_class") or getattr(config, "tokenizer_class", None)
    words = str(stated).startswith("RoFormerTokenizer") if stated else config.model_type == "roformer"
    if words and said.get("do_lower_case", True) is False:
        raise ModelError(
            f"{path} says do_lower_case false: its words are cut as they are written, and juyi looks words up in lower case. "
            "Set it to true there if the vocabulary is in lower case, as those of published RoFormers are."
        )
    return words


def _heads(folder: Path, layout: FolderLayout, settings: EncoderSettings, backbone: Any, pooling: PoolingName) -> Iterator[Dense]:
    if settings.head == "as-saved" and layout.dense and pooling != layout.pooling:
        raise ModelError(
            f"{folder} ends in a Dense (a whitening or a trained head) that was made for the pooling '{layout.pooling}'; behind "
            f"the pooling '{pooling}' it would give meaningless vectors. Leave the pooling as it is, or drop the Dense with "
            "head = 'none' and fit or train a new one."
        )
    if pooling == "pooler":
        yield _pretrained_pooler(backbone, settings)
    elif settings.head == "as-saved":
        yield from (_read_dense(folder, dense) for dense in layout.dense)
    if settings.head in ("dense-tanh", "linear"):
        activation: Activation = "tanh" if settings.head == "dense-tanh" else "linear"
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
    old = folder / dense.path / "pytorch_model.bin"
    if not path.is_file() and not old.is_file():
        raise ModelError(f"{folder / dense.path} holds no weights: there is neither model.safetensors nor pytorch_model.bin.")
    head = Dense(dense.inputs, dense.outputs, dense.activation, bias=dense.bias, residual=dense.residual)
    try:
        head.load_state_dict(load_file(path) if path.is_file() else torch.load(old, weights_only=True))
    except Exception as error:
        raise ModelError(f"The weights in {folder / dense.path} cannot be loaded: {error} The folder is damaged.") from error
    return head


def _max_length(settings: EncoderSettings, layout: FolderLayout, config: Any) -> int:
    possible = max_positions(config.to_dict()) or int(config.max_position_embeddings)
    if settings.max_length is None:
        return min(layout.max_length or possible, possible)
    if not 3 <= settings.max_length <= possible:
        raise ModelError(f"max_length is {settings.max_length}; this backbone takes 3 to {possible} tokens.")
    return settings.max_length
