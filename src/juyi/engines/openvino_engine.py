"""Inference through OpenVINO: the fastest on a CPU, several rows on a line, every pooling by one graph."""

from __future__ import annotations

import copy
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from juyi.engines.engine import EngineKind, Precision
from juyi.engines.graph_engine import GraphEngine
from juyi.engines.numpy_heads import read_head
from juyi.engines.states_graph import SIDE_BY_SIDE, STATES, StatesGraph
from juyi.errors import ModelError
from juyi.extras import require
from juyi.poolings import PoolingName, layers_of
from juyi.processes import usable_cores
from juyi.tokenization import Lines, TokenIds, lines_by_tokens, spread
from juyi.types import Embeddings

_HINTS = {"float32": "f32", "bfloat16": "bf16"}
_BATCH_TOKENS = 2048
_FEW_TOKENS = 512
"""Up to here all cores work on one batch; with more, each core has a batch of its own, which is faster and answers later."""


class OpenVINOEngine(GraphEngine):
    """Runs the `openvino.xml` of a folder, and pooling and heads behind it.

    Args:
        folder: A model folder.
        precision: What the products of the layers are computed in; pooling, heads and vectors are float32.
        pooling: In place of the model's own.
        graph: Another graph than its `openvino.xml`.

    Raises:
        ModelError: The graph cannot be run.
        MissingExtraError: OpenVINO is not installed.
    """

    kind: EngineKind = "openvino"

    def __init__(
        self,
        folder: Path,
        precision: Precision = "float32",
        *,
        pooling: PoolingName | None = None,
        graph: Path | None = None,
    ) -> None:
        self._openvino: Any = require("openvino", extra="openvino", purpose="The engine openvino")
        super().__init__(folder, pooling)
        self.precision: Precision = precision
        self._heads = [read_head(folder, dense) for dense in self._layout.dense]
        path = graph or folder / STATES
        try:
            states = StatesGraph.read(path)
            self._numbers = states.numbers(folder / self._layout.backbone)  # the graph reads them where they lie
            model = self._openvino.Core().read_model(states.content, self._openvino.Tensor(self._numbers))
            self._side_by_side = {port.any_name for port in model.inputs} == set(SIDE_BY_SIDE)
            self._model = _with_pooling(model, layers_of(self._pooling, self._layout.layer_count))
        except ModelError:
            raise
        except Exception as error:  # the library raises RuntimeError, and others where a file is no graph
            raise ModelError(f"{path} cannot be run: {error}. The engine torch may run the model.") from error
        self._start()

    def _start(self) -> None:
        self._lock = threading.Lock()
        self._compiled = dict[int, tuple[Any, list[Any]]]()

    @property
    def fast_precision(self) -> Precision:
        """See `Engine.fast_precision`."""
        able = self._openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        return "bfloat16" if "BF16" in able else "float32"

    def at(self, precision: Precision) -> OpenVINOEngine:
        """See `Engine.at`."""
        other = copy.copy(self)  # the same graph and weights
        other.precision = precision
        vars(other).pop("identity", None)
        other._start()
        return other

    def _vectors(self, rows: Sequence[TokenIds], batch_tokens: int | None, skipped: int) -> Embeddings:
        pooled = np.zeros((len(rows), self._layout.width), dtype=np.float32)
        batches = lines_by_tokens(
            rows, batch_tokens or _BATCH_TOKENS, self._tokenizer.special.pad, side_by_side=self._side_by_side
        )
        streams = 1 if sum(map(len, rows)) <= _FEW_TOKENS else usable_cores()

        def run(lines: Lines) -> None:
            pooled[lines.rows] = self._infer(self._inputs(lines, skipped), streams)

        if streams == 1:
            for lines in batches:
                run(lines)
        else:  # threads, and not the library's own queue: its callbacks wait for the interpreter that may wait for them
            with ThreadPoolExecutor(streams) as pool:
                for done in [pool.submit(run, lines) for lines in batches]:
                    done.result()
        result: Embeddings = pooled
        for head in self._heads:
            result = head(result)
        return result

    def _infer(self, inputs: list[NDArray[np.int64]], streams: int) -> Embeddings:
        model, free = self._compiled_for(streams)
        try:
            request = free.pop()
        except IndexError:
            request = model.create_infer_request()
        pooled: Embeddings = request.infer(inputs)[0]
        free.append(request)
        return pooled

    def _inputs(self, lines: Lines, skipped: int) -> list[NDArray[np.int64]]:
        tokens, starts = _pooled_tokens(lines, self._pooling, skipped)
        if self._side_by_side:
            return [lines.ids, lines.positions, lines.owner, tokens, starts]
        return [lines.ids, (lines.owner >= 0).astype(np.int64), tokens, starts]

    def _compiled_for(self, streams: int) -> tuple[Any, list[Any]]:
        """The graph made ready for so many batches at a time, and requests that nobody uses."""
        with self._lock:
            if streams not in self._compiled:
                settings = {
                    "INFERENCE_PRECISION_HINT": _HINTS[self.precision],
                    "INFERENCE_NUM_THREADS": usable_cores(),
                    "NUM_STREAMS": streams,
                    "ENABLE_CPU_PINNING": False,  # other processes may be on the machine
                }
                self._compiled[streams] = self._openvino.Core().compile_model(self._model, "CPU", settings), []
            return self._compiled[streams]


def _with_pooling(model: Any, layers: Sequence[int]) -> Any:
    """The graph with the mean of some tokens of each row behind it, of one layer or of two."""
    import openvino
    from openvino import opset15 as ops

    tokens, starts = (ops.parameter([-1], np.int64, name=name) for name in ("tokens", "starts"))
    states = [model.output(f"states_{layer}").get_node().input_value(0) for layer in layers]
    mean = states[0] if len(states) == 1 else ops.multiply(ops.add(*states), np.float32(0.5))
    flat = ops.reshape(mean, [-1, model.output(f"states_{layers[0]}").partial_shape[2].get_length()], special_zero=False)
    pooled = ops.embedding_bag_offsets(flat, tokens, starts, reduction="mean")
    return openvino.Model([pooled], [*model.get_parameters(), tokens, starts], "sentence_embedding")


def _pooled_tokens(lines: Lines, pooling: PoolingName, skipped: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The tokens whose mean is the vector of each row, counted over all lines, and where those of each row begin.

    Shapes:
        result: (tokens,), (rows,).
    """
    match pooling:
        case "cls" | "pooler":
            first, count = np.where(lines.lengths > skipped, skipped, 0), np.ones_like(lines.lengths)
        case "last-token":
            first, count = lines.lengths - 1, (lines.lengths > skipped).astype(np.int64)
        case _:
            first, count = np.minimum(lines.lengths, skipped), np.maximum(lines.lengths - skipped, 0)
    return np.repeat(lines.starts + first, count) + spread(count), np.cumsum(count) - count
