"""`juyi train`: run a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from juyi.assets import DEFAULT_ENCODER
from juyi.cli import options

if TYPE_CHECKING:
    from juyi.data import ReadSettings
    from juyi.experiments.examples import Examples
    from juyi.experiments.given import Given
    from juyi.experiments.recipe import AnyRecipe


@click.command("train", cls=options.Command)
@click.argument("recipe", required=False)
@click.option("--texts", multiple=True, help="A file of unlabelled sentences; may be repeated.")
@click.option(
    "--pairs", multiple=True, help="A file of pairs, triplets, scored or labelled pairs, as the recipe needs; may be repeated."
)
@click.option("--data", type=click.Path(exists=True, file_okay=False), help="The folder of the sources that a recipe names.")
@click.option(
    "-m", "--model", default="", help=f"What to start from; overrides the recipe. [default: {DEFAULT_ENCODER}, embedded]"
)
@options.prompt
@options.output_model
@options.override
@options.reading
@options.runs
def command(
    recipe: str | None,
    texts: tuple[str, ...],
    pairs: tuple[str, ...],
    data: str | None,
    model: str,
    prompt: str | None,
    outputs: tuple[str, ...],
    overrides: tuple[str, ...],
    reading: ReadSettings,
    runs: str,
) -> None:
    """Train by RECIPE (a name from `juyi recipes list`, or a TOML file), or by settings that fit the sentences.

    A recipe learns from --texts or --pairs; one that names its own sources (those that `mini` is made by, those that make a new
    encoder from running text) reads them from --data. The `recipe.toml` of a run is a recipe too.

    With --prompt, or encoder.prompt in the recipe, every text of the training has that prompt before it. The model that is saved
    keeps the prompts and the default that it came with: say --prompt again when it is used, or write the name of the default
    into its config_sentence_transformers.json.

    Run folders go to --runs, and the finished model to -o too. A run that was stopped is taken up by the same command. The path
    of the model is printed on stdout. Several processes share each batch when torchrun starts them.

    \b
    Examples:
      juyi train --texts questions.txt -o my-encoder
      juyi train simcse/chinese-bojone --texts questions.txt -m bert-base-chinese
      juyi train simcse/unsup-princeton --texts wiki.txt --set selection.pairs=stsb.dev.tsv
      juyi train zh/supervised --pairs triplets.tsv
      juyi train mini/words --data corpora/
      torchrun --nproc-per-node 4 --no-python juyi train mini/distillation --data corpora/ -m runs/mini/words/…/model
    """
    from juyi.experiments.given import Given

    given = Given(texts, pairs, model, prompt, **reading.settings)
    output, settings = options.output_and_overrides(outputs, overrides)
    run_and_print(recipe, given, data, settings, Path(runs), output)


def run_and_print(
    recipe: str | None, given: Given, data: str | None, overrides: tuple[str, ...], runs: Path, output: Path | None
) -> None:
    """Run a recipe, or the usual one, under a bar; print the path of the model."""
    from juyi.atomic import check_output_folder
    from juyi.cli.output import check_stdout, first_process, put, say
    from juyi.cli.progress import training_bar
    from juyi.experiments.given import usual_recipe, with_given
    from juyi.experiments.load import load_recipe
    from juyi.experiments.run_folder import copy_model
    from juyi.experiments.runner import run
    from juyi.layout import MODULES, NATIVE_MODULES

    check_stdout()
    if output is not None:
        check_output_folder(output, MODULES, NATIVE_MODULES)
    chosen: AnyRecipe
    examples: Examples | None = None
    if recipe is None:
        chosen, examples = usual_recipe(given, overrides, say)
    else:
        chosen = with_given(load_recipe(recipe, overrides), given)
    try:
        with training_bar("pre-training" if chosen.kind == "pretrain" else "training") as progress:
            result = run(chosen, runs, examples=examples, data=None if data is None else Path(data), log=say, progress=progress)
    except KeyboardInterrupt:
        say("Stopped. The same command goes on from where it stood.")
        raise
    for warning in result.train_result.warnings:
        say(f"Warning: {warning}")
    if first_process():
        model = result.folder / "model"
        put(str(model if output is None else copy_model(model, output)))
