"""What a person gives beside the name of a recipe, put into the recipe where its kind has a place for it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from juyi.encoder import load_encoder
from juyi.errors import UsageError
from juyi.experiments.defaults import default_recipe, is_isotropic
from juyi.experiments.examples import Examples, read_examples, select_examples
from juyi.experiments.load import apply_overrides
from juyi.experiments.recipe import AnyRecipe, PretrainRecipe, TrainRecipe


@dataclass(frozen=True)
class Given:
    """The options of `juyi train`; empty is not given.

    Attributes:
        texts: Files of unlabelled sentences.
        pairs: Files of pairs, triplets, scored or labelled pairs.
        columns: Columns of these files.
        encoding: Of these files.
        model: What to start from.
    """

    texts: tuple[str, ...] = ()
    pairs: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    encoding: str = ""
    model: str = ""

    @property
    def rows(self) -> dict[str, Any]:
        """What belongs into the recipe's [data] table."""
        options = {"texts": self.texts, "pairs": self.pairs, "columns": self.columns, "encoding": self.encoding}
        return {name: value for name, value in options.items() if value}


def with_given(recipe: AnyRecipe, given: Given) -> AnyRecipe:
    """The recipe with what was given.

    Raises:
        UsageError: The kind of recipe has no place for it.
    """
    if isinstance(recipe, TrainRecipe):
        recipe = replace(recipe, data=replace(recipe.data, **given.rows))
    elif given.texts or given.pairs:
        option = "--texts" if given.texts else "--pairs"
        raise UsageError(
            f"{recipe.name} is a recipe of the kind {recipe.kind} and names its own files: give the folder that holds them with "
            f"--data instead of {option}."
        )
    elif given.columns or given.encoding:
        raise UsageError(f"{recipe.name} says itself how its files are read; leave --column and --encoding out.")
    if not given.model:
        return recipe
    if isinstance(recipe, PretrainRecipe):
        raise UsageError(f"{recipe.name} makes a new encoder and starts from none; leave -m {given.model} out.")
    return replace(recipe, encoder=replace(recipe.encoder, model=given.model))


def usual_recipe(given: Given, overrides: tuple[str, ...] = ()) -> tuple[TrainRecipe, Examples]:
    """A recipe that fits the sentences and the encoder that were given, and the sentences."""
    usual = default_recipe(1, 1)
    settings = replace(usual.data, **given.rows)
    examples = read_examples(usual.objective, settings)
    distinct = select_examples(examples, replace(settings, sample=0))["text"]
    encoder = load_encoder(given.model)
    gentle = is_isotropic(encoder.encode, distinct)
    width, kind = int(encoder.config.hidden_size), str(encoder.config.model_type)
    recipe = apply_overrides(default_recipe(len(distinct), width, model_type=kind, gentle=gentle), overrides)
    settled = with_given(recipe, given)
    assert isinstance(settled, TrainRecipe)
    return settled, examples
