"""A recipe and sentences to a trained encoder in a run folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from juyi.atomic import write_text
from juyi.data import read_scored_pairs
from juyi.encoder import Encoder, EncoderSettings, load_encoder, save_encoder
from juyi.errors import UsageError
from juyi.experiments.environment import environment
from juyi.experiments.load import fingerprint, resolved, weights_digest
from juyi.experiments.recipe import Recipe
from juyi.experiments.sentences import select_sentences
from juyi.hub import resolve
from juyi.metrics import spearman
from juyi.tasks import STS
from juyi.training import Evaluate, Fitted, Watcher, fit

Say = Callable[[str], None]
_FINISHED = "finished.json"


@dataclass(frozen=True)
class Finished:
    """A finished run.

    Attributes:
        encoder: The trained encoder.
        folder: The run folder; the model lies in its `model/`.
        fitted: What the training came to.
        sentences: How many sentences it learned from.
    """

    encoder: Encoder
    folder: Path
    fitted: Fitted
    sentences: int


def run_recipe(
    recipe: Recipe, texts: Sequence[str], runs: Path, *, say: Say = lambda _: None, watch: Watcher | None = None
) -> Finished:
    """Train as the recipe says; a run that was stopped is taken up where it stood, a finished one is loaded.

    Args:
        recipe: What to do.
        texts: The unlabelled sentences.
        runs: Where run folders go: `runs/<recipe>/<fingerprint of settings, weights and sentences>`.
        say: Hears what is being done.
        watch: Is told about every step.

    Raises:
        UsageError: The objective needs other columns than unlabelled sentences give.
    """
    if recipe.objective.columns != ("text",):
        raise UsageError(f"{recipe.name} needs the columns {', '.join(recipe.objective.columns)}; unlabelled sentences give one.")
    sentences = select_sentences(texts, recipe.data)
    folder = runs / recipe.name / fingerprint(recipe, weights_digest(resolve(recipe.encoder.model)), *sentences)
    if (folder / _FINISHED).is_file():
        say(f"This run is finished already: {folder}")
        fitted = Fitted(**json.loads((folder / _FINISHED).read_text(encoding="utf-8")))
        return Finished(_reload(recipe, folder / "model"), folder, fitted, len(sentences))
    write_text(folder / "recipe.json", json.dumps(resolved(recipe), indent=2, ensure_ascii=False) + "\n")
    write_text(folder / "environment.json", json.dumps(environment(), indent=2) + "\n")
    encoder = load_encoder(recipe.encoder)
    say(f"Training on {len(sentences):,} sentences; run folder {folder}")
    rows = {"text": encoder.tokenizer.tokenize(sentences, encoder.max_length)}
    fitted = fit(encoder, recipe.objective, rows, recipe.training, folder=folder, evaluate=_development(recipe), watch=watch)
    save_encoder(encoder, folder / "model", card=_card(recipe, len(sentences), fitted))
    write_text(folder / _FINISHED, json.dumps(asdict(fitted)) + "\n")
    shutil.rmtree(folder / "checkpoint", ignore_errors=True)
    return Finished(encoder, folder, fitted, len(sentences))


def _reload(recipe: Recipe, folder: Path) -> Encoder:
    """The trained encoder with the dropout of its training."""
    settings = recipe.encoder
    return load_encoder(
        EncoderSettings(model=str(folder), hidden_dropout=settings.hidden_dropout, attention_dropout=settings.attention_dropout)
    )


def _development(recipe: Recipe) -> Evaluate | None:
    if not recipe.training.evaluate_every:
        return None
    if not recipe.selection.pairs:
        raise UsageError("training.evaluate_every is set, so selection.pairs must name a file of scored pairs.")
    task = STS("development", "dev", read_scored_pairs(recipe.selection.pairs))
    return lambda encode: 100 * spearman(task.similarities(encode), task.pairs.scores)


def _card(recipe: Recipe, sentences: int, fitted: Fitted) -> str:
    encoder, training = recipe.encoder, recipe.training
    return f"""---
library_name: sentence-transformers
pipeline_tag: sentence-similarity
tags: [sentence-transformers, sentence-similarity, feature-extraction, simcse]
---

# {recipe.name}

{recipe.about}

- starts from: {encoder.model or "juyi's embedded encoder"}
- objective: {recipe.objective}
- learned from {sentences:,} unlabelled sentences in {fitted.steps:,} steps of {training.batch_size}
- learning rate {training.learning_rate:g}, seed {training.seed}
- source of the settings: {recipe.source}

Loads with `sentence_transformers.SentenceTransformer(folder)` and `juyi encode -m folder`.
"""
