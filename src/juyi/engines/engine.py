"""How an encoder runs for inference: the protocol, and the choice between engines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Protocol

from juyi.errors import MissingExtraError, ModelError
from juyi.hub import resolve
from juyi.types import Embeddings

EngineKind = Literal["auto", "onnx", "torch"]
GRAPH = "model.onnx"
OUTSIDE = "given-by-the-engine"
"""What the graph names as the file of its weights, which is none: they come from `model.safetensors`, by name."""
DEFAULT_BATCH_TOKENS = 4096


class Engine(Protocol):
    """Encodes sentences, in whatever library."""

    @property
    def dim(self) -> int:
        """Width of the vectors."""
        ...

    def encode(self, texts: Sequence[str], *, normalise: bool = False, batch_tokens: int = DEFAULT_BATCH_TOKENS) -> Embeddings:
        """The vectors of the texts, in their order.

        Args:
            texts: Any number of sentences.
            normalise: Give every vector length one.
            batch_tokens: Padded tokens in one forward; sentences of like length share one.

        Shapes:
            result: (n, dim) float32.
        """
        ...


def open_engine(model: str | Path | None = None, kind: EngineKind = "auto") -> Engine:
    """The engine for a model.

    Args:
        model: A folder, a hub id, an embedded encoder, or nothing for the default one.
        kind: `onnx` runs `model.onnx` without torch; `torch` runs everything; `auto` takes onnx where the folder has it.

    Raises:
        ModelError: The folder is no model, or has no ONNX graph though one was asked for.
        MissingExtraError: torch is needed and not installed.
    """
    folder = resolve(model)
    if engine_of(folder, kind) == "onnx":
        from juyi.engines.onnx_engine import OnnxEngine

        return OnnxEngine(folder)
    try:
        from juyi.engines.torch_engine import TorchEngine
    except ModuleNotFoundError as error:
        raise MissingExtraError(str(error.name), "train", f"Running {folder}, which has no {GRAPH},") from error
    return TorchEngine.load(folder)


def engine_of(folder: Path, kind: EngineKind = "auto") -> Literal["onnx", "torch"]:
    """Which engine runs a model folder.

    Raises:
        ModelError: The folder has no ONNX graph though one was asked for.
    """
    has_graph = (folder / GRAPH).is_file()
    if kind == "onnx" and not has_graph:
        raise ModelError(f"{folder} has no {GRAPH}. The torch engine runs it: --engine torch.")
    return ("onnx" if has_graph else "torch") if kind == "auto" else kind
