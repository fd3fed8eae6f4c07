"""Tables to TOML and back, and the dataclass that `kind` names."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ConfigDict

from juyi.declarations import build_one_of, to_toml
from juyi.errors import UsageError
from juyi.experiments.load import load_recipe, resolved
from juyi.experiments.recipe_files import recipe_names

TEXTS = st.text(st.characters(codec="utf-8"))
VALUES = st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | TEXTS
TABLES = st.dictionaries(
    TEXTS,
    st.recursive(VALUES, lambda below: st.lists(below, max_size=4) | st.dictionaries(TEXTS, below, max_size=4), max_leaves=12),
    max_size=5,
)


@given(TABLES)
def test_what_is_written_is_read_back(tables: dict[str, Any]) -> None:
    assert tomllib.loads(to_toml(tables)) == tables


def test_values_that_few_have() -> None:
    found = tomllib.loads(
        to_toml({"none": None, "nan": math.nan, "tuple": (1, (2.5, "x")), "below": {"none": None, "a b": "\x7f\n"}})
    )
    assert math.isnan(found.pop("nan"))
    assert found == {"tuple": [1, [2.5, "x"]], "below": {"a b": "\x7f\n"}}
    assert type(tomllib.loads(to_toml({"x": 1e16}))["x"]) is type(tomllib.loads(to_toml({"x": 3.0}))["x"]) is float
    with pytest.raises(UsageError, match="TOML cannot hold"):
        to_toml({"x": object()})


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_is_the_same_after_it_was_written_out(name: str, tmp_path: Any) -> None:
    recipe = load_recipe(name)
    (tmp_path / "recipe.toml").write_text(to_toml(resolved(recipe)), encoding="utf-8")
    assert load_recipe(str(tmp_path / "recipe.toml")) == recipe


@dataclass(frozen=True)
class Cat:
    __pydantic_config__ = ConfigDict(extra="forbid")
    kind: Literal["cat"] = "cat"
    lives: int = 9


@dataclass(frozen=True)
class Dog:
    __pydantic_config__ = ConfigDict(extra="forbid")
    kind: Literal["dog"] = "dog"
    lives_at: str = ""


def test_the_kind_chooses_the_dataclass_and_its_words() -> None:
    kinds: tuple[type[Cat | Dog], ...] = (Cat, Dog)
    assert build_one_of({"kind": "dog", "lives_at": "home"}, kinds, origin="x") == Dog(lives_at="home")
    for tables, words in (
        ({}, "x: 'kind' is missing; it must be one of 'cat', 'dog'."),
        ({"kind": "dgo"}, "x: 'kind' is 'dgo'; it must be one of 'cat', 'dog'. Did you mean 'dog'?"),
        ({"kind": "cat", "live": 3}, "x: 'live' is unknown. Did you mean 'lives'?"),
        ({"kind": "dog", "lives_a": ""}, "x: 'lives_a' is unknown. Did you mean 'lives_at'?"),
    ):
        with pytest.raises(UsageError) as caught:
            build_one_of(tables, kinds, origin="x")
        assert str(caught.value) == words
