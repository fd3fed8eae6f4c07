"""From an Encoder to `model.onnx`: one graph from ids and mask to the sentence vector."""

from __future__ import annotations

import logging
import shutil
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from juyi.atomic import check_output_folder, replaced_file, replaced_folder
from juyi.calibration import CALIBRATION
from juyi.encoder import Dense, Encoder, EncoderSettings, load_encoder, save_encoder, twin
from juyi.engines.engine import Engine
from juyi.engines.export_checks import PROBES, check_same_vectors, make_unmistakable
from juyi.engines.fidelity import Fidelity, Order, measure_fidelity, measure_order
from juyi.engines.graph import GRAPH, MADE_FROM, OUTPUT, OUTSIDE, WEIGHTS, graph_problem, made_from
from juyi.engines.onnx_engine import OnnxEngine
from juyi.engines.open import engine_problems, open_engine
from juyi.engines.states_export import export_states
from juyi.engines.states_graph import STATES
from juyi.errors import MissingExtraError, ModelError
from juyi.extras import require
from juyi.hub import resolve
from juyi.layout import MODULES, NATIVE_MODULES, read_layout
from juyi.poolings import PoolingName
from juyi.provenance import copy_provenance
from juyi.similarity_settings import SIMILARITY
from juyi.tokenization import pad
from juyi.types import Embeddings, Log

_PREFIX = "encoder.backbone."
_FOLDED = ("deberta-v2", "gemma3_text")
"""Kinds that compute with weights alone, 1 + weight for example: the exporter would do it in advance and keep the result."""


class _Graph(nn.Module):
    """What is exported: the encoder without its last normalisation."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        embeddings: Tensor = self.encoder(input_ids, attention_mask)
        return embeddings


@dataclass(frozen=True)
class ExportReport:
    """What was written.

    Attributes:
        folder: Where.
        size: Of all its files, in bytes.
        fidelity: Of what each engine and precision that runs it here computes, by its name, to the original in torch's float32.
        order: What becomes of the order of pairs, likewise.
    """

    folder: Path
    size: int
    fidelity: dict[str, Fidelity]
    order: dict[str, Order]

    @property
    def lowest_cosine(self) -> float:
        """In float32: of a sample sentence's vector before with the one after; 1 is no difference."""
        return min(each.lowest_cosine for name, each in self.fidelity.items() if name.endswith("float32"))


def add_graphs(model: Path, log: Log = lambda _: None, *, start: Path | None = None) -> None:
    """Write the graphs for the engines without torch into a model folder; of its stored weights, so that all engines agree.

    A graph holds no weights of the backbone: that of the model which was started from serves too where pooling, heads and
    configuration are the same, or where linear layers came behind, which are put behind it. Exporting takes far longer.

    The graph for OpenVINO is written too where it is installed. Where one cannot be written, for want of a library or because the
    backbone cannot be exported, the log hears why.

    Args:
        model: The folder.
        log: Hears why there is none.
        start: The model that it was made of, if any.
    """
    encoder = load_encoder(model)
    try:
        _write_graph(encoder, model, start)
    except (MissingExtraError, ModelError) as error:
        log(f"No {GRAPH} was written. {error}")
    _write_states(encoder, model, start, log)


def _write_graph(encoder: Encoder, model: Path, start: Path | None) -> None:
    if start is None or not _taken_over(encoder, start, model):
        export_onnx(encoder, model)


def _write_states(encoder: Encoder, model: Path, start: Path | None, log: Log) -> None:
    """Write the graph for OpenVINO where that is installed; the folder serves without it."""
    if not find_spec("openvino"):
        return
    try:
        export_states(encoder, model, start=start)
    except ModelError as error:
        log(f"No {STATES} was written. {error}")


def _taken_over(encoder: Encoder, start: Path, model: Path) -> bool:
    """Whether the graph of a model serves for another one, whose folder then has it."""
    if graph_problem(start):
        return False
    known = len(read_layout(start).dense)
    behind = encoder.kept_heads[known:]
    if made_from(start) != made_from(model, known) or not all(
        head.activation == "linear" and head.residual is None for head in behind
    ):
        return False
    try:
        with replaced_file(model / GRAPH) as draft:
            shutil.copyfile(start / GRAPH, draft)
            if behind:
                _put_behind(draft, behind, made_from(model))
            check_same_vectors(encoder.encode(PROBES), OnnxEngine(model, draft).encode(PROBES))
    except ModelError:
        return False
    return True


