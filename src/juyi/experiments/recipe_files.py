"""The recipes that ship with juyi, by name. Needs no torch."""

from __future__ import annotations

import difflib
from pathlib import Path

from juyi.errors import UsageError

RECIPES = Path(__file__).parent / "recipes"


def recipe_names() -> list[str]:
    """The recipes that ship with juyi."""
    return sorted(path.relative_to(RECIPES).with_suffix("").as_posix() for path in RECIPES.rglob("*.toml"))


def recipe_path(name: str) -> Path:
    """The file of a recipe: a shipped one by name, any TOML file, or the `recipe.json` of a run.

    Raises:
        UsageError: There is neither.
    """
    if Path(name).suffix in (".toml", ".json"):
        if Path(name).is_file():
            return Path(name)
        raise UsageError(f"There is no recipe file {name}.")
    path = RECIPES / f"{name}.toml"
    if name in recipe_names():
        return path
    near = difflib.get_close_matches(name, recipe_names(), n=1, cutoff=0.4)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise UsageError(f"There is no recipe '{name}'.{hint} `juyi recipes list` shows them; a path must end in .toml or .json.")
