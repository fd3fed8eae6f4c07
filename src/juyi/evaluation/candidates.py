"""What is measured: an encoder by name, or one of the baselines."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from juyi.assets import DEFAULT_ENCODER
from juyi.engines import CachedEncode, Engine, Precision, agreed_precision, engine_of, open_engine, prompted_identity
from juyi.errors import UsageError
from juyi.evaluation.options import EncodeOptions
from juyi.hub import resolve
from juyi.poolings import known_pooling
from juyi.prompts import Prompt, PromptedEncode
from juyi.provenance import read_provenance
from juyi.tasks import EncodeOrSimilarity
from juyi.types import Encode, Log

LEXICAL = "lexical"
VECTORS = "vectors:"
RANDOM = "random:"
PROMPT = "+prompt:"
_BFLOAT16 = ("openvino", "torch")
"""The engines that have it."""


@dataclass(frozen=True)
class Candidate:
    """Something that can be measured.

    Attributes:
        name: What records and tables call it.
        encoder: It encodes, with prompts where the model has some, or compares.
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
            `random:MODEL@SEED`. Behind it maybe `+prompt:NAME` or `+prompt:TEXT`, for this candidate alone.
        options: How encoders are run.
        texts: Some of what will be encoded; a precision of `auto` is decided on them, for this candidate alone.
        log: Hears which precision was chosen, and what else is to be known.

    Raises:
        UsageError: An option does not fit what was named, or the model has no such prompt.
        ModelError: There is no such model.
        DataError: The file of word vectors cannot be used.
    """
    if PROMPT in model:
        bare, own = _own_prompt(model, options)
        opened = open_candidate(bare, own, texts, log=log)
        return dataclasses.replace(opened, name=f"{opened.name} + prompt({own.prompt or 'none'})")
    if options.prompts and (model == LEXICAL or model.startswith(VECTORS)):
        log(f"Note: {model} takes no prompt: it compares the words that are there.")
    if model == LEXICAL:
        from juyi.baselines import LexicalOverlap

        return Candidate("lexical-overlap", LexicalOverlap())
    options = agree_on_precision([model], options, texts, log=log)
    if model.startswith(VECTORS):
        return _word_vectors(model.removeprefix(VECTORS))
    if model.startswith(RANDOM):
        name, _, seed = model.removeprefix(RANDOM).partition("@")
        return _random(model, name, seed, options)
    return _encoder(model, options, log)


def _own_prompt(model: str, options: EncodeOptions) -> tuple[str, EncodeOptions]:
    """The model without `+prompt:…` behind its name, which takes the place of the prompts that are asked for."""
    bare, found, prompt = model.partition(PROMPT)
    return bare, dataclasses.replace(options, prompt=prompt, query_prompt=None, corpus_prompt=None) if found else options


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

    return Candidate(f"vectors:{Path(file).name}", PromptedEncode(lambda _: average.encode, None), remark=remark)


def _random(model: str, name: str, seed: str, options: EncodeOptions) -> Candidate:
    from juyi.baselines import random_encoder

    if seed and not seed.isdecimal():
        raise UsageError(f"'{model}' has the seed '{seed}'; a whole number is needed: random:{name or DEFAULT_ENCODER}@0.")
    if options.pooling is not None:
        raise UsageError("--pooling does not go with random weights: they take the pooling of the model whose shape they have.")
    encoder = random_encoder(resolve(name), int(seed or 0))
    encode = PromptedEncode(lambda prompt: partial(encoder.encode, prompt=prompt), encoder.prompts, options.prompts)
    return Candidate(f"random:{name or DEFAULT_ENCODER}@{seed or 0}", encode)


def _encoder(model: str, options: EncodeOptions, log: Log) -> Candidate:
    folder = resolve(model)
    name = model or DEFAULT_ENCODER
    if options.pooling is not None:
        name += f" ({options.pooling})"
    engine = _open(model, options, log)

    def make(prompt: Prompt) -> Encode:
        encode = partial(engine.encode, prompt=prompt)
        return CachedEncode(encode, prompted_identity(engine.identity, prompt), log=log) if options.cache else encode

    return Candidate(name, PromptedEncode(make, engine.prompts, options.prompts), _labels(folder))


def _open(model: str, options: EncodeOptions, log: Log = lambda _: None) -> Engine:
    precision: Precision = "bfloat16" if options.precision == "bfloat16" else "float32"
    return open_engine(model, options.engine, precision=precision, pooling=known_pooling(options.pooling), log=log)


def agree_on_precision(
    models: Sequence[str], options: EncodeOptions, texts: Sequence[str], *, log: Log = lambda _: None
) -> EncodeOptions:
    """The options with the one precision in which all these candidates are measured, decided before any of them is.

    Where `auto` has a choice, each encoder is opened for a sample and let go again, so that not all are in memory at once.

    Args:
        models: As `open_candidate` takes them. Word overlap has no vectors and agrees with everything; the other baselines are
            computed in float32.
        options: How encoders are run.
        texts: Some of what will be encoded.
        log: Hears once which precision was chosen and why, if one of the encoders has a choice.

    Raises:
        UsageError: bfloat16 was asked for, and one of the candidates cannot have it.
        ModelError: There is no such model.
    """
    if options.precision == "float32":
        return options
    runs_on = {model or DEFAULT_ENCODER: _runs_on(model, options) for model in models}
    if options.precision == "bfloat16":
        for name, kind in runs_on.items():
            if kind != LEXICAL or len(runs_on) == 1:  # beside others it has nothing to round; alone the wish would be ignored
                _refuse_bfloat16(name, kind)
        return options
    able = [name for name, kind in runs_on.items() if kind in _BFLOAT16]
    others = [name for name, kind in runs_on.items() if kind not in (*_BFLOAT16, LEXICAL)]
    if not able:
        return dataclasses.replace(options, precision="float32")
    if others:
        reason = f"because {others[0]} is computed in it ({runs_on[others[0]]})"
        log(f"Encoding in float32, {reason}, and all are measured in one precision (--precision chooses)")
        return dataclasses.replace(options, precision="float32")

    def opened() -> Iterator[tuple[str, Engine]]:
        for name in able:
            yield name, _open(name.partition(PROMPT)[0], dataclasses.replace(options, precision="float32"))

    asked = {name: _own_prompt(name, options)[1].prompt for name in able}
    prompts = {name: prompt for name, prompt in asked.items() if prompt is not None}
    agreed = agreed_precision(opened(), texts, prompts=prompts)
    log(f"Encoding in {agreed.precision}, {agreed.reason} (--precision chooses)")
    return dataclasses.replace(options, precision=agreed.precision)


def _runs_on(model: str, options: EncodeOptions) -> str:
    """What computes a candidate: an engine, or a kind of baseline."""
    model = model.partition(PROMPT)[0]
    if model == LEXICAL:
        return LEXICAL
    if model.startswith((VECTORS, RANDOM)):
        return "a baseline"
    return engine_of(resolve(model), options.engine, pooling=known_pooling(options.pooling))


def _refuse_bfloat16(name: str, runs_on: str) -> None:
    if runs_on in _BFLOAT16:
        return
    if runs_on == "onnx":
        reason = f"{name} runs on the engine onnx; with --engine torch it can"
    else:
        reason = f"the baseline {name} is computed in float32"
    raise UsageError(f"--precision bfloat16 is for the engines torch and openvino: {reason}.")


def _labels(folder: Path) -> tuple[str, ...]:
    """`dev-selected` for a model whose weights were chosen on a development set, wherever its folder lies now."""
    provenance = read_provenance(folder)
    return ("dev-selected",) if provenance is not None and provenance.dev_selected else ()