def _put_behind(graph: Path, layers: Sequence[Dense], source: str) -> None:
    """Put linear layers behind the last node of a graph."""
    onnx = require("onnx", extra="onnx", purpose="Exporting to ONNX")
    model = onnx.load(str(graph), load_external_data=False)
    for layer in layers:
        before = f"before_dense_{len(model.graph.node)}"
        for node in model.graph.node:
            for names in (node.input, node.output):
                names[:] = [before if name == OUTPUT else name for name in names]
        parts = {f"{before}_{name}": values for name, values in layer.linear.named_parameters()}
        for name, values in parts.items():
            model.graph.initializer.append(onnx.numpy_helper.from_array(values.detach().numpy(), name))
        model.graph.node.append(onnx.helper.make_node("Gemm", [before, *parts], [OUTPUT], transB=1))
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = layers[-1].linear.out_features
    for entry in model.metadata_props:
        if entry.key == MADE_FROM:
            entry.value = source
    onnx.save(model, str(graph))


def export_model(
    model: str | Path,
    folder: Path,
    *,
    half: bool = True,
    max_length: int | None = None,
    card: str | None = None,
    pooling: PoolingName | None = None,
    log: Log = lambda _: None,
) -> ExportReport:
    """Write a model as a folder of its own, with the graph for the engine that needs no torch, and compare it with the original.

    The folder is whole, graph and all, or not there.

    Args:
        model: A folder, a hub id, or an embedded encoder.
        folder: Where to write; an older model there is replaced.
        half: Store the weights in float16.
        max_length: Longest input in tokens from now on; the model's own where it is not given.
        card: The text of README.md; the model's own where it is not given.
        pooling: In place of the model's own, from now on.
        log: Hears what is to be known about the model; see `load_encoder`.

    Raises:
        ModelError: The model cannot be loaded, or its graph does not give its vectors.
        UsageError: Something else lies in the folder.
        OutputError: It cannot be written.
        MissingExtraError: The model brings no graph that serves, and onnx or onnxscript is not installed.
    """
    check_output_folder(folder, MODULES, NATIVE_MODULES)
    source = resolve(model, log=log)
    own = source / "README.md"
    if card is None and own.is_file():
        card = own.read_text(encoding="utf-8")
    encoder = load_encoder(EncoderSettings(model=str(source.absolute()), max_length=max_length, pooling=pooling), log=log)
    with replaced_folder(folder, MODULES, NATIVE_MODULES) as draft:
        save_encoder(encoder, draft, half=half, card=card)
        written = load_encoder(draft)
        _write_graph(written, draft, source)
        _write_states(written, draft, source, log)
        copy_provenance(source, draft)
        if pooling is None and max_length is None:  # what was found out is about these vectors
            for name in (SIMILARITY, CALIBRATION):
                if (source / name).is_file():
                    shutil.copyfile(source / name, draft / name)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    fidelity, order, known = {}, {}, dict[tuple[str, ...], Embeddings]()

    def exact(texts: Sequence[str]) -> Embeddings:
        if (key := tuple(texts)) not in known:  # the same sentences for every engine
            known[key] = encoder.encode(texts)
        return known[key]

    for engine in _ways(folder):
        name = f"{engine.kind} in {engine.precision}"
        fidelity[name], order[name] = measure_fidelity(exact, engine.encode), measure_order(exact, engine.encode)
    return ExportReport(folder, size, fidelity, order)


def _ways(folder: Path) -> Iterator[Engine]:
    """Every engine with a graph that runs the folder here, in float32 and in what it is fast in."""
    for kind in [kind for kind, problem in engine_problems(folder, opened=True).items() if not problem]:
        engine = open_engine(folder, kind)
        yield engine
        if engine.fast_precision != engine.precision:
            yield engine.at(engine.fast_precision)


