"""Inference through ONNX Runtime: no torch, no transformers, quick to start."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import onnxruntime
from safetensors.numpy import load_file

from juyi.embeddings import check_finite, check_texts, unit_rows_or_zero
from juyi.engines.engine import Engine, EngineKind, Precision
from juyi.engines.graph import GRAPH, WEIGHTS, read_properties
from juyi.engines.identity import identity_of
from juyi.errors import ModelError
from juyi.layout import read_layout
from juyi.processes import usable_cores
from juyi.prompts import Prompt, Prompts
from juyi.tokenization import chunks_by_tokens, load_tokenizer, pad
from juyi.types import Embeddings

_BATCH_TOKENS = 4096


class OnnxEngine(Engine):
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
        self._folder, self._layout = folder, read_layout(folder)
        self._tokenizer = load_tokenizer(folder / self._layout.backbone)
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

    @cached_property
    def identity(self) -> str:
        """See `Engine.identity`."""
        return identity_of(self._folder, self.kind, self.precision, self._layout.pooling, self._tokenizer)

    @property
    def dim(self) -> int:
        """Width of the vectors."""
        return min(self._width, self._layout.output.truncate_dim or self._width)

    @property
    def prompts(self) -> Prompts:
        """See `Engine.prompts`."""
        return self._layout.prompts

    def encode(
        self,
        texts: Sequence[str],
        *,
        prompt: str | Prompt | None = None,
        normalise: bool = False,
        batch_tokens: int | None = None,
    ) -> Embeddings:
        """See `Engine.encode`."""
        texts = check_texts(texts)
        rows = self._tokenizer.tokenize(self.prompts.resolve(prompt).before(texts), self._layout.max_length or 128)
        result = np.empty((len(rows), self._width), dtype=np.float32)
        for chunk in chunks_by_tokens([len(row) for row in rows], batch_tokens or _BATCH_TOKENS):
            ids, mask = pad([rows[i] for i in chunk], self._tokenizer.special.pad)
            (result[chunk],) = self._session.run(None, {"input_ids": ids, "attention_mask": mask})
        check_finite(result, texts)
        if self._layout.normalise:
            result = unit_rows_or_zero(result)
        cut = np.ascontiguousarray(result[:, : self.dim])  # after the model's own normalisation, as sentence-transformers does
        return unit_rows_or_zero(cut) if normalise else cut


def _weights(backbone: Path, names: Sequence[str]) -> list[onnxruntime.OrtValue]:
    """Weights of the backbone in float32; the session reads them where they lie, so they must live as long as it does."""
    weights = load_file(backbone / "model.safetensors")
    return [onnxruntime.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(weights[name], dtype=np.float32)) for name in names]
