"""The recipes that ship with juyi, by name. Needs no torch."""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import Any

from juyi.errors import UsageError

RECIPES = Path(__file__).parent / "recipes"


def recipe_names() -> list[str]:
    """The recipes that ship with juyi."""
    return sorted(path.relative_to(RECIPES).with_suffix("").as_posix() for path in RECIPES.rglob("*.toml"))


def recipe_path(name: str) -> Path:
    """The file of a recipe: a shipped one by name, or any TOML file, the `recipe.toml` of a run for example.

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


def recipe_tables(name: str, above: tuple[Path, ...] = ()) -> dict[str, Any]:
    """What a recipe says; one that `extends` another takes from it every table that it does not have itself.

    Args:
        name: As `recipe_path` takes it.
        above: The recipes that extend this one.

    Raises:
        UsageError: The recipe does not exist, is no TOML, or extends itself.
    """
    path = recipe_path(name)
    if path in above:
        raise UsageError(f"{path} extends itself. Let it extend another recipe, or write its tables out.")
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:  # the decoder's errors and a wrong encoding
        raise UsageError(f"{path} is not valid TOML: {error}") from error
    base = tables.pop("extends", None)
    return tables if base is None else {**recipe_tables(str(base), (*above, path)), **tables}
