"""`juyi pretrain`: make a new small encoder from running text."""

from __future__ import annotations

from pathlib import Path

import click

from juyi.cli import options
from juyi.cli.train import run_and_print


@click.command("pretrain", cls=options.Command)
@click.argument("recipe")
@click.option(
    "--data", required=True, type=click.Path(exists=True, file_okay=False), help="The folder that holds the recipe's files."
)
@options.output_model
@options.override
@options.runs
def command(recipe: str, data: str, outputs: tuple[str, ...], overrides: tuple[str, ...], runs: str) -> None:
    """Learn a vocabulary and train a masked language model by RECIPE: `juyi train` for recipes of the kind pretrain.

    Run folders go to --runs, and the finished model to -o too. A run that was stopped is taken up by the same command. The path
    of the model is printed on stdout.

    \b
    Example:
      juyi pretrain pretrain/mini-base --data corpora/ -o my-base
    """
    from juyi.errors import UsageError
    from juyi.experiments.given import Given
    from juyi.experiments.load import load_recipe

    output, settings = options.output_and_overrides(outputs, overrides)
    if (kind := load_recipe(recipe, settings).kind) != "pretrain":
        raise UsageError(f"{recipe} is a recipe of the kind {kind}, which starts from an encoder. Run: juyi train {recipe}")
    run_and_print(recipe, Given(), data, settings, Path(runs), output)
