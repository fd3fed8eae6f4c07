"""From running text to an encoder of one's own."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any, cast

from juyi.atomic import replaced_folder, write_text
from juyi.encoder import Encoder, create_encoder, load_encoder, save_encoder
from juyi.engines.export import export_onnx
from juyi.engines.graph import GRAPH
from juyi.errors import MissingExtraError
from juyi.experiments.corpus import corpus_digests, pack, read_corpus
from juyi.experiments.environment import environment
from juyi.experiments.load import fingerprint, resolved
from juyi.experiments.recipe import PretrainRecipe
from juyi.tokenization import SubwordTokenizer, train_unigram, train_wordpiece
from juyi.training import Rows, TrainProgress, fit
from juyi.types import Log


def pretrain(
    recipe: PretrainRecipe, data: Path, runs: Path, *, log: Log = lambda _: None, progress: TrainProgress | None = None
) -> tuple[Encoder, Path]:
    """Learn a vocabulary, build the backbone, train it by masked language modelling, save it.

    Args:
        recipe: What to do.
        data: The folder that holds the recipe's sources.
        runs: Where run folders go; a run that was stopped there is taken up, a finished one is loaded.
        log: Hears what is being done.
        progress: Is told about every step.

    Returns:
        The encoder and the run folder; the model lies in its `model/`.
    """
    digests = corpus_digests(recipe.corpus, data)
    folder = runs / recipe.name / fingerprint(recipe, *digests.values())
    if (folder / "summary.json").is_file():
        log(f"This run is finished already: {folder}")
        return load_encoder(folder / "model"), folder
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "recipe.json", json.dumps(resolved(recipe), indent=2, ensure_ascii=False) + "\n")
    write_text(folder / "environment.json", json.dumps(environment(), indent=2) + "\n")
    log(f"Reading {len(recipe.corpus.sources)} sources from {data}")
    sources, dropped = read_corpus(recipe.corpus, data)
    log(f"{sum(map(len, sources)):,} lines; {dropped:,} were left out because they are in files to measure on")
    tokenizer = _tokenizer(recipe, sources, folder / "tokenizer", log)
    rows = pack(tokenizer, sources, recipe.corpus.sequence_length)
    encoder = create_encoder(
        recipe.backbone.model_type,
        recipe.backbone.options,
        tokenizer,
        max_length=recipe.max_length,
        seed=recipe.training.seed,
    )
    parameters = sum(p.numel() for p in encoder.parameters())
    log(f"{rows.shape[0]:,} sequences of {rows.shape[1]} tokens; {parameters / 1e6:.2f} M parameters; run folder {folder}")
    started = time.monotonic()
    fitted = fit(encoder, recipe.objective, cast(Rows, {"text": rows}), recipe.training, folder=folder, progress=progress)
    seconds = time.monotonic() - started
    save_encoder(encoder, folder / "model", half=True, card=_card(recipe, parameters, fitted.steps, seconds))
    _add_graph(folder / "model", log)
    summary: dict[str, Any] = {
        "steps": fitted.steps,
        "tokens": fitted.steps * recipe.training.batch_size * recipe.corpus.sequence_length,
        "seconds": seconds,
        "parameters": parameters,
        "warnings": list(fitted.warnings),
        "sequences": int(rows.shape[0]),
        "lines": {source.file: len(lines) for source, lines in zip(recipe.corpus.sources, sources, strict=True)},
        "left_out": dropped,
        "sha256": digests,
    }
    write_text(folder / "summary.json", json.dumps(summary, indent=2) + "\n")
    shutil.rmtree(folder / "checkpoint", ignore_errors=True)
    return encoder, folder


def _add_graph(model: Path, log: Log) -> None:
    """Write `model.onnx` for the engine without torch; of the stored weights, so that both engines have the same ones."""
    try:
        export_onnx(load_encoder(model), model)
    except MissingExtraError as error:
        log(f"No {GRAPH} was written. {error}")


def _card(recipe: PretrainRecipe, parameters: int, steps: int, seconds: float) -> str:
    training, corpus = recipe.training, recipe.corpus
    tokens = steps * training.batch_size * corpus.sequence_length
    sources = "\n".join(
        f"| {source.file} | {source.rows or 'all'} | {source.licence or 'not stated'} |" for source in corpus.sources
    )
    return f"""# {recipe.name}

{recipe.about}

{parameters / 1e6:.1f} M parameters ({recipe.backbone.model_type}), {steps:,} steps, {tokens / 1e6:.1f} M tokens,
{seconds / 3600:.1f} hours. Source of the design: {recipe.source}

| text | lines | licence |
|---|---|---|
{sources}
"""


def _tokenizer(recipe: PretrainRecipe, sources: list[list[str]], folder: Path, log: Log) -> SubwordTokenizer:
    if (folder / "tokenizer.json").is_file():
        return SubwordTokenizer.load(folder)
    log(f"Learning a vocabulary of {recipe.vocabulary.size:,} from {sum(map(len, sources)):,} lines")
    settings = recipe.vocabulary
    lines = (line for lines in sources for line in lines)
    if settings.kind == "wordpiece":
        tokenizer = train_wordpiece(lines, size=settings.size, min_frequency=settings.min_frequency)
    else:
        tokenizer = train_unigram(
            lines,
            size=settings.size,
            words=settings.words,
            simplify=settings.simplify,
            min_frequency=settings.min_frequency,
        )
    with replaced_folder(folder, "tokenizer.json") as draft:  # a killed run must not find half a vocabulary
        tokenizer.save(draft)
    return tokenizer
