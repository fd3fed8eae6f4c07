"""From a name or a TOML file to a recipe; mistakes are named with their place and the nearest word that exists."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Sequence
from typing import Any, TypeVar

from juyi.declarations import build, build_one_of
from juyi.encoder import EncoderSettings
from juyi.errors import UsageError
from juyi.experiments.recipe import KINDS, AnyRecipe
from juyi.experiments.recipe_files import recipe_path, recipe_tables

R = TypeVar("R", bound=AnyRecipe)


def load_recipe(name: str, overrides: Sequence[str] = ()) -> AnyRecipe:
    """Read a recipe of any kind.

    Args:
        name: A shipped recipe, or a TOML file: one of your own, or the `recipe.toml` of a run.
        overrides: "objective.temperature=0.1", values in TOML's notation; a bare word is taken as a string.

    Raises:
        UsageError: The recipe does not exist, is no TOML, does not state its kind, or says something that does not exist.
    """
    path, tables = recipe_path(name), recipe_tables(name)
    for override in overrides:
        _override(tables, override)
    return build_one_of(tables, KINDS, origin=str(path))


def apply_overrides(recipe: R, overrides: Sequence[str]) -> R:
    """The same recipe with some settings changed; see `load_recipe`."""
    tables = resolved(recipe)
    for override in overrides:
        _override(tables, override)
    return build(tables, type(recipe), origin=recipe.name)


def encoder_settings(overrides: Sequence[str]) -> EncoderSettings:
    """What settings of a recipe say about the encoder, where nothing is trained.

    Args:
        overrides: "encoder.pooler_activation=linear"; what belongs to other tables is left aside.

    Raises:
        UsageError: There is no such setting, or it cannot have this value.
    """
    tables: dict[str, Any] = {"encoder": {}}
    for override in overrides:
        if override.lstrip().startswith("encoder."):
            _override(tables, override)
    return build(tables["encoder"], EncoderSettings, origin="encoder")


def resolved(recipe: AnyRecipe) -> dict[str, Any]:
    """Every setting of a recipe, defaults filled in."""
    return dataclasses.asdict(recipe)


def _override(tables: dict[str, Any], override: str) -> None:
    key, equals, raw = override.partition("=")
    if not equals or not key.strip():
        raise UsageError(f"'{override}' is no override; write table.key=value, objective.temperature=0.1 for example.")
    try:
        value = tomllib.loads(f"value = {raw}")["value"]
    except tomllib.TOMLDecodeError:
        value = raw.strip()
    *parents, last = key.strip().split(".")
    for parent in parents:
        if tables.get(parent) is None:  # a table that may be left out, and was
            tables[parent] = {}
        tables = tables[parent]
        if not isinstance(tables, dict):
            raise UsageError(f"'{override}': {parent} is a value, not a table.")
    tables[last] = value
