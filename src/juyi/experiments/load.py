"""From a name or a TOML file to a recipe; mistakes are named with their place and the nearest word that exists."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from juyi.declarations import build
from juyi.errors import UsageError
from juyi.experiments.recipe import CorpusRecipe, PretrainRecipe, Recipe
from juyi.experiments.recipe_files import recipe_path

AnyRecipe = Recipe | PretrainRecipe | CorpusRecipe
R = TypeVar("R", bound=AnyRecipe)


def load_recipe(name: str, kind: type[R], overrides: Sequence[str] = ()) -> R:
    """Read a recipe.

    Args:
        name: A shipped recipe, a TOML file, or the `recipe.json` of a run.
        kind: `Recipe`, `CorpusRecipe` or `PretrainRecipe`.
        overrides: "objective.temperature=0.1", values in TOML's notation; a bare word is taken as a string.

    Raises:
        UsageError: The recipe does not exist, is neither TOML nor JSON, or says something that does not exist.
    """
    path, tables = _tables(name)
    for override in overrides:
        _override(tables, override)
    return build(tables, kind, origin=str(path))


def load_train_recipe(name: str, overrides: Sequence[str] = ()) -> Recipe | CorpusRecipe:
    """Read a recipe of `juyi train`: one that names its sources has a [corpus] table.

    Raises:
        UsageError: See `load_recipe`; or it is a recipe of `juyi pretrain`.
    """
    _, tables = _tables(name)
    if "backbone" in tables:
        raise UsageError(f"{name} makes a new encoder: it is a recipe of `juyi pretrain`, not of `juyi train`.")
    return load_recipe(name, CorpusRecipe, overrides) if "corpus" in tables else load_recipe(name, Recipe, overrides)


def _tables(name: str, above: tuple[Path, ...] = ()) -> tuple[Path, dict[str, Any]]:
    """What a recipe says; one that `extends` another takes from it every table that it does not have itself."""
    path = recipe_path(name)
    if path in above:
        raise UsageError(f"{path} extends itself. Let it extend another recipe, or write its tables out.")
    try:
        text = path.read_text(encoding="utf-8")
        tables: dict[str, Any] = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except ValueError as error:  # both decoders' errors and a wrong encoding
        raise UsageError(f"{path} is not valid {path.suffix[1:].upper()}: {error}") from error
    base = tables.pop("extends", None)
    return path, tables if base is None else {**_tables(str(base), (*above, path))[1], **tables}


def apply_overrides(recipe: R, overrides: Sequence[str]) -> R:
    """The same recipe with some settings changed; see `load_recipe`."""
    tables = resolved(recipe)
    for override in overrides:
        _override(tables, override)
    return build(tables, type(recipe), origin=recipe.name)


def resolved(recipe: AnyRecipe) -> dict[str, Any]:
    """Every setting of a recipe, defaults filled in."""
    return dataclasses.asdict(recipe)


def fingerprint(recipe: AnyRecipe, *material: str) -> str:
    """Twelve hexadecimal digits that change when any setting or any of the material does."""
    text = json.dumps([resolved(recipe), *material], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


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
        tables = tables.setdefault(parent, {})
        if not isinstance(tables, dict):
            raise UsageError(f"'{override}': {parent} is a value, not a table.")
    tables[last] = value
