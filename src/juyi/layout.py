"""The model folder on disk: what `modules.json` and its companions say. Read and written without torch.

The keys are the ones that sentence-transformers 2 to 6, text-embeddings-inference and txtai all read. A model that other tools
cannot express (word-level tokenization) goes into the same files, but the list of modules gets another name and the backbone a
folder of its own, so that no tool loads it with other vectors. For the same reason a folder is refused where other tools do
something that juyi does not: another order of modules, another pooling, a Dense on tokens.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast, get_args

from juyi.bare_folders import guessed_pooling, reason_not_to_guess
from juyi.errors import ModelError
from juyi.hub import adapter_base
from juyi.poolings import PoolingName, layers_of
from juyi.prompts import Prompts, read_prompts, written_prompts
from juyi.tokenization import SENTENCE_CONFIGS, read_sentence_config

Similarity = Literal["cosine", "dot", "euclidean", "manhattan"]
Activation = Literal["tanh", "linear", "relu", "gelu", "silu", "sigmoid"]

MODULES = "modules.json"
OUTPUT = "config_sentence_transformers.json"
NATIVE_MODULES = "juyi_modules.json"
NATIVE_BACKBONE = "backbone"
_OFFSET_POSITIONS = ("roberta", "xlm-roberta", "mpnet")  # their positions begin after the padding id
_KINDS = ("Transformer", "WeightedLayerPooling", "Pooling", "Dense", "Normalize")
_DOTTED: dict[Activation, str] = {
    "tanh": "torch.nn.modules.activation.Tanh",
    "linear": "torch.nn.modules.linear.Identity",
    "relu": "torch.nn.modules.activation.ReLU",
    "gelu": "torch.nn.modules.activation.GELU",
    "silu": "torch.nn.modules.activation.SiLU",
    "sigmoid": "torch.nn.modules.activation.Sigmoid",
}
_ACTIVATIONS: dict[str, Activation] = {dotted.rpartition(".")[2]: name for name, dotted in _DOTTED.items()}
_MODES: dict[PoolingName, tuple[str, str]] = {
    "cls": ("cls", "pooling_mode_cls_token"),
    "last-avg": ("mean", "pooling_mode_mean_tokens"),
    "max": ("max", "pooling_mode_max_tokens"),
    "last-token": ("lasttoken", "pooling_mode_lasttoken"),
}
"""Pooling to its names in the newer and the older form of sentence-transformers' file; others are written as one of these."""


@dataclass(frozen=True)
class DenseLayout:
    """One Dense layer: where its weights lie, its shape, what follows it.

    Attributes:
        bias: It adds one.
        residual: What comes in is added to what goes out, through a matrix of its own where the widths differ.
    """

    path: str
    inputs: int
    outputs: int
    activation: Activation
    bias: bool = field(default=True, repr=False)  # the digest of older graphs holds the repr
    residual: bool = field(default=False, repr=False)


@dataclass(frozen=True)
class Output:
    """What a model says about its vectors beyond its modules.

    Attributes:
        truncate_dim: Encoding keeps this many dimensions, after any normalisation, as sentence-transformers does; None all.
        similarity: How its makers compare vectors. juyi measures cosines; the word is kept for other tools.
    """

    truncate_dim: int | None = None
    similarity: Similarity = "cosine"


@dataclass(frozen=True)
class FolderLayout:
    """What a model folder says about itself, weights aside.

    Attributes:
        backbone: The folder of the transformers model, relative to the model folder; empty for the folder itself.
        max_length: Longest input in tokens: what the folder says, else all that the backbone takes.
        layer_count: Transformer layers of the backbone, needed to write a mean over several layers.
        width: Width of the token vectors.
        native: The folder is juyi's own and hidden from other tools.
        prompts: What is put before the texts, by name.
        guess: Why it has this pooling where it names none; empty where it does.
        doubt: Why it must not be guessed: the folder, or the hub's cache that it lies in, holds a part of a model.
    """

    pooling: PoolingName
    max_length: int | None
    layer_count: int
    width: int
    dense: tuple[DenseLayout, ...] = ()
    normalise: bool = False
    backbone: str = ""
    native: bool = False
    prompts: Prompts = Prompts()
    output: Output = Output()
    guess: str = field(default="", compare=False)
    doubt: str = field(default="", compare=False)

    def remarks(self, pooling: PoolingName | None = None) -> list[str]:
        """What whoever opens the model should hear, each in one line.

        Args:
            pooling: The one that he named, if any.
        """
        lines = [f"Pooling: {self.guess}."] if self.guess and pooling is None else []
        if self.output.similarity not in ("cosine", "dot" if self.normalise else "cosine"):  # of unit rows the two are one
            lines.append(f"Similarity: the model names '{self.output.similarity}'; what juyi computes is the cosine.")
        return lines


