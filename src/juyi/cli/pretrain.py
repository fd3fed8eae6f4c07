"""`juyi pretrain`: make a new small encoder from running text."""

from __future__ import annotations

from pathlib import Path

import click

from juyi.cli import options


@click.command("pretrain")
@click.argument("recipe")
@click.option(
    "--data", required=True, type=click.Path(exists=True, file_okay=False), help="The folder that holds the recipe's files."
)
@options.override
@options.runs
def command(recipe: str, data: str, overrides: tuple[str, ...], runs: str) -> None:
    """Learn a vocabulary and train a masked language model by RECIPE.

    A run that was stopped is taken up by the same command. The path of the model is printed on stdout.

    \b
    Example:
      juyi pretrain pretrain/mini-base --data corpora/
    """
    from juyi.cli.output import say
    from juyi.cli.progress import training_bar
    from juyi.experiments.load import load_recipe
    from juyi.experiments.pretrain import pretrain
    from juyi.experiments.recipe import PretrainRecipe

    try:
        with training_bar("pre-training") as progress:
            _, folder = pretrain(
                load_recipe(recipe, PretrainRecipe, overrides), Path(data), Path(runs), log=say, progress=progress
            )
    except KeyboardInterrupt:
        say("Stopped; the checkpoint is written. The same command goes on from there.")
        raise
    click.echo(folder / "model")
