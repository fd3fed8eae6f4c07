"""From a name or a TOML file to a recipe; mistakes are named with their place and the nearest word that exists."""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import json
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from juyi.errors import UsageError
from juyi.experiments.recipe import PretrainRecipe, Recipe

RECIPES = Path(__file__).parent / "recipes"
R = TypeVar("R", Recipe, PretrainRecipe)


def recipe_names() -> list[str]:
    """The recipes that ship with juyi."""
    return sorted(path.relative_to(RECIPES).with_suffix("").as_posix() for path in RECIPES.rglob("*.toml"))


def recipe_path(name: str) -> Path:
    """The file of a recipe: a shipped one by name, or any TOML file.

    Raises:
        UsageError: There is neither.
    """
    if Path(name).suffix == ".toml":
        if Path(name).is_file():
            return Path(name)
        raise UsageError(f"There is no recipe file {name}.")
    path = RECIPES / f"{name}.toml"
    if name in recipe_names():
        return path
    near = difflib.get_close_matches(name, recipe_names(), n=1, cutoff=0.4)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise UsageError(f"There is no recipe '{name}'.{hint} `juyi recipes list` shows them; a path must end in .toml.")


def load_recipe(name: str, kind: type[R], overrides: Sequence[str] = ()) -> R:
    """Read a recipe.

    Args:
        name: A shipped recipe or a TOML file.
        kind: `Recipe` or `PretrainRecipe`.
        overrides: "objective.temperature=0.1", values in TOML's notation; a bare word is taken as a string.

    Raises:
        UsageError: The recipe does not exist, is not TOML, or says something that does not exist.
    """
    path = recipe_path(name)
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from error
    for override in overrides:
        _override(tables, override)
    return build(tables, kind, origin=str(path))


def build(tables: dict[str, Any], kind: type[R], *, origin: str) -> R:
    """Make a recipe of tables.

    Raises:
        UsageError: A key is unknown, missing or has a value of the wrong kind.
    """
    try:
        return TypeAdapter(kind).validate_python(tables)
    except ValidationError as error:
        raise UsageError(f"{origin}: " + " ".join(_words(item, kind) for item in error.errors())) from error


def resolved(recipe: Recipe | PretrainRecipe) -> dict[str, Any]:
    """Every setting of a recipe, defaults filled in."""
    return dataclasses.asdict(recipe)


def fingerprint(recipe: Recipe | PretrainRecipe, *material: str) -> str:
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
        value = raw
    *parents, last = key.strip().split(".")
    for parent in parents:
        tables = tables.setdefault(parent, {})
        if not isinstance(tables, dict):
            raise UsageError(f"'{override}': {parent} is a value, not a table.")
    tables[last] = value


def _words(item: Any, kind: type) -> str:
    place = [str(part) for part in item["loc"]]
    if item["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        near = difflib.get_close_matches(place[-1], _keys(kind), n=1, cutoff=0.5)
        return f"'{'.'.join(place)}' is unknown.{f' Did you mean {near[0]!r}?' if near else ''}"
    if item["type"] in ("missing", "missing_argument"):
        return f"'{'.'.join(place)}' is missing."
    return f"'{'.'.join(place)}': {item['msg']} (got {item['input']!r})."


def _keys(kind: type) -> set[str]:
    """Every key of every table below a dataclass."""
    found: set[str] = set()
    waiting: list[Any] = [kind]
    while waiting:
        current = waiting.pop()
        if dataclasses.is_dataclass(current):
            import typing

            for name, hint in typing.get_type_hints(current).items():
                found.add(name)
                waiting.append(hint)
        else:
            waiting.extend(getattr(current, "__args__", ()))
    return found
