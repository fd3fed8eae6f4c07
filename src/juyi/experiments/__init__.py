"""Experiments: recipes, runs, and the main job. What needs torch is imported on first use."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from juyi.experiments.recipe_files import recipe_names, recipe_path

if TYPE_CHECKING:
    from juyi.experiments.defaults import default_recipe
    from juyi.experiments.load import load_recipe
    from juyi.experiments.recipe import PretrainRecipe, Recipe
    from juyi.experiments.run import RunResult, run_recipe

_HOMES = {
    "RunResult": "run",
    "PretrainRecipe": "recipe",
    "Recipe": "recipe",
    "default_recipe": "defaults",
    "load_recipe": "load",
    "run_recipe": "run",
}

__all__ = [
    "PretrainRecipe",
    "Recipe",
    "RunResult",
    "default_recipe",
    "load_recipe",
    "recipe_names",
    "recipe_path",
    "run_recipe",
]


def __getattr__(name: str) -> Any:
    """Import on first use."""
    if name in _HOMES:
        return getattr(importlib.import_module(f"juyi.experiments.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'juyi.experiments' has no attribute '{name}'")


def __dir__() -> list[str]:
    return __all__
