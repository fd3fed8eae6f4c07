"""`juyi train`: train by a recipe."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from juyi.assets import DEFAULT_ENCODER
from juyi.cli import options
from juyi.errors import UsageError

if TYPE_CHECKING:
    from juyi.experiments.examples import Examples
    from juyi.experiments.recipe import CorpusRecipe, Recipe

    R = TypeVar("R", Recipe, CorpusRecipe)


@click.command("train")
@click.argument("recipe", required=False)
@click.option("--texts", multiple=True, help="A file of unlabelled sentences; may be repeated.")
@click.option(
    "--pairs", multiple=True, help="A file of pairs, triplets, scored or labelled pairs, as the recipe needs; may be repeated."
)
@click.option(
    "--data", type=click.Path(exists=True, file_okay=False), help="The folder of the files that a recipe with a [corpus] names."
)
@click.option(
    "-m", "--model", default="", help=f"What to start from; overrides the recipe. [default: {DEFAULT_ENCODER}, embedded]"
)
@options.override
@options.column
@options.encoding
@options.runs
def command(
    recipe: str | None,
    texts: tuple[str, ...],
    pairs: tuple[str, ...],
    data: str | None,
    model: str,
    overrides: tuple[str, ...],
    columns: tuple[str, ...],
    encoding: str,
    runs: str,
) -> None:
    """Train by RECIPE (a name from `juyi recipes list`, or a TOML file), or by settings that fit the sentences.

    A recipe learns from --texts or --pairs; one that names its own sources (those that `mini` is made by) reads them from --data.

    A run that was stopped is taken up by the same command. The path of the model is printed on stdout. Several processes share
    each batch when torchrun starts them.

    \b
    Examples:
      juyi train --texts questions.txt
      juyi train simcse/chinese-bojone --texts questions.txt -m bert-base-chinese
      juyi train simcse/unsup-princeton --texts wiki.txt -o selection.pairs=stsb.dev.tsv
      juyi train zh/supervised --pairs triplets.tsv
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
            if data is None or texts or pairs:
                raise UsageError(
                    f"{chosen.name} names its own files: give the folder that holds them with --data, no --texts and no --pairs."
                )
            with training_bar() as progress:
                finished = run_corpus_recipe(_with_model(chosen, model), Path(data), Path(runs), log=say, progress=progress)
        else:
            if data is not None:
                raise UsageError("--data belongs to recipes that name their own files; give the rows with --texts or --pairs.")
            given = {"texts": texts, "pairs": pairs, "columns": columns, "encoding": "" if encoding == "utf-8" else encoding}
            examples, chosen = _examples(chosen, {name: value for name, value in given.items() if value}, model, overrides)
            with training_bar() as progress:
                finished = run_recipe(_with_model(chosen, model), examples, Path(runs), log=say, progress=progress)
    except KeyboardInterrupt:
        say("Stopped; the checkpoint is written. The same command goes on from there.")
        raise
    for warning in finished.train_result.warnings:
        say(f"Warning: {warning}")
    if first_process():
        click.echo(finished.folder / "model")


def _with_model(recipe: R, model: str) -> R:
    if not model:
        return recipe
    return dataclasses.replace(recipe, encoder=dataclasses.replace(recipe.encoder, model=model))


def _examples(recipe: Recipe | None, given: dict[str, Any], model: str, overrides: tuple[str, ...]) -> tuple[Examples, Recipe]:
    """What to learn from, and the recipe or, where there is none, one that fits the number of sentences."""
    from juyi.encoder import load_encoder
    from juyi.experiments.defaults import default_recipe, is_isotropic
    from juyi.experiments.examples import read_examples, select_examples
    from juyi.experiments.load import apply_overrides

    if recipe is not None:
        return read_examples(recipe.objective, dataclasses.replace(recipe.data, **given)), recipe
    usual = default_recipe(1, 1)
    settings = dataclasses.replace(usual.data, **given)
    examples = read_examples(usual.objective, settings)
    distinct = select_examples(examples, dataclasses.replace(settings, sample=0))["text"]
    encoder = load_encoder(model)
    gentle = is_isotropic(encoder.encode, distinct)
    return examples, apply_overrides(default_recipe(len(distinct), int(encoder.config.hidden_size), gentle=gentle), overrides)
