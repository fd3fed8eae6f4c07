"""Inference through ONNX Runtime: no torch, no transformers, quick to start."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from safetensors.numpy import load_file

from juyi.engines.engine import DEFAULT_BATCH_TOKENS, GRAPH
from juyi.errors import ModelError
from juyi.layout import read_layout
from juyi.tokenization import chunks_by_tokens, load_tokenizer, pad
from juyi.types import Embeddings


class OnnxEngine:
    """Runs the `model.onnx` of a folder, which maps ids and mask to the sentence vector before normalisation.

    Args:
        folder: A model folder with `model.onnx`.

    Raises:
        ModelError: The graph cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        layout = read_layout(folder)
        self._tokenizer = load_tokenizer(folder / layout.backbone)
        self._max_length = layout.max_length or 128
        self._normalise = layout.normalise
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        options.log_severity_level = 3
        try:
            names, self._weights = _weights(folder / layout.backbone)
            options.add_external_initializers(names, self._weights)
            self._session = onnxruntime.InferenceSession(folder / GRAPH, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise ModelError(f"{folder / GRAPH} cannot be run: {error}") from error
        self._dim = int(self._session.get_outputs()[0].shape[-1])

    @property
    def dim(self) -> int:
        """Width of the vectors."""
        return self._dim

    def encode(self, texts: Sequence[str], *, normalise: bool = False, batch_tokens: int = DEFAULT_BATCH_TOKENS) -> Embeddings:
        """See `Engine.encode`."""
        rows = self._tokenizer.tokenize(texts, self._max_length)
        result = np.empty((len(rows), self._dim), dtype=np.float32)
        for chunk in chunks_by_tokens([len(row) for row in rows], batch_tokens):
            ids, mask = pad([rows[i] for i in chunk], self._tokenizer.special.pad)
            (result[chunk],) = self._session.run(None, {"input_ids": ids, "attention_mask": mask})
        return unit_rows(result) if normalise or self._normalise else result


def _weights(backbone: Path) -> tuple[list[str], list[onnxruntime.OrtValue]]:
    """The backbone's weights in float32; the session reads them where they lie, so they must live as long as it does."""
    weights = load_file(backbone / "model.safetensors")
    values = [onnxruntime.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(v, dtype=np.float32)) for v in weights.values()]
    return list(weights), values


def unit_rows(vectors: Embeddings) -> Embeddings:
    """Every row at length one; a zero row stays zero.

    Shapes:
        vectors and result: (n, dim).
    """
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Embeddings = (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)
    return unit
