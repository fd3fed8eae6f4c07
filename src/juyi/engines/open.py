"""The choice between the engines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from juyi.engines.engine import ENGINE_KINDS, PRECISIONS, Engine, EngineKind, Precision
from juyi.engines.graph import GRAPH, graph_problem
from juyi.errors import MissingExtraError, ModelError, UsageError
from juyi.hub import resolve
from juyi.layout import read_layout
from juyi.poolings import PoolingName, known_pooling
from juyi.prompts import Prompt
from juyi.types import Embeddings, Log

if TYPE_CHECKING:
    from juyi.engines.onnx_engine import OnnxEngine

_Chosen = Literal["onnx", "torch"]


def open_engine(
    model: str | Path | None = None,
    kind: EngineKind = "auto",
    *,
    precision: Precision = "float32",
    pooling: PoolingName | None = None,
    log: Log = lambda _: None,
) -> Engine:
    """The engine for a model.

    Args:
        model: A folder, a hub id, an embedded encoder, or nothing for the default one.
        kind: `onnx` runs the folder's `model.onnx` without torch; `torch` runs everything; `auto` takes onnx where the folder has
            a graph of juyi's that can be opened, and no other pooling is asked for, else torch.
        precision: What products are computed in; onnx has float32 alone.
        pooling: In place of the folder's own; onnx has that alone.
        log: Hears why `auto` leaves a graph aside that is there, which pooling was taken where nobody names one, and what else is
            to be known about the model.

    Raises:
        UsageError: There is no such engine, precision or pooling, or the engine cannot do what was asked for.
        ModelError: The folder is no model, its graph cannot be run though onnx was asked for, or the pooling does not go with it.
        MissingExtraError: torch is needed and not installed.
    """
    folder = resolve(model, log=log)
    chosen = engine_of(folder, kind, pooling=pooling)
    if precision not in PRECISIONS:
        raise UsageError(f"'{precision}' is no precision. There are {', '.join(PRECISIONS)}.")
    if chosen == "onnx" and precision != "float32":
        raise UsageError(
            f"{folder.name} runs on the engine onnx, which computes in float32; with --engine torch it can {precision}."
        )
    reason = ""
    if chosen == "onnx":
        try:
            engine = _onnx(folder)
        except ModelError as error:
            if kind == "onnx":
                raise
            reason = str(error)
        else:
            for remark in read_layout(folder).remarks(pooling):
                log(remark)
            return engine
    elif kind == "auto" and pooling is None and (folder / GRAPH).is_file():
        reason = f"{folder}: {graph_problem(folder)}."
    if reason:
        log(f"Note: torch runs the model. {reason}")
    try:
        from juyi.engines.torch_engine import TorchEngine
    except ModuleNotFoundError as error:
        raise MissingExtraError(str(error.name), "train", f"Running {folder}: {graph_problem(folder) or 'torch'};") from error
    return TorchEngine.load(folder, precision=precision, pooling=pooling, log=log)


def encode(
    texts: Sequence[str],
    model: str | Path | None = None,
    *,
    prompt: str | Prompt | None = None,
    normalise: bool = False,
) -> Embeddings:
    """The vectors of texts, by an engine that is opened for this call alone; see `open_engine` for many calls.

    Args:
        texts: Any number of sentences.
        model: A folder, a hub id, an embedded encoder, or nothing for the default one.
        prompt: The name of one of the model's prompts, or a text, to put before each sentence; empty for none, and None for the
            default. See `Prompts.resolve`.
        normalise: Give every vector length one.

    Shapes:
        result: (n, dim) float32.

    Raises:
        ModelError: There is no such model.
        UsageError: Something in the list is no text, or the model has no prompt of that name.
    """
    return open_engine(model).encode(texts, prompt=prompt, normalise=normalise)


def engine_of(folder: Path, kind: EngineKind = "auto", *, pooling: PoolingName | None = None) -> _Chosen:
    """Which engine runs a model folder, as far as a look into its files tells.

    Raises:
        UsageError: There is no such engine or pooling, or onnx was asked for with a pooling that its graph does not hold.
        ModelError: Onnx was asked for, and the folder has no graph of juyi's.
    """
    if kind not in ENGINE_KINDS:
        raise UsageError(f"'{kind}' is no engine. There are {', '.join(ENGINE_KINDS)}.")
    other = known_pooling(pooling) is not None and pooling != read_layout(folder).pooling
    if kind == "torch" or (kind == "auto" and other):
        return "torch"
    if other:
        raise UsageError(
            f"The pooling '{pooling}' does not go with --engine onnx: its graph holds the model's own. Take --engine torch."
        )
    problem = graph_problem(folder)
    if kind == "onnx" and problem:
        raise ModelError(f"The engine onnx cannot run {folder}: {problem}. The torch engine runs it: --engine torch.")
    return "torch" if problem else "onnx"


def why_not_onnx(folder: Path) -> str:
    """Why `auto` runs a model folder with torch; empty where it takes onnx. The graph is opened to know it."""
    if problem := graph_problem(folder):
        return problem
    try:
        _onnx(folder)
    except ModelError as error:
        return str(error)
    return ""


def _onnx(folder: Path) -> OnnxEngine:
    from juyi.engines.onnx_engine import OnnxEngine

    return OnnxEngine(folder)
