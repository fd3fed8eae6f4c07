"""The choice between the engines."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from juyi.engines.engine import ENGINE_KINDS, PRECISION_CHOICES, Engine, EngineKind, Precision, PrecisionChoice
from juyi.engines.graph import GRAPH, graph_problem
from juyi.engines.states_graph import STATES, states_problem
from juyi.errors import MissingExtraError, ModelError, NonFiniteError, UsageError
from juyi.extras import require
from juyi.hub import resolve
from juyi.layout import read_layout
from juyi.poolings import PoolingName, known_pooling
from juyi.prompts import Prompt
from juyi.types import Embeddings, Log

_Chosen = Literal["openvino", "onnx", "torch"]
_GRAPHS: dict[_Chosen, str] = {"openvino": STATES, "onnx": GRAPH}
_NOT_INSTALLED = "OpenVINO is not installed"


def open_engine(
    model: str | Path | None = None,
    kind: EngineKind = "auto",
    *,
    precision: PrecisionChoice = "float32",
    pooling: PoolingName | None = None,
    few: bool = False,
    log: Log = lambda _: None,
) -> Engine:
    """The engine for a model.

    Args:
        model: A folder, a hub id, an embedded encoder, or nothing for the default one.
        kind: `openvino` runs the folder's `openvino.xml`, `onnx` its `model.onnx`, both without torch; `torch` runs everything.
            `auto` takes the first of them that is installed and has a graph of juyi's that can be opened; torch at once where
            there is a GPU.
        precision: What products are computed in. `auto` takes bfloat16 where the processor is fast in it and the vectors keep
            their direction (`juyi.engines.fidelity`), which is measured when a model is first opened, and remembered.
        pooling: In place of the folder's own; onnx has that alone.
        few: A handful of texts will be encoded: `auto` takes what starts fastest.
        log: Hears why `auto` leaves a graph aside that is there, which precision it took and why, which pooling was taken where
            nobody names one, and what else is to be known about the model.

    Raises:
        UsageError: There is no such engine, precision or pooling, or the engine cannot do what was asked for.
        ModelError: The folder is no model, its graph cannot be run though it was asked for, or the pooling does not go with it.
        MissingExtraError: A library is needed and not installed.
    """
    folder = resolve(model, log=log)
    if precision not in PRECISION_CHOICES:
        raise UsageError(f"'{precision}' is no precision. There are {', '.join(PRECISION_CHOICES)}.")
    kinds = _possible(folder, kind, pooling, few=few)
    if kinds[0] == "onnx" and precision == "bfloat16":
        raise UsageError(
            f"{folder.name} runs on the engine onnx, which computes in float32; with --engine torch it can bfloat16."
        )
    start: Precision = "bfloat16" if precision == "bfloat16" else "float32"
    kinds = [each for each in kinds if each != "onnx" or start == "float32"]
    if kind == "auto" and pooling is None and not _has_gpu():
        for each, problem in engine_problems(folder).items():
            if problem and problem != _NOT_INSTALLED and (folder / _GRAPHS[each]).is_file():
                log(f"Note: the engine {each} is left aside. {folder}: {problem}.")
    engine = _first_that_opens(folder, kinds, pooling, start, log)
    if engine.kind != "torch":  # which says it itself
        for remark in read_layout(folder).remarks(pooling):
            log(remark)
    return _in_chosen_precision(engine, log) if precision == "auto" else engine


def _first_that_opens(
    folder: Path, kinds: Sequence[_Chosen], pooling: PoolingName | None, precision: Precision, log: Log
) -> Engine:
    for kind in kinds:
        try:
            return _opened(folder, kind, pooling, precision, log)
        except ModelError as error:
            if kind == kinds[-1]:
                raise
            log(f"Note: the engine {kind} is left aside. {error}")
    raise AssertionError("there is always one")


def _opened(folder: Path, kind: _Chosen, pooling: PoolingName | None, precision: Precision, log: Log) -> Engine:
    if kind == "openvino":
        from juyi.engines.openvino_engine import OpenVINOEngine

        return OpenVINOEngine(folder, precision, pooling=pooling)
    if kind == "onnx":
        from juyi.engines.onnx_engine import OnnxEngine

        return OnnxEngine(folder)
    try:
        from juyi.engines.torch_engine import TorchEngine
    except ModuleNotFoundError as error:
        reason = graph_problem(folder) or "torch"
        raise MissingExtraError(str(error.name), "train", f"Running {folder}: {reason};") from error
    return TorchEngine.load(folder, precision=precision, pooling=pooling, log=log)


def _in_chosen_precision(engine: Engine, log: Log) -> Engine:
    if engine.fast_precision == engine.precision:
        log(f"Engine: {engine.kind} in {engine.precision}")
        return engine
    from juyi.engines.fidelity import LOWEST_COSINE, remembered_fidelity

    fast = engine.fast_precision
    try:
        fidelity = remembered_fidelity(engine, fast)
    except NonFiniteError:  # a broken model, which whoever encodes with it will hear of
        return engine
    chosen = engine.at(fast) if fidelity.faithful else engine
    wanted = "" if fidelity.faithful else f", and {LOWEST_COSINE} is wanted"
    reason = f"in {fast} the lowest cosine with {engine.precision} is {fidelity.lowest_cosine:.5f}"
    log(f"Engine: {chosen.kind} in {chosen.precision} ({reason} on {fidelity.texts} sentences{wanted})")
    return chosen


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


def engine_of(folder: Path, kind: EngineKind = "auto", *, pooling: PoolingName | None = None, few: bool = False) -> _Chosen:
    """Which engine runs a model folder, as far as a look into its files and the installed libraries tells.

    Raises:
        UsageError: There is no such engine or pooling, or onnx was asked for with a pooling that its graph does not hold.
        ModelError: An engine with a graph was asked for, and the folder has none of juyi's.
        MissingExtraError: OpenVINO was asked for and is not installed.
    """
    return _possible(folder, kind, pooling, few=few)[0]


def _possible(folder: Path, kind: EngineKind, pooling: PoolingName | None, *, few: bool) -> list[_Chosen]:
    """The engines to try, in turn: the one that was asked for, or those that seem able to run the folder."""
    if kind not in ENGINE_KINDS:
        raise UsageError(f"'{kind}' is no engine. There are {', '.join(ENGINE_KINDS)}.")
    other = known_pooling(pooling) is not None and pooling != read_layout(folder).pooling
    if kind == "onnx" and other:
        raise UsageError(
            f"The pooling '{pooling}' does not go with --engine onnx: its graph holds the model's own. Take --engine torch."
        )
    if kind == "torch" or (kind == "auto" and _has_gpu() and find_spec("torch")):
        return ["torch"]
    problems = engine_problems(folder, pooling)
    if kind == "auto":
        order: tuple[_Chosen, ...] = ("onnx", "openvino") if few else ("openvino", "onnx")
        return [each for each in order if not problems[each] and not (each == "onnx" and other)] + ["torch"]
    if problems[kind] == _NOT_INSTALLED:
        require("openvino", extra="openvino", purpose="The engine openvino")
    if problem := problems[kind]:
        raise ModelError(f"The engine {kind} cannot run {folder}: {problem}. The torch engine runs it: --engine torch.")
    return [kind]


def engine_problems(folder: Path, pooling: PoolingName | None = None, *, opened: bool = False) -> dict[_Chosen, str]:
    """Why the engines with a graph cannot run a model folder, by the name of the engine; empty where they can.

    Args:
        folder: The model.
        pooling: In place of its own.
        opened: Open the graphs that seem to be sound, to know it.
    """
    checks: dict[_Chosen, Callable[[], str]] = {
        "openvino": lambda: states_problem(folder, pooling) or ("" if find_spec("openvino") else _NOT_INSTALLED),
        "onnx": lambda: graph_problem(folder),
    }
    problems = {kind: check() for kind, check in checks.items()}
    for kind in [kind for kind, problem in problems.items() if opened and not problem]:
        try:
            _opened(folder, kind, pooling, "float32", lambda _: None)
        except ModelError as error:
            problems[kind] = str(error)
    return problems


def _has_gpu() -> bool:
    """Whether the driver of a GPU is there; torch, which knows for certain, takes a second to ask."""
    return Path("/dev/nvidiactl").exists() and os.environ.get("CUDA_VISIBLE_DEVICES") != ""
