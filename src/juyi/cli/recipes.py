"""`juyi recipes`: the experiments that ship with juyi."""

from __future__ import annotations

import click

from juyi.cli import options
from juyi.cli.output import emit, put


@click.group("recipes")
def command() -> None:
    """List and show the experiments that ship with juyi."""


@command.command("list")
@options.form("table", "json", "jsonl", "csv")
def list_recipes(form: str) -> None:
    """List the recipes, one a line."""
    from juyi.experiments import recipe_names, recipe_path
    from juyi.experiments.recipe_files import recipe_tables

    rows = []
    for name in recipe_names():
        tables = recipe_tables(name)
        first = recipe_path(name).read_text(encoding="utf-8").partition("\n")[0]
        rows.append({"recipe": name, "kind": tables["kind"], "run with": first.lstrip("# "), "about": tables["about"]})
    emit(rows, form)


@command.command("show")
@click.argument("recipe")
def show(recipe: str) -> None:
    """Print a recipe as its TOML file; copy it, change it, and give the path instead of the name."""
    from juyi.experiments import recipe_path

    put(recipe_path(recipe).read_text(encoding="utf-8"), nl=False)
