"""What a person gives beside the name of a recipe, put into the recipe where its kind has a place for it."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from juyi.data import ReadSettings
from juyi.encoder import EncoderSettings, load_encoder
from juyi.errors import UsageError
from juyi.experiments.defaults import default_recipe, tells_apart
from juyi.experiments.examples import Examples, read_examples, select_examples
from juyi.experiments.load import apply_overrides
from juyi.experiments.recipe import AnyRecipe, PretrainRecipe, TrainRecipe
from juyi.types import Log


@dataclass(frozen=True)
class Given(ReadSettings):
    """The options of `juyi train`; empty is not given.

    Attributes:
        texts: Files of unlabelled sentences.
        pairs: Files of pairs, triplets, scored or labelled pairs.
        model: What to start from.
        prompt: What is put before every text, a name or a text; None leaves what the recipe says.

    How the files are read, their contents tell; else see `juyi.data.ReadSettings`.
    """

    texts: tuple[str, ...] = ()
    pairs: tuple[str, ...] = ()
    model: str = ""
    prompt: str | None = None

    @property
    def rows(self) -> dict[str, Any]:
        """What belongs into the recipe's [data] table."""
        names = ["texts", "pairs", *(field.name for field in fields(ReadSettings))]
        return {name: value for name in names if (value := getattr(self, name)) not in ((), "", None, {})}


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
    elif given.rows:
        raise UsageError(f"{recipe.name} says itself how its files are read; leave {', '.join(given.rows)} out.")
    changed: dict[str, Any] = {"model": given.model} if given.model else {}
    if given.prompt is not None:
        changed["prompt"] = given.prompt
    if not changed:
        return recipe
    if isinstance(recipe, PretrainRecipe):
        option = f"-m {given.model}" if given.model else f"--prompt {given.prompt!r}"
        raise UsageError(f"{recipe.name} makes a new encoder and starts from none; leave {option} out.")
    return replace(recipe, encoder=replace(recipe.encoder, **changed))


def usual_recipe(given: Given, overrides: tuple[str, ...] = (), log: Log = lambda _: None) -> tuple[TrainRecipe, Examples]:
    """A recipe that fits the sentences and the encoder that were given, and the sentences."""
    usual = default_recipe(1, 1)
    settings = replace(usual.data, **given.rows)
    examples = read_examples(usual.objective, settings, log)
    distinct = select_examples(examples, replace(settings, sample=0))["text"]
    pooling = apply_overrides(usual, overrides).encoder.pooling
    encoder = load_encoder(EncoderSettings(model=given.model, pooling=pooling, prompt=given.prompt))
    gentle = tells_apart(encoder.encode, distinct)
    width, kind = int(encoder.config.hidden_size), str(encoder.config.model_type)
    recipe = apply_overrides(default_recipe(len(distinct), width, model_type=kind, gentle=gentle), overrides)
    settled = with_given(recipe, given)
    assert isinstance(settled, TrainRecipe)
    return settled, examples
