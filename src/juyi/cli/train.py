"""`juyi train`: train by a recipe."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click

from juyi.cli import options


@click.command("train")
@click.argument("recipe", required=False)
@click.option("--texts", "files", multiple=True, help="A file of unlabelled sentences; may be repeated.")
@click.option("-m", "--model", default="", help="What to start from; overrides the recipe. [default: mini-base, embedded]")
@options.override
@options.column
@options.runs
def command(
    recipe: str | None, files: tuple[str, ...], model: str, overrides: tuple[str, ...], columns: tuple[str, ...], runs: str
) -> None:
    """Train by RECIPE (a name from `juyi recipes list`, or a TOML file), or by settings that fit the sentences.

    A run that was stopped is taken up by the same command. The path of the model is printed on stdout.

    \b
    Examples:
      juyi train --texts questions.txt
      juyi train simcse/chinese-bojone --texts questions.txt -m bert-base-chinese
      juyi train simcse/unsup-princeton --texts wiki.txt -o selection.pairs=stsb.dev.tsv
    """
    from juyi.cli.output import say
    from juyi.cli.progress import training_bar
    from juyi.experiments.defaults import default_recipe
    from juyi.experiments.load import apply_overrides, load_recipe
    from juyi.experiments.recipe import Recipe
    from juyi.experiments.run import run_recipe
    from juyi.experiments.sentences import read_sentences, select_sentences
    from juyi.hub import resolve
    from juyi.layout import read_layout

    chosen = load_recipe(recipe, Recipe, overrides) if recipe else None
    data = chosen.data if chosen else None
    texts = read_sentences(
        dataclasses.replace(
            data or default_recipe(1, 1).data,
            texts=files or (data.texts if data else ()),
            columns=columns or (data.columns if data else ()),
        )
    )
    if chosen is None:
        fitting = default_recipe(1, 1)
        distinct = len(select_sentences(texts, dataclasses.replace(fitting.data, sample=0)))
        chosen = apply_overrides(default_recipe(distinct, read_layout(resolve(model)).width), overrides)
    if model:
        chosen = dataclasses.replace(chosen, encoder=dataclasses.replace(chosen.encoder, model=model))
    try:
        with training_bar() as watch:
            finished = run_recipe(chosen, texts, Path(runs), say=say, watch=watch)
    except KeyboardInterrupt:
        say("Stopped; the checkpoint is written. The same command goes on from there.")
        raise
    for warning in finished.fitted.warnings:
        say(f"Warning: {warning}")
    click.echo(finished.folder / "model")
