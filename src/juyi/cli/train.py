"""`juyi train`: train by a recipe."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from juyi.assets import DEFAULT_ENCODER
from juyi.cli import options
from juyi.errors import UsageError

if TYPE_CHECKING:
    from juyi.experiments.recipe import CorpusRecipe, Recipe

    R = TypeVar("R", Recipe, CorpusRecipe)


@click.command("train")
@click.argument("recipe", required=False)
@click.option("--texts", "files", multiple=True, help="A file of unlabelled sentences; may be repeated.")
@click.option(
    "--data", type=click.Path(exists=True, file_okay=False), help="The folder of the files that a recipe with a [corpus] names."
)
@click.option(
    "-m", "--model", default="", help=f"What to start from; overrides the recipe. [default: {DEFAULT_ENCODER}, embedded]"
)
@options.override
@options.column
@options.runs
def command(
    recipe: str | None,
    files: tuple[str, ...],
    data: str | None,
    model: str,
    overrides: tuple[str, ...],
    columns: tuple[str, ...],
    runs: str,
) -> None:
    """Train by RECIPE (a name from `juyi recipes list`, or a TOML file), or by settings that fit the sentences.

    A recipe that names its own sources (the ones `mini` is made by) reads them from --data; every other one learns from --texts.

    A run that was stopped is taken up by the same command. The path of the model is printed on stdout. Several processes share
    each batch when torchrun starts them.

    \b
    Examples:
      juyi train --texts questions.txt
      juyi train simcse/chinese-bojone --texts questions.txt -m bert-base-chinese
      juyi train simcse/unsup-princeton --texts wiki.txt -o selection.pairs=stsb.dev.tsv
      juyi train mini/words --data corpora/
      torchrun --nproc-per-node 4 --no-python juyi train mini/distillation --data corpora/ -m runs/mini/words/…/model
    """
    from juyi.cli.output import first_process, say
    from juyi.cli.progress import training_bar
    from juyi.experiments.load import load_train_recipe
    from juyi.experiments.recipe import CorpusRecipe
    from juyi.experiments.run import run_corpus_recipe, run_recipe

    chosen = load_train_recipe(recipe, overrides) if recipe else None
    try:
        if isinstance(chosen, CorpusRecipe):
            if data is None or files:
                raise UsageError(
                    f"{chosen.name} names its own files: give the folder that holds them with --data, and no --texts."
                )
            with training_bar() as watch:
                finished = run_corpus_recipe(_with_model(chosen, model), Path(data), Path(runs), say=say, watch=watch)
        else:
            if data is not None:
                raise UsageError("--data belongs to recipes that name their own files; give the sentences with --texts.")
            texts, chosen = _sentences(chosen, files, columns, model, overrides)
            with training_bar() as watch:
                finished = run_recipe(_with_model(chosen, model), texts, Path(runs), say=say, watch=watch)
    except KeyboardInterrupt:
        say("Stopped; the checkpoint is written. The same command goes on from there.")
        raise
    for warning in finished.fitted.warnings:
        say(f"Warning: {warning}")
    if first_process():
        click.echo(finished.folder / "model")


def _with_model(recipe: R, model: str) -> R:
    if not model:
        return recipe
    return dataclasses.replace(recipe, encoder=dataclasses.replace(recipe.encoder, model=model))


def _sentences(
    recipe: Recipe | None, files: tuple[str, ...], columns: tuple[str, ...], model: str, overrides: tuple[str, ...]
) -> tuple[list[str], Recipe]:
    """The sentences, and the recipe or, where there is none, one that fits their number."""
    from juyi.encoder import load_encoder
    from juyi.experiments.defaults import default_recipe, tells_apart
    from juyi.experiments.load import apply_overrides
    from juyi.experiments.sentences import read_sentences, select_sentences

    settings = recipe.data if recipe else default_recipe(1, 1).data
    texts = read_sentences(dataclasses.replace(settings, texts=files or settings.texts, columns=columns or settings.columns))
    if recipe is None:
        distinct = select_sentences(texts, dataclasses.replace(settings, sample=0))
        encoder = load_encoder(model)
        gentle = tells_apart(encoder, distinct)
        recipe = apply_overrides(default_recipe(len(distinct), int(encoder.config.hidden_size), gentle=gentle), overrides)
    return texts, recipe
