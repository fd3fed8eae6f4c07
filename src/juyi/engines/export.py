"""From an Encoder to `model.onnx`: one graph from ids and mask to the sentence vector."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from juyi.encoder import Encoder
from juyi.engines.engine import GRAPH, OUTSIDE
from juyi.extras import require

_PREFIX = "encoder.backbone."


class _Graph(nn.Module):
    """What is exported: the encoder without its last normalisation."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        embeddings: Tensor = self.encoder(input_ids, attention_mask)
        return embeddings


def export_onnx(encoder: Encoder, folder: Path) -> Path:
    """Write `model.onnx` into a model folder.

    The graph holds no copy of the backbone's weights: the engine gives it those of `model.safetensors` by name. So the folder
    stays small, both engines compute with the same numbers, and weights that were exchanged later are used by both.

    Args:
        encoder: What to export, as loaded from the folder.
        folder: The folder it was saved in.

    Returns:
        The path of the graph.

    Raises:
        MissingExtraError: onnx or onnxscript is not installed.
    """
    onnx = require("onnx", extra="onnx", purpose="Exporting to ONNX")
    require("onnxscript", extra="onnx", purpose="Exporting to ONNX")
    was, encoder.normalise = encoder.normalise, False
    special = encoder.tokenizer.special
    ids = torch.tensor(
        [[special.cls, special.unknown, special.sep, special.pad], [special.cls, special.sep, special.pad, special.pad]]
    )
    path = folder / GRAPH
    backbone = encoder.backbone
    own = {name: value.clone() for name, value in backbone.state_dict().items()}
    try:
        _make_unmistakable(backbone)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the exporter's own deprecations
            logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # torchvision, which nobody needs here, is missing
            program = torch.onnx.export(
                _Graph(encoder.eval().cpu()),
                (ids, (ids != special.pad).long()),
                input_names=["input_ids", "attention_mask"],
                output_names=["sentence_embedding"],
                dynamic_shapes={"input_ids": {0: "batch", 1: "length"}, "attention_mask": {0: "batch", 1: "length"}},
                dynamo=True,
                verbose=False,
            )
        model = program.model_proto  # type: ignore[union-attr]
        _share_weights(onnx, model, {name: value.cpu().numpy() for name, value in backbone.state_dict().items()})
    finally:
        backbone.load_state_dict(own)
        encoder.normalise = was
    _forget_origin(model)
    draft = path.with_name(f".{GRAPH}.draft")
    onnx.save(model, str(draft))
    draft.replace(path)
    return path


def _make_unmistakable(backbone: nn.Module) -> None:
    """Give every weight values of its own: the exporter would merge equal ones, the untrained norms for example, into one."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in backbone.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator))


def _forget_origin(model: Any) -> None:
    """Drop what the exporter notes about where each node came from: stack traces with the paths of this machine."""
    for part in (model, model.graph, *model.graph.node, *model.graph.value_info, *model.graph.initializer):
        del part.metadata_props[:]
        part.doc_string = ""


def _share_weights(onnx: Any, model: Any, weights: dict[str, NDArray[np.float32]]) -> None:
    """Take the backbone's weights out of the graph and name them as the weight file does.

    The exporter stores most of them transposed; then the graph transposes, once, when it is loaded. The place it names as their
    origin does not exist, so that a runtime that is not given the weights refuses the graph.
    """
    graph = model.graph
    nodes, initializers, shared = [], [], set()
    for tensor in graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        name = _origin(tensor.name, values, weights)
        if name is None:
            initializers.append(tensor)
            continue
        if name not in shared:
            shared.add(name)
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


def _origin(name: str, values: NDArray[np.float32], weights: dict[str, NDArray[np.float32]]) -> str | None:
    """The weight that an initializer holds: by name, or by value where the exporter transposed it and gave it a new name."""
    if (own := name.removeprefix(_PREFIX)) in weights:
        return own
    if values.ndim != 2:
        return None
    return next((known for known, weight in weights.items() if np.array_equal(values, weight.T)), None)