def export_onnx(encoder: Encoder, folder: Path) -> Path:
    """Write `model.onnx` into a model folder, after it was opened and gave the encoder's vectors.

    The graph holds no copy of the backbone's weights: the engine gives it those of `model.safetensors` by name. So the folder
    stays small, both engines compute with the same numbers, and weights that were exchanged later are used by both.

    Args:
        encoder: What to export, as loaded from the folder; it stays as it is.
        folder: The folder it was saved in.

    Returns:
        The path of the graph.

    Raises:
        ModelError: The graph cannot be run, or gives other vectors: the encoder is not the one of the folder. None is left there.
            Or the encoder's pooling leaves prompts out.
        MissingExtraError: onnx or onnxscript is not installed.
    """
    if not encoder.prompts.pooled:
        raise ModelError(
            f"{folder} leaves the tokens of its prompts out of the pooling (include_prompt is false), which a graph of ids and "
            "mask cannot know: no graph is written. The torch engine runs the model: --engine torch."
        )
    onnx = require("onnx", extra="onnx", purpose="Exporting to ONNX")
    require("onnxscript", extra="onnx", purpose="Exporting to ONNX")
    with replaced_file(folder / GRAPH) as draft:
        onnx.save(_model(onnx, encoder, made_from(folder)), str(draft))
        check_same_vectors(encoder.encode(PROBES), OnnxEngine(folder, draft).encode(PROBES))
    return folder / GRAPH


def _model(onnx: Any, encoder: Encoder, source: str) -> Any:
    ids, mask = (torch.from_numpy(array) for array in pad([[1, 2, 3], [2, 1]], encoder.tokenizer.special.pad))
    copied = twin(encoder).eval().cpu()
    copied.normalise = False  # that, and a cut to fewer dimensions, the engine does
    make_unmistakable(copied.backbone)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecations
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # torchvision, which nobody needs here, is missing
        try:
            program = torch.onnx.export(
                _Graph(copied),
                (ids, mask),
                input_names=["input_ids", "attention_mask"],
                output_names=[OUTPUT],
                dynamic_shapes={"input_ids": {0: "batch", 1: "length"}, "attention_mask": {0: "batch", 1: "length"}},
                dynamo=True,
                verbose=False,
                optimize=encoder.config.model_type not in _FOLDED,
            )
        except Exception as error:  # the exporter raises whatever it meets in the code of a kind that it cannot follow
            raise ModelError(
                f"A model of type '{encoder.config.model_type}' cannot be exported: torch's exporter stops with "
                f"{type(error).__name__}. The torch engine runs it."
            ) from error
    model = program.model_proto  # type: ignore[union-attr]
    shared = _share_weights(onnx, model, {name: value.numpy() for name, value in copied.backbone.state_dict().items()})
    _forget_origin(model)
    for key, value in ((MADE_FROM, source), (WEIGHTS, "\n".join(shared))):
        model.metadata_props.add(key=key, value=value)
    return model


def _forget_origin(model: Any) -> None:
    """Drop what the exporter notes about where each node came from: stack traces with the paths of this machine."""
    for part in (model, model.graph, *model.graph.node, *model.graph.value_info, *model.graph.initializer):
        del part.metadata_props[:]
        part.doc_string = ""


def _share_weights(onnx: Any, model: Any, weights: dict[str, NDArray[np.float32]]) -> list[str]:
    """Take the backbone's weights out of the graph and name them as the weight file does.

    The names of those that it uses are returned: a bag of words, for example, uses the token table and no layer.

    The exporter stores most of them transposed; then the graph transposes, once, when it is loaded. The place it names as their
    origin does not exist, so that a runtime that is not given the weights refuses the graph.
    """
    graph = model.graph
    nodes, initializers, shared = [], [], list[str]()
    for tensor in graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        name = _origin(tensor.name, values, weights)
        if name is None:
            initializers.append(tensor)
            continue
        if name not in shared:
            shared.append(name)
            outside = onnx.TensorProto(name=name, dims=weights[name].shape, data_type=onnx.TensorProto.FLOAT)
            outside.data_location = onnx.TensorProto.EXTERNAL
            outside.external_data.add(key="location", value=OUTSIDE)
            initializers.append(outside)
        same = values.shape == weights[name].shape and np.array_equal(values, weights[name])
        kind, options = ("Identity", {}) if same else ("Transpose", {"perm": [1, 0]})
        nodes.append(onnx.helper.make_node(kind, [name], [tensor.name], **options))
    nodes.extend(graph.node)
    for field, items in ((graph.initializer, initializers), (graph.node, nodes)):
        del field[:]
        field.extend(items)
    return shared


def _origin(name: str, values: NDArray[np.float32], weights: dict[str, NDArray[np.float32]]) -> str | None:
    """The weight that an initializer holds: by name, or by value where the exporter transposed it and gave it a new name."""
    if (own := name.removeprefix(_PREFIX)) in weights:
        return own
    if values.ndim != 2:
        return None
    return next((known for known, weight in weights.items() if np.array_equal(values, weight.T)), None)