def read_layout(folder: Path) -> FolderLayout:
    """What the folder says; a bare transformers folder is read as `last-avg`, as sentence-transformers does.

    Raises:
        ModelError: A module, a pooling or an activation that juyi does not have, modules in another order, or a damaged file.
    """
    native = (folder / NATIVE_MODULES).is_file()
    path = folder / (NATIVE_MODULES if native else MODULES)
    try:
        return _read_modules(folder, path, native=native)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        what = f"the key {error} is missing" if isinstance(error, KeyError) else str(error)
        raise ModelError(f"{path}, or a file that it names, cannot be used: {what}. The model folder is damaged.") from error


def _read_modules(folder: Path, path: Path, *, native: bool) -> FolderLayout:
    modules = _modules(path) if path.is_file() else []
    backbone, pooling, weights, dense, pooled = "", "last-avg", None, [], True
    for kind, place in modules:
        match kind:
            case "Transformer":
                backbone = place
            case "WeightedLayerPooling":
                weights = _layer_weights(folder / place)
            case "Pooling":
                pooling = _pooling_mode(folder / place / "config.json")
                pooled = bool(_read(folder / place / "config.json").get("include_prompt", True))
            case "Dense":
                dense.append(_dense(folder, place))
    described = config_folder(folder / backbone) / "config.json"
    config = _read(described) if described.is_file() else {}
    layers = int(config.get("num_hidden_layers", config.get("n_layers", 0)))
    guess = doubt = ""
    if not modules:
        pooling, guess = guessed_pooling(config)
        doubt = reason_not_to_guess(folder, MODULES, (*SENTENCE_CONFIGS, OUTPUT))
    return FolderLayout(
        guess=guess,
        doubt=doubt,
        output=_output(folder / OUTPUT),
        pooling=_pooling(cast(PoolingName, pooling), weights, layers, path),
        max_length=_max_length(folder / backbone, config),
        layer_count=layers,
        width=int(config.get("hidden_size", config.get("dim", 0))),
        dense=tuple(dense),
        normalise=any(kind == "Normalize" for kind, _ in modules),
        backbone=backbone,
        native=native,
        prompts=_prompts(folder / OUTPUT, pooled=pooled),
    )


def _output(path: Path) -> Output:
    config = _read(path) if path.is_file() else {}
    dimensions, similarity = config.get("truncate_dim"), config.get("similarity_fn_name")
    if dimensions is not None and (type(dimensions) is not int or dimensions < 1):
        raise ModelError(f"{path}: truncate_dim is {dimensions!r}; it must be a whole number from 1 on, or null.")
    return Output(dimensions, cast(Similarity, similarity) if similarity in get_args(Similarity) else "cosine")


def config_folder(root: Path) -> Path:
    """Where config.json and the weights of a backbone lie: in its own folder, or with the base that its adapters are of.

    Raises:
        ModelError: The base is not on this machine and cannot be fetched.
    """
    base = adapter_base(root)
    return root if base is None else base / read_layout(base).backbone


def tokenizer_folder(root: Path) -> Path:
    """Where the tokenizer of a backbone lies: in its own folder, or with the base where there are adapters alone."""
    own = any((root / name).is_file() for name in ("tokenizer.json", "vocab.txt"))
    return root if own else config_folder(root)


def _modules(path: Path) -> list[tuple[str, str]]:
    found = []
    for module in _read(path):
        package, _, kind = str(module["type"]).rpartition(".")
        if kind not in _KINDS or not package.startswith("sentence_transformers."):  # "custom_st.Transformer" runs its own code
            raise ModelError(
                f"{path} names a module of type '{module['type']}', which juyi does not have; it has {', '.join(_KINDS)}."
            )
        found.append((kind, str(module["path"])))
    order = " ".join(kind for kind, _ in found)
    if not re.fullmatch(r"Transformer( WeightedLayerPooling)? Pooling( Dense)*( Normalize)?", order):
        raise ModelError(
            f"{path} orders its modules {order or '(none)'}; juyi computes Transformer, WeightedLayerPooling where there is one, "
            "Pooling, any number of Dense, Normalize, in this order and in no other."
        )
    return found


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
    if layers != (layout.layer_count,):
        start = layers[0]
        add(
            "WeightedLayerPooling",
            f"{len(modules)}_WeightedLayerPooling",
            {"word_embedding_dimension": layout.width, "layer_start": start, "num_hidden_layers": layout.layer_count},
        )
    mode = _MODES["cls" if layout.pooling == "pooler" else layout.pooling if layout.pooling in _MODES else "last-avg"][1]
    modes = dict.fromkeys(("pooling_mode_cls_token", "pooling_mode_mean_tokens", "pooling_mode_max_tokens"), False)
    modes["pooling_mode_mean_sqrt_len_tokens"] = False
    modes[mode] = True  # older versions do not know the key of the last token, so that it is written only where it is meant
    pooling = {"word_embedding_dimension": layout.width, **modes, "include_prompt": layout.prompts.pooled}
    add("Pooling", f"{len(modules)}_Pooling", pooling)
    for dense in layout.dense:
        add(
            "Dense",
            dense.path,
            {
                "in_features": dense.inputs,
                "out_features": dense.outputs,
                "bias": dense.bias,
                "activation_function": _DOTTED[dense.activation],
            }
            | ({"use_residual": True} if dense.residual else {}),
        )
    if layout.normalise:
        add("Normalize", f"{len(modules)}_Normalize")
    _write(folder / (NATIVE_MODULES if layout.native else MODULES), modules)
    _write(folder / layout.backbone / "sentence_bert_config.json", {"max_seq_length": layout.max_length, "do_lower_case": False})
    output: dict[str, Any] = {"similarity_fn_name": layout.output.similarity}
    if layout.output.truncate_dim is not None:
        output["truncate_dim"] = layout.output.truncate_dim
    _write(folder / OUTPUT, {"__version__": {}, **written_prompts(layout.prompts), **output})


