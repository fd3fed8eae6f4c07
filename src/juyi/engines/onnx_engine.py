"""Inference through ONNX Runtime: no torch, no transformers, quick to start."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from safetensors.numpy import load_file

from juyi.engines.engine import EngineKind, Precision
from juyi.engines.graph import GRAPH, WEIGHTS, read_properties
from juyi.engines.graph_engine import GraphEngine
from juyi.errors import ModelError
from juyi.processes import usable_cores
from juyi.tokenization import TokenIds, chunks_by_tokens, pad
from juyi.types import Embeddings

_BATCH_TOKENS = 4096


class OnnxEngine(GraphEngine):
    """Runs the `model.onnx` of a folder, which maps ids and mask to the sentence vector before normalisation.

    Args:
        folder: A model folder.
        graph: Another graph than its `model.onnx`.

    Raises:
        ModelError: The graph cannot be run.
    """

    kind: EngineKind = "onnx"
    precision: Precision = "float32"

    def __init__(self, folder: Path, graph: Path | None = None) -> None:
        super().__init__(folder)
        path = graph or folder / GRAPH
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = usable_cores()
        options.log_severity_level = 3
        try:
            names = read_properties(path).get(WEIGHTS, "").splitlines()  # the runtime refuses a weight that the graph lacks
            self._weights = _weights(folder / self._layout.backbone, names)
            options.add_external_initializers(names, self._weights)
            self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise ModelError(f"{path} cannot be run: {error}. The engine torch may run the model.") from error
        self._width = int(self._session.get_outputs()[0].shape[-1])

    def _vectors(self, rows: Sequence[TokenIds], batch_tokens: int | None, skipped: int) -> Embeddings:
        result = np.empty((len(rows), self._width), dtype=np.float32)
        for chunk in chunks_by_tokens([len(row) for row in rows], batch_tokens or _BATCH_TOKENS):
            ids, mask = pad([rows[i] for i in chunk], self._tokenizer.special.pad)
            (result[chunk],) = self._session.run(None, {"input_ids": ids, "attention_mask": mask})
        return result


def _weights(backbone: Path, names: Sequence[str]) -> list[onnxruntime.OrtValue]:
    """Weights of the backbone in float32; the session reads them where they lie, so they must live as long as it does."""
    weights = load_file(backbone / "model.safetensors")
    return [onnxruntime.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(weights[name], dtype=np.float32)) for name in names]
