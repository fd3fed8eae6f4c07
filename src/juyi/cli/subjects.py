"""What `juyi evaluate` and `juyi compare` measure: an encoder by name, or one of the baselines."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from juyi.assets import DEFAULT_ENCODER
from juyi.cli.poolings import known_pooling
from juyi.engines import CachedEncode, EngineKind, engine_of, fingerprint_of, open_engine
from juyi.errors import UsageError
from juyi.hub import resolve
from juyi.tasks import Subject
from juyi.types import Encode

LEXICAL = "lexical"
VECTORS = "vectors:"
RANDOM = "random:"
Precision = Literal["auto", "float32", "bfloat16"]


@dataclass(frozen=True)
class How:
    """How encoders are run.

    Attributes:
        pooling: In place of the model's own.
        engine: `auto`, `onnx` or `torch`.
        precision: Of the torch engine on this machine's processor.
        cache: Whether embeddings are kept on disk and read from there.
    """

    pooling: str | None = None
    engine: EngineKind = "auto"
    precision: Precision = "auto"
    cache: bool = True


@dataclass(frozen=True)
class Opened:
    """Something that can be measured.

    Attributes:
        name: What records and tables call it.
        subject: It encodes or compares.
        labels: What its figures owe to its making: `dev-selected`.
        remark: Says, after the measurement, what is to be known about it; maybe nothing.
    """

    name: str
    subject: Subject
    labels: tuple[str, ...] = ()
    remark: Callable[[], str] = lambda: ""


def open_subject(model: str, how: How, texts: Sequence[str]) -> Opened:
    """Load what a name stands for.

    Args:
        model: A folder, a hub id, an embedded encoder, or nothing; `lexical`, `vectors:FILE`, `random:MODEL` or
            `random:MODEL@SEED`.
        how: How encoders are run.
        texts: Some of what will be encoded; the precision is chosen on them.

    Raises:
        UsageError: An option does not fit what was named.
        ModelError: There is no such model.
        DataError: The file of word vectors cannot be used.
    """
    if model == LEXICAL or model.startswith((VECTORS, RANDOM)):
        _refuse_bfloat16(how, f"the baseline {model} is computed in float32")
    if model == LEXICAL:
        from juyi.baselines import LexicalOverlap

        return Opened("lexical-overlap", LexicalOverlap())
    if model.startswith(VECTORS):
        return _word_vectors(model.removeprefix(VECTORS))
    if model.startswith(RANDOM):
        name, _, seed = model.removeprefix(RANDOM).partition("@")
        return _random(model, name, seed, how)
    return _encoder(model, how, texts)


def _word_vectors(file: str) -> Opened:
    from juyi.baselines import WordAverage

    if not file:
        raise UsageError("The baseline vectors needs a file of word vectors: vectors:FILE.")
    average = WordAverage(file)

    def remark() -> str:
        coverage = average.coverage
        rate = coverage.out_of_vocabulary_rate
        if rate is None:
            return ""
        return (
            f"{100 * rate:.1f} % of the words have no vector in {file}; {coverage.unknown_texts} of the {coverage.texts} texts "
            "have no known word or character."
        )

    return Opened(f"vectors:{Path(file).name}", average.encode, remark=remark)


def _random(model: str, name: str, seed: str, how: How) -> Opened:
    from juyi.baselines import random_encoder

    if seed and not seed.isdecimal():
        raise UsageError(f"'{model}' has the seed '{seed}'; a whole number is needed: random:{name or DEFAULT_ENCODER}@0.")
    if how.pooling is not None:
        raise UsageError("--pooling does not go with random weights: they take the pooling of the model whose shape they have.")
    return Opened(f"random:{name or DEFAULT_ENCODER}@{seed or 0}", random_encoder(resolve(name), int(seed or 0)).encode)


def _encoder(model: str, how: How, texts: Sequence[str]) -> Opened:
    folder = resolve(model)
    name = model or DEFAULT_ENCODER
    if how.pooling is not None:
        if how.engine == "onnx":
            raise UsageError("--pooling does not go with --engine onnx: its graph holds the model's own pooling.")
        name += f" ({how.pooling})"
    if how.pooling is not None or engine_of(folder, how.engine) == "torch":
        encode, settings = _torch(model, how, texts)
    else:
        _refuse_bfloat16(how, f"{name} runs on the engine onnx; with --engine torch it can")
        encode, settings = open_engine(model, how.engine).encode, "onnx"
    if how.cache:
        encode = CachedEncode(encode, fingerprint_of(folder, settings))
    return Opened(name, encode, _labels(folder))


def _refuse_bfloat16(how: How, reason: str) -> None:
    if how.precision == "bfloat16":
        raise UsageError(f"--precision bfloat16 is for the torch engine: {reason}.")


def _torch(model: str, how: How, texts: Sequence[str]) -> tuple[Encode, str]:
    from juyi.cli.output import say
    from juyi.encoder import EncoderSettings, load_encoder
    from juyi.engines.torch_engine import TorchEngine

    pooling = known_pooling(how.pooling)
    if pooling is None:
        engine = cast(TorchEngine, open_engine(model, "torch"))
    else:
        engine = TorchEngine(load_encoder(EncoderSettings(model=model, pooling=pooling)))
    if how.precision != "auto":
        engine.precision = how.precision
    else:
        agreement = engine.choose_precision(texts)
        if agreement is not None:
            kept = "bfloat16" if engine.precision == "bfloat16" else "float32, because bfloat16 does not order pairs as it does"
            say(f"Encoding in {kept} (rank agreement on a sample {agreement:.5f}; --precision chooses)")
    return engine.encode, f"torch {engine.encoder.device.type} {engine.encoder.pooling} {engine.precision}"


def _labels(folder: Path) -> tuple[str, ...]:
    """`dev-selected` for the model of a run that kept the checkpoint that was best on the development set."""
    recipe = folder.resolve().parent / "recipe.json"
    try:
        training = json.loads(recipe.read_text(encoding="utf-8"))["training"]
        return ("dev-selected",) if training["keep"] == "best" else ()
    except (OSError, ValueError, KeyError, TypeError):
        return ()  # no run of ours