def layer_weights(layout: FolderLayout) -> list[float]:
    """The weights that a mean over layers gives to each layer from the lowest of them to the last."""
    chosen = layers_of(layout.pooling, layout.layer_count)
    return [float(layer in chosen) for layer in range(chosen[0], layout.layer_count + 1)]


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read: {error}. The model folder is incomplete or damaged.") from error


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _prompts(path: Path, *, pooled: bool) -> Prompts:
    try:
        return read_prompts(_read(path) if path.is_file() else {}, pooled=pooled)
    except ValueError as error:
        raise ModelError(f"{path} cannot be used: {error}. Correct the file, or take the original folder.") from error


def _pooling_mode(path: Path) -> PoolingName:
    config = _read(path)
    modes = config.get("pooling_mode")
    if modes is None:
        modes = [key for key, chosen in config.items() if key.startswith("pooling_mode_") and chosen]
    names = {each: name for name, both in _MODES.items() for each in both}
    modes = [modes] if isinstance(modes, str) else list(modes)
    if len(modes) != 1 or modes[0] not in names:
        raise ModelError(
            f"{path}: pooling {', '.join(map(str, modes)) or '(none)'} is not one that juyi has; it reads "
            f"{', '.join(mode for mode, _ in _MODES.values())}, one of them and not several side by side."
        )
    return names[modes[0]]


def _layer_weights(folder: Path) -> tuple[int, tuple[float, ...]]:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    config = _read(folder / "config.json")
    path = folder / "model.safetensors"
    if not path.is_file():
        raise ModelError(f"{folder} holds no model.safetensors with the weights of the layers; juyi reads them in no other form.")
    try:
        weights = load_file(path)["layer_weights"]
    except SafetensorError as error:
        raise ModelError(f"{path} cannot be read: {error}. The model folder is damaged.") from error
    return int(config["layer_start"]), tuple(weights.astype(float).tolist())


def _pooling(mode: PoolingName, weights: tuple[int, tuple[float, ...]] | None, layers: int, path: Path) -> PoolingName:
    if weights is None:
        return mode
    start, values = weights
    read = {start + offset: value for offset, value in enumerate(values) if value}
    candidates: tuple[PoolingName, ...] = ("first-last-avg", "top2-avg", "embedding-last-avg", "embedding-avg")
    for name in candidates:  # only equal weights make a mean, whatever their sum
        if mode == "last-avg" and set(read) == set(layers_of(name, layers)) and len(set(read.values())) == 1:
            return name
    raise ModelError(f"{path}: juyi has no pooling for the layer weights {values} from layer {start} on, pooled by {mode}.")


def _dense(folder: Path, place: str) -> DenseLayout:
    config = _read(folder / place / "config.json")
    ends = {key: config.get(key) or "sentence_embedding" for key in ("module_input_name", "module_output_name")}
    if set(ends.values()) != {"sentence_embedding"}:
        raise ModelError(
            f"{folder / place} works on {ends['module_input_name']} and gives {ends['module_output_name']}; juyi's Dense maps "
            "one sentence vector to another."
        )
    package, _, activation = str(config.get("activation_function", _DOTTED["tanh"])).rpartition(".")
    if activation not in _ACTIVATIONS or not package.startswith("torch."):
        raise ModelError(
            f"{folder / place}: the activation {config.get('activation_function')} is not one that juyi has: torch's "
            f"{', '.join(_ACTIVATIONS)}."
        )
    return DenseLayout(
        place,
        int(config["in_features"]),
        int(config["out_features"]),
        _ACTIVATIONS[activation],
        bias=bool(config.get("bias", True)),
        residual=bool(config.get("use_residual")),
    )


def _max_length(backbone: Path, config: dict[str, Any]) -> int | None:
    possible = max_positions(config)
    value = read_sentence_config(backbone).max_length
    if value is None and (backbone / "tokenizer_config.json").is_file():
        value = _read(backbone / "tokenizer_config.json").get("model_max_length")
    if value and value < 100_000:  # transformers writes 1e30 for "no limit"
        return int(value) if possible is None else min(int(value), possible)
    return possible


def max_positions(config: dict[str, Any]) -> int | None:
    """The longest input that a backbone of this transformers configuration takes, where it states one."""
    positions = config.get("max_position_embeddings")
    if positions is None:
        return None
    if config.get("model_type") not in _OFFSET_POSITIONS:
        return int(positions)
    padding = 1 if config["model_type"] == "mpnet" else config.get("pad_token_id")  # MPNet's is fixed in transformers' code
    return int(positions) - (1 if padding is None else int(padding)) - 1
