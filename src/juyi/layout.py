"""The model folder on disk: what `modules.json` and its companions say. Read and written without torch.

The keys are the ones that sentence-transformers 2 to 6, text-embeddings-inference and txtai all read. A model that other tools
cannot express (word-level tokenization) goes into the same files, but the list of modules gets another name and the backbone a
folder of its own, so that no tool loads it with other vectors.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from juyi.errors import ModelError
from juyi.poolings import PoolingName, layers_of

Activation = Literal["tanh", "linear"]

MODULES = "modules.json"
NATIVE_MODULES = "juyi_modules.json"
NATIVE_BACKBONE = "backbone"
_ACTIVATIONS: dict[str, Activation] = {"Tanh": "tanh", "Identity": "linear"}
_DOTTED = {"tanh": "torch.nn.modules.activation.Tanh", "linear": "torch.nn.modules.linear.Identity"}


@dataclass(frozen=True)
class DenseLayout:
    """One Dense layer: where its weights lie, its shape, what follows it."""

    path: str
    inputs: int
    outputs: int
    activation: Activation


@dataclass(frozen=True)
class FolderLayout:
    """What a model folder says about itself, weights aside.

    Attributes:
        backbone: The folder of the transformers model, relative to the model folder; empty for the folder itself.
        layer_count: Transformer layers of the backbone, needed to write a mean over several layers.
        width: Width of the token vectors.
        native: The folder is juyi's own and hidden from other tools.
    """

    pooling: PoolingName
    max_length: int | None
    layer_count: int
    width: int
    dense: tuple[DenseLayout, ...] = ()
    normalise: bool = False
    backbone: str = ""
    native: bool = False


def read_layout(folder: Path) -> FolderLayout:
    """What the folder says; a bare transformers folder is read as `last-avg`, as sentence-transformers does.

    Raises:
        ModelError: A module, a pooling or an activation that juyi does not have.
    """
    native = (folder / NATIVE_MODULES).is_file()
    path = folder / (NATIVE_MODULES if native else MODULES)
    modules = _read(path) if path.is_file() else [{"type": "Transformer", "path": ""}]
    backbone, pooling, weights, dense, normalise = "", None, None, [], False
    for module in modules:
        kind, place = str(module["type"]).rpartition(".")[2], str(module["path"])
        match kind:
            case "Transformer":
                backbone = place
            case "WeightedLayerPooling":
                weights = _layer_weights(folder / place)
            case "Pooling":
                pooling = _pooling_mode(folder / place / "config.json")
            case "Dense":
                dense.append(_dense(folder, place))
            case "Normalize":
                normalise = True
            case _:
                raise ModelError(f"{path} names a module of type '{kind}', which juyi does not have; it has Transformer, Pooling, "
                                 "WeightedLayerPooling, Dense and Normalize.")  # fmt: skip
    config = _read(folder / backbone / "config.json") if (folder / backbone / "config.json").is_file() else {}
    layers = int(config.get("num_hidden_layers", config.get("n_layers", 0)))
    return FolderLayout(
        pooling=_pooling(pooling or "last-avg", weights, layers, path),
        max_length=_max_length(folder / backbone),
        layer_count=layers,
        width=int(config.get("hidden_size", config.get("dim", 0))),
        dense=tuple(dense),
        normalise=normalise,
        backbone=backbone,
        native=native,
    )


def write_layout(folder: Path, layout: FolderLayout) -> None:
    """Write everything but weights and tokenizer."""
    modules: list[dict[str, Any]] = []

    def add(kind: str, path: str, config: dict[str, Any] | None = None) -> None:
        modules.append(
            {"idx": len(modules), "name": str(len(modules)), "path": path, "type": f"sentence_transformers.models.{kind}"}
        )
        if path:
            (folder / path).mkdir(exist_ok=True)
        if config is not None:
            _write(folder / path / "config.json", config)

    add("Transformer", layout.backbone)
    layers = layers_of(layout.pooling, layout.layer_count)
    if len(layers) > 1:
        start = layers[0]
        add(
            "WeightedLayerPooling",
            f"{len(modules)}_WeightedLayerPooling",
            {"word_embedding_dimension": layout.width, "layer_start": start, "num_hidden_layers": layout.layer_count},
        )
    by_cls = layout.pooling in ("cls", "pooler")
    add(
        "Pooling",
        f"{len(modules)}_Pooling",
        {
            "word_embedding_dimension": layout.width,
            "pooling_mode_cls_token": by_cls,
            "pooling_mode_mean_tokens": not by_cls,
            "pooling_mode_max_tokens": False,
            "pooling_mode_mean_sqrt_len_tokens": False,
            "include_prompt": True,
        },
    )
    for dense in layout.dense:
        add(
            "Dense",
            dense.path,
            {
                "in_features": dense.inputs,
                "out_features": dense.outputs,
                "bias": True,
                "activation_function": _DOTTED[dense.activation],
            },
        )
    if layout.normalise:
        add("Normalize", f"{len(modules)}_Normalize")
    _write(folder / (NATIVE_MODULES if layout.native else MODULES), modules)
    _write(folder / layout.backbone / "sentence_bert_config.json", {"max_seq_length": layout.max_length, "do_lower_case": False})
    if not layout.native:
        _write(
            folder / "config_sentence_transformers.json",
            {"__version__": {}, "prompts": {}, "default_prompt_name": None, "similarity_fn_name": "cosine"},
        )


def layer_weights(layout: FolderLayout) -> list[float]:
    """The weights that a mean over two layers gives to each layer from the first of the two on."""
    start, last = layers_of(layout.pooling, layout.layer_count)
    return [1.0, *([0.0] * (last - start - 1)), 1.0]


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read: {error}. The model folder is incomplete or damaged.") from error


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _pooling_mode(path: Path) -> PoolingName:
    config = _read(path)
    modes = config.get("pooling_mode")
    if modes is None:
        modes = [key for key, chosen in config.items() if key.startswith("pooling_mode_") and chosen]
    names = {"cls": "cls", "pooling_mode_cls_token": "cls", "mean": "last-avg", "pooling_mode_mean_tokens": "last-avg"}
    modes = [modes] if isinstance(modes, str) else list(modes)
    if len(modes) != 1 or modes[0] not in names:
        raise ModelError(f"{path}: pooling {', '.join(modes) or '(none)'} is not one that juyi has; it reads cls and mean.")
    return names[modes[0]]  # type: ignore[return-value]


def _layer_weights(folder: Path) -> tuple[int, tuple[float, ...]]:
    from safetensors.numpy import load_file

    config = _read(folder / "config.json")
    return int(config["layer_start"]), tuple(load_file(folder / "model.safetensors")["layer_weights"].astype(float).tolist())


def _pooling(mode: PoolingName, weights: tuple[int, tuple[float, ...]] | None, layers: int, path: Path) -> PoolingName:
    if weights is None:
        return mode
    start, values = weights
    read = {start + offset: value for offset, value in enumerate(values) if value}
    for name in ("first-last-avg", "top2-avg", "embedding-last-avg"):
        if mode == "last-avg" and read == dict.fromkeys(layers_of(name, layers), 1.0):
            return name
    raise ModelError(f"{path}: juyi has no pooling for the layer weights {values} from layer {start} on, pooled by {mode}.")


def _dense(folder: Path, place: str) -> DenseLayout:
    config = _read(folder / place / "config.json")
    activation = str(config.get("activation_function", "torch.nn.modules.activation.Tanh")).rpartition(".")[2]
    if activation not in _ACTIVATIONS:
        raise ModelError(f"{folder / place}: the activation {activation} is not one that juyi has: {', '.join(_ACTIVATIONS)}.")
    return DenseLayout(place, int(config["in_features"]), int(config["out_features"]), _ACTIVATIONS[activation])


def _max_length(backbone: Path) -> int | None:
    if (backbone / "sentence_bert_config.json").is_file():
        value = _read(backbone / "sentence_bert_config.json").get("max_seq_length")
        if value:
            return int(value)
    if (backbone / "tokenizer_config.json").is_file():
        value = _read(backbone / "tokenizer_config.json").get("model_max_length")
        if value and value < 100_000:  # transformers writes 1e30 for "no limit"
            return int(value)
    return None
