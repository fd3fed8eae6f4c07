"""What a run trains, and on what: the encoder and its rows, for recipes that start from an encoder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from juyi.encoder import Encoder, load_encoder
from juyi.experiments.examples import Examples, example_rows
from juyi.experiments.pairs import both_sides, read_source_pairs
from juyi.experiments.recipe import SourcesRecipe, TrainRecipe, recipe_teachers, trained_objective
from juyi.experiments.rows import distillation_rows, pair_rows, text_rows, with_clusters
from juyi.objectives import SENTENCES, Distillation, MaskedLM, Objective, PairContrastive
from juyi.teachers import credit
from juyi.training import Rows, TrainResult, word_columns
from juyi.types import Log


@dataclass(frozen=True)
class Prepared:
    """All that the training needs, and what is saved with the model.

    Attributes:
        encoder: What is trained.
        objective: What is minimised.
        rows: What is learned from.
        counts: How much that is, for `finished.json`.
        card: The model card.
        half: Store the weights in float16.
        graph: Write the graph for the engine without torch beside them.
    """

    encoder: Encoder
    objective: Objective
    rows: Rows
    counts: Mapping[str, Any]
    card: Callable[[TrainResult], str]
    half: bool = False
    graph: bool = False


def prepare_rows(recipe: TrainRecipe, rows: Examples, encoder: Encoder, log: Log) -> Prepared:
    """The encoder, and the given rows tokenized.

    Raises:
        UsageError: The vectors shall be cut to a width that is not below the encoder's.
    """
    _check_widths(recipe, encoder)
    count = len(rows[recipe.objective.columns[0]])
    learned_from = f"{count:,} {'unlabelled sentences' if 'text' in rows else 'rows of ' + ', '.join(recipe.objective.columns)}"
    learned_from += _with_prompt(encoder)
    log(f"Training on {learned_from}")
    columns = example_rows(rows, recipe.objective, encoder)
    return Prepared(
        encoder,
        trained_objective(recipe),
        {**columns, **word_columns(trained_objective(recipe), _prompted(rows, encoder), columns, encoder.tokenizer)},
        {"rows": count},
        lambda result: _card(recipe, learned_from, result),
    )


def prepare_sources(recipe: SourcesRecipe, data: Path, teacher: Path, log: Log) -> Prepared:
    """The encoder, and the pairs of the sources or their texts, with the teachers' vectors where there are some.

    Args:
        recipe: What to do.
        data: The folder of the sources.
        teacher: Where the teachers' vectors are kept.
        log: Hears what is being done.

    Raises:
        UsageError: The vectors shall be cut to a width that is not below the encoder's.
    """
    encoder = load_encoder(recipe.encoder, log=log)
    _check_widths(recipe, encoder)
    files = len(recipe.sources.files)
    kind = "texts" if isinstance(recipe.objective, MaskedLM) else "pairs"
    learned_from = f"{kind} from {files} sources{_with_prompt(encoder)}"
    teachers = recipe_teachers(recipe)
    log(f"Reading {files} sources from {data}")
    pairs = read_source_pairs(recipe.sources, data)
    log(f"{len(pairs.first):,} {kind}; {pairs.left_out:,} were left out because they are in files to measure on")
    columns: Rows
    match recipe.objective:
        case Distillation(teacher_dim=width):
            untrained = recipe.encoder.random_weights is not None
            columns = distillation_rows(teachers, pairs, encoder, teacher, log, width=width, untrained=untrained)
            if recipe.clusters:
                least = 2 * recipe.training.batch_size
                columns = with_clusters(columns, recipe.clusters, share=recipe.clustered, least=least, seed=recipe.training.seed)
        case PairContrastive():
            columns = pair_rows(pairs, encoder)
        case MaskedLM():
            columns = text_rows(pairs, encoder)
    texts = {"text": both_sides(pairs)[0], "anchor": pairs.first, "positive": pairs.second}
    return Prepared(
        encoder,
        trained_objective(recipe),
        {**columns, **word_columns(trained_objective(recipe), _prompted(texts, encoder), columns, encoder.tokenizer)},
        {kind: len(pairs.first), "left_out": pairs.left_out},
        lambda result: _card(recipe, learned_from, result, taught_by=[credit(teacher.model) for teacher in teachers]),
    )


def _check_widths(recipe: TrainRecipe | SourcesRecipe, encoder: Encoder) -> None:
    if recipe.objective.matryoshka is not None:
        recipe.objective.matryoshka.check(encoder.training_dim)


def _with_prompt(encoder: Encoder) -> str:
    """The prompt before every text of the training, in words."""
    prompt = encoder.prompt_for()
    return f", the prompt {prompt} before each" if prompt else ""


def _prompted(texts: Mapping[str, Sequence[Any]], encoder: Encoder) -> dict[str, Sequence[Any]]:
    """The columns of sentences with the prompt that is in effect, as the encoder tokenizes them."""
    prompt = encoder.prompt_for()
    return {name: prompt.before(column) if name in SENTENCES else column for name, column in texts.items()}


def _card(recipe: TrainRecipe | SourcesRecipe, learned_from: str, result: TrainResult, *, taught_by: Sequence[str] = ()) -> str:
    encoder, training = recipe.encoder, recipe.training
    teachers = "".join(f"\n- taught by: {teacher}" for teacher in taught_by)
    widths = recipe.objective.matryoshka
    cut = f"\n- for vectors that can be cut to the first {', '.join(map(str, widths.dims))} numbers" if widths else ""
    return f"""---
library_name: sentence-transformers
pipeline_tag: sentence-similarity
tags: [sentence-transformers, sentence-similarity, feature-extraction, simcse]
---

# {recipe.name}

{recipe.about}

- starts from: {encoder.model or "juyi's embedded encoder"}
- objective: {recipe.objective}{cut}{teachers}
- learned from {learned_from} in {result.steps:,} steps of {training.batch_size}
- learning rate {training.learning_rate:g}, seed {training.seed}
- source of the settings: {recipe.source}

Loads with `sentence_transformers.SentenceTransformer(folder)` and `juyi encode -m folder`.
"""
