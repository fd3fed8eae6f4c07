"""Experiments: recipes and runs. What needs torch is imported on first use."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from juyi.experiments.recipe_files import recipe_names, recipe_path

if TYPE_CHECKING:
    from juyi.experiments.defaults import default_recipe
    from juyi.experiments.load import load_recipe
    from juyi.experiments.recipe import AnyRecipe, PretrainRecipe, SourcesRecipe, TrainRecipe
    from juyi.experiments.runner import RunResult, run
    from juyi.experiments.runs import RunSummary, find_run, list_runs, remove_run

_HOMES = {
    "AnyRecipe": "recipe",
    "PretrainRecipe": "recipe",
    "RunResult": "runner",
    "RunSummary": "runs",
    "SourcesRecipe": "recipe",
    "TrainRecipe": "recipe",
    "default_recipe": "defaults",
    "find_run": "runs",
    "list_runs": "runs",
    "load_recipe": "load",
    "remove_run": "runs",
    "run": "runner",
}

__all__ = [
    "AnyRecipe",
    "PretrainRecipe",
    "RunResult",
    "RunSummary",
    "SourcesRecipe",
    "TrainRecipe",
    "default_recipe",
    "find_run",
    "list_runs",
    "load_recipe",
    "recipe_names",
    "recipe_path",
    "remove_run",
    "run",
]


def __getattr__(name: str) -> Any:
    """Import on first use."""
    if name in _HOMES:
        return getattr(importlib.import_module(f"juyi.experiments.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'juyi.experiments' has no attribute '{name}'")


def __dir__() -> list[str]:
    return __all__
