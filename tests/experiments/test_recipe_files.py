"""The recipes that ship, by name, and one that takes tables from another."""

from __future__ import annotations

from pathlib import Path

import pytest

from juyi.errors import UsageError
from juyi.experiments.load import load_recipe
from juyi.experiments.recipe import SourcesRecipe
from juyi.experiments.recipe_files import RECIPES, recipe_names

BASE = """
name = "base"
kind = "train"
source = "written for the test"
[objective]
kind = "simcse-unsupervised"
temperature = 0.1
[training]
batch_size = 32
epochs = 3
"""


def test_a_table_of_ones_own_replaces_the_whole_table_of_the_other(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text(BASE)
    (tmp_path / "mine.toml").write_text(f'extends = "{tmp_path / "base.toml"}"\nname = "mine"\n[training]\nbatch_size = 16\n')
    mine = load_recipe(str(tmp_path / "mine.toml"))
    assert (mine.name, mine.source) == ("mine", "written for the test")
    assert mine.objective.temperature == 0.1  # type: ignore[union-attr]
    assert (mine.training.batch_size, mine.training.epochs) == (16, 1.0)  # not 3: the table is replaced


def test_overrides_come_last(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text(BASE)
    (tmp_path / "mine.toml").write_text(f'extends = "{tmp_path / "base.toml"}"\nname = "mine"\n')
    mine = load_recipe(str(tmp_path / "mine.toml"), ["training.batch_size=8"])
    assert (mine.training.batch_size, mine.training.epochs) == (8, 3.0)


def test_a_base_that_does_not_exist_is_named(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('extends = "mini/wordz"\nname = "mine"\n')
    with pytest.raises(UsageError, match=r"no recipe 'mini/wordz'.*Did you mean mini/words"):
        load_recipe(str(tmp_path / "mine.toml"))


def test_a_recipe_that_extends_itself_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "loop.toml"
    path.write_text(f'extends = "{path}"\nname = "loop"\n')
    with pytest.raises(UsageError, match="extends itself"):
        load_recipe(str(path))


def test_the_steps_of_mini_have_the_same_teachers() -> None:
    words, whole = load_recipe("mini/words"), load_recipe("mini/distillation")
    assert isinstance(words, SourcesRecipe) and isinstance(whole, SourcesRecipe)
    assert words.sources == whole.sources and words.teachers == whole.teachers and words.objective == whole.objective
    assert words.encoder.pooling == "embedding-avg" and whole.encoder.pooling == "last-avg"
    assert whole.encoder.random_weights is None  # it goes on from what the first step learned
    for name in ("mini/longer", "mini/questions"):
        later = load_recipe(name)
        assert isinstance(later, SourcesRecipe) and later.encoder == whole.encoder and later.teachers == words.teachers


def test_names_are_the_files() -> None:
    assert "pretrain/mini-base" in recipe_names()
    assert recipe_names() == sorted(recipe_names()) and len(recipe_names()) == len(list(RECIPES.rglob("*.toml")))
