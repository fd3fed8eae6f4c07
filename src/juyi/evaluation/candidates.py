"""What is measured: an encoder by name, or one of the baselines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from juyi.assets import DEFAULT_ENCODER
from juyi.engines import CachedEncode, engine_of, fingerprint_of, open_engine
from juyi.errors import UsageError
from juyi.evaluation.options import EncodeOptions
from juyi.hub import resolve
from juyi.poolings import known_pooling
from juyi.provenance import read_provenance
from juyi.tasks import EncodeOrSimilarity
from juyi.types import Encode, Log

LEXICAL = "lexical"
VECTORS = "vectors:"
RANDOM = "random:"


@dataclass(frozen=True)
class Candidate:
    """Something that can be measured.

    Attributes:
        name: What records and tables call it.
        encoder: It encodes or compares.
        labels: What its figures owe to its making: `dev-selected`.
        remark: Says, after the measurement, what is to be known about it; maybe nothing.
    """

    name: str
    encoder: EncodeOrSimilarity
    labels: tuple[str, ...] = ()
    remark: Callable[[], str] = lambda: ""


def open_candidate(model: str, options: EncodeOptions, texts: Sequence[str] = (), *, log: Log = lambda _: None) -> Candidate:
    """Load what a name stands for.

    Args:
        model: A folder, a hub id, an embedded encoder, or nothing; `lexical`, `vectors:FILE`, `random:MODEL` or
            `random:MODEL@SEED`.
        options: How encoders are run.
        texts: Some of what will be encoded; the precision is chosen on them.
        log: Hears which precision was chosen.

    Raises:
        UsageError: An option does not fit what was named.
        ModelError: There is no such model.
        DataError: The file of word vectors cannot be used.
    """
    if model == LEXICAL or model.startswith((VECTORS, RANDOM)):
        _refuse_bfloat16(options, f"the baseline {model} is computed in float32")
    if model == LEXICAL:
        from juyi.baselines import LexicalOverlap

        return Candidate("lexical-overlap", LexicalOverlap())
    if model.startswith(VECTORS):
        return _word_vectors(model.removeprefix(VECTORS))
    if model.startswith(RANDOM):
        name, _, seed = model.removeprefix(RANDOM).partition("@")
        return _random(model, name, seed, options)
    return _encoder(model, options, texts, log)


def _word_vectors(file: str) -> Candidate:
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

    return Candidate(f"vectors:{Path(file).name}", average.encode, remark=remark)


def _random(model: str, name: str, seed: str, options: EncodeOptions) -> Candidate:
    from juyi.baselines import random_encoder

    if seed and not seed.isdecimal():
        raise UsageError(f"'{model}' has the seed '{seed}'; a whole number is needed: random:{name or DEFAULT_ENCODER}@0.")
    if options.pooling is not None:
        raise UsageError("--pooling does not go with random weights: they take the pooling of the model whose shape they have.")
    return Candidate(f"random:{name or DEFAULT_ENCODER}@{seed or 0}", random_encoder(resolve(name), int(seed or 0)).encode)


def _encoder(model: str, options: EncodeOptions, texts: Sequence[str], log: Log) -> Candidate:
    folder = resolve(model)
    name = model or DEFAULT_ENCODER
    if options.pooling is not None:
        if options.engine == "onnx":
            raise UsageError("--pooling does not go with --engine onnx: its graph holds the model's own pooling.")
        name += f" ({options.pooling})"
    if options.pooling is not None or engine_of(folder, options.engine) == "torch":
        encode, settings = _torch(model, options, texts, log)
    else:
        _refuse_bfloat16(options, f"{name} runs on the engine onnx; with --engine torch it can")
        encode, settings = open_engine(model, options.engine).encode, "onnx"
    if options.cache:
        encode = CachedEncode(encode, fingerprint_of(folder, settings))
    return Candidate(name, encode, _labels(folder))


def _refuse_bfloat16(options: EncodeOptions, reason: str) -> None:
    if options.precision == "bfloat16":
        raise UsageError(f"--precision bfloat16 is for the torch engine: {reason}.")


def _torch(model: str, options: EncodeOptions, texts: Sequence[str], log: Log) -> tuple[Encode, str]:
    from juyi.encoder import EncoderSettings, load_encoder
    from juyi.engines.torch_engine import TorchEngine

    pooling = known_pooling(options.pooling)
    if pooling is None:
        engine = cast(TorchEngine, open_engine(model, "torch"))
    else:
        engine = TorchEngine(load_encoder(EncoderSettings(model=model, pooling=pooling)))
    if options.precision != "auto":
        engine.precision = options.precision
    else:
        agreement = engine.choose_precision(texts)
        if agreement is not None:
            kept = "bfloat16" if engine.precision == "bfloat16" else "float32, because bfloat16 does not order pairs as it does"
            log(f"Encoding in {kept} (rank agreement on a sample {agreement:.5f}; --precision chooses)")
    return engine.encode, f"torch {engine.encoder.device.type} {engine.encoder.pooling} {engine.precision}"


def _labels(folder: Path) -> tuple[str, ...]:
    """`dev-selected` for a model whose weights were chosen on a development set, wherever its folder lies now."""
    provenance = read_provenance(folder)
    return ("dev-selected",) if provenance is not None and provenance.dev_selected else ()
