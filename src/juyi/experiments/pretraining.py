"""From running text to an untrained encoder with a vocabulary of its own, and its sequences."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from juyi.atomic import replaced_folder
from juyi.encoder import create_encoder
from juyi.experiments.preparation import Prepared
from juyi.experiments.recipe import PretrainRecipe
from juyi.experiments.running_text import pack, pack_words, read_running_text
from juyi.tokenization import SubwordTokenizer, train_unigram, train_wordpiece
from juyi.training import ProcessWorld, Rows, TrainResult
from juyi.types import Log


def prepare_pretraining(recipe: PretrainRecipe, data: Path, vocabulary: Path, log: Log) -> Prepared:
    """Learn a vocabulary, build the backbone, cut the text into sequences.

    Args:
        recipe: What to do.
        data: The folder of the sources.
        vocabulary: Where the vocabulary goes; one that is there already is taken.
        log: Hears what is being done.
    """
    log(f"Reading {len(recipe.sources.files)} sources from {data}")
    texts, left_out = read_running_text(recipe.sources, data)
    log(f"{sum(map(len, texts)):,} lines; {left_out:,} were left out because they are in files to measure on")
    world = ProcessWorld.current()
    if world.rank == 0 and not (vocabulary / "tokenizer.json").is_file():
        _learn(recipe, texts, vocabulary, log)
    world.barrier()
    tokenizer = SubwordTokenizer.load(vocabulary)
    sequences = pack(tokenizer, texts, recipe.sources.sequence_length)
    columns = {"text": sequences}
    if recipe.objective.whole_words:
        columns["text_words"] = pack_words(tokenizer, texts, recipe.sources.sequence_length)
    encoder = create_encoder(
        recipe.backbone.model_type,
        recipe.backbone.options,
        tokenizer,
        max_length=recipe.max_length,
        seed=recipe.training.seed,
    )
    parameters = sum(p.numel() for p in encoder.parameters())
    log(f"{sequences.shape[0]:,} sequences of {sequences.shape[1]} tokens; {parameters / 1e6:.2f} M parameters")
    counts = {
        "lines": {file.file: len(lines) for file, lines in zip(recipe.sources.files, texts, strict=True)},
        "left_out": left_out,
        "sequences": int(sequences.shape[0]),
        "parameters": parameters,
    }
    return Prepared(
        encoder,
        recipe.objective,
        cast(Rows, columns),
        counts,
        lambda result: _card(recipe, parameters, result),
        half=True,
        graph=recipe.graph,
    )


def _learn(recipe: PretrainRecipe, texts: list[list[str]], folder: Path, log: Log) -> None:
    settings = recipe.vocabulary
    log(f"Learning a vocabulary of {settings.size:,} from {sum(map(len, texts)):,} lines")
    lines = (line for part in texts for line in part)
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


def _card(recipe: PretrainRecipe, parameters: int, result: TrainResult) -> str:
    training, sources = recipe.training, recipe.sources
    tokens = result.steps * training.batch_size * sources.sequence_length
    files = "\n".join(f"| {file.file} | {file.rows or 'all'} | {file.licence or 'not stated'} |" for file in sources.files)
    return f"""# {recipe.name}

{recipe.about}

{parameters / 1e6:.1f} M parameters ({recipe.backbone.model_type}), {result.steps:,} steps, {tokens / 1e6:.1f} M tokens,
{result.seconds / 3600:.1f} hours. Source of the design: {recipe.source}

| text | lines | licence |
|---|---|---|
{files}
"""
