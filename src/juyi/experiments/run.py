"""A recipe and sentences to a trained encoder in a run folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from juyi.atomic import write_text
from juyi.data import read_scored_pairs
from juyi.encoder import Encoder, EncoderSettings, load_encoder, save_encoder
from juyi.errors import UsageError
from juyi.experiments.corpus import corpus_digests
from juyi.experiments.environment import environment
from juyi.experiments.examples import Examples, example_rows, select_examples
from juyi.experiments.load import fingerprint, resolved
from juyi.experiments.pairs import both_sides, read_corpus_pairs
from juyi.experiments.recipe import CorpusRecipe, Recipe, trained_objective
from juyi.experiments.rows import distillation_rows, pair_rows
from juyi.hub import resolve, weights_digest
from juyi.metrics import spearman
from juyi.objectives import WORDS, Distillation
from juyi.tasks import STS, EncodeOnce, Geometry
from juyi.training import Evaluate, ProcessWorld, Rows, TrainProgress, TrainResult, fit, word_columns
from juyi.types import Encode, Log

_FINISHED = "finished.json"


@dataclass(frozen=True)
class RunResult:
    """A finished run.

    Attributes:
        encoder: The trained encoder.
        folder: The run folder; the model lies in its `model/`.
        train_result: What the training came to.
    """

    encoder: Encoder
    folder: Path
    train_result: TrainResult


def run_recipe(
    recipe: Recipe,
    examples: Sequence[str] | Examples,
    runs: Path,
    *,
    log: Log = lambda _: None,
    progress: TrainProgress | None = None,
) -> RunResult:
    """Train on sentences, pairs or triplets; a run that was stopped is taken up where it stood, a finished one is loaded.

    Args:
        recipe: What to do.
        examples: Unlabelled sentences, or the columns that the objective names.
        runs: Where run folders go: `runs/<recipe>/<fingerprint of settings, weights and sentences>`.
        log: Hears what is being done.
        progress: Is told about every step.

    Raises:
        UsageError: The objective needs other columns.
    """
    given: Examples = examples if isinstance(examples, Mapping) else {"text": examples}
    if missing := [name for name in recipe.objective.columns if name not in given and name not in ("raw", *WORDS)]:
        raise UsageError(
            f"{recipe.name} needs the columns {', '.join(recipe.objective.columns)}; {', '.join(missing)} is missing."
        )
    chosen = select_examples(given, recipe.data)
    count = len(chosen[recipe.objective.columns[0]])
    material = [str(cell) for column in chosen.values() for cell in column]
    folder = runs / recipe.name / fingerprint(recipe, weights_digest(resolve(recipe.encoder.model)), *material)
    what = f"{count:,} {'unlabelled sentences' if 'text' in chosen else 'rows of ' + ', '.join(recipe.objective.columns)}"

    def rows(encoder: Encoder) -> Rows:
        log(f"Training on {what}; run folder {folder}")
        columns = example_rows(chosen, recipe.objective, encoder)
        return {**columns, **word_columns(trained_objective(recipe), chosen, columns, encoder.tokenizer)}

    return _run(recipe, folder, rows, what, log=log, progress=progress)


def run_corpus_recipe(
    recipe: CorpusRecipe, data: Path, runs: Path, *, log: Log = lambda _: None, progress: TrainProgress | None = None
) -> RunResult:
    """Train on the pairs of the files that the recipe names; taken up and loaded as `run_recipe` does.

    Args:
        recipe: What to do.
        data: The folder that holds the recipe's files.
        runs: Where run folders go; the teacher's vectors are kept in `runs/teacher/`.
        log: Hears what is being done.
        progress: Is told about every step.

    Raises:
        UsageError: A file of the recipe is not in the folder.
        DataError: A file has too few columns.
    """
    digests = corpus_digests(recipe.corpus, data)
    models = [recipe.encoder.model, *([recipe.teacher] if recipe.teacher else [])]
    weights = [weights_digest(resolve(model)) for model in models]
    folder = runs / recipe.name / fingerprint(recipe, *weights, *digests.values())

    def rows(encoder: Encoder) -> Rows:
        log(f"Reading {len(recipe.corpus.sources)} sources from {data}")
        pairs = read_corpus_pairs(recipe.corpus, data)
        facts = {"pairs": len(pairs.first), "left_out": pairs.left_out, "sha256": digests}
        write_text(folder / "data.json", json.dumps(facts, indent=2) + "\n")
        log(f"{len(pairs.first):,} pairs; {pairs.left_out:,} were left out because they are in files to measure on")
        log(f"Run folder {folder}")
        if isinstance(recipe.objective, Distillation):
            columns = distillation_rows(recipe.teacher, pairs, encoder, runs / "teacher", log)
        else:
            columns = pair_rows(pairs, encoder)
        texts = {"text": both_sides(pairs)[0], "anchor": pairs.first, "positive": pairs.second}
        return {**columns, **word_columns(trained_objective(recipe), texts, columns, encoder.tokenizer)}

    return _run(recipe, folder, rows, f"pairs from {len(recipe.corpus.sources)} sources", log=log, progress=progress)


def _run(
    recipe: Recipe | CorpusRecipe,
    folder: Path,
    rows: Callable[[Encoder], Rows],
    learned_from: str,
    *,
    log: Log,
    progress: TrainProgress | None,
) -> RunResult:
    if (folder / _FINISHED).is_file():
        log(f"This run is finished already: {folder}")
        facts = json.loads((folder / _FINISHED).read_text(encoding="utf-8"))
        fitted = TrainResult(**facts | {"warnings": tuple(facts["warnings"])})
        return RunResult(_reload(recipe, folder / "model"), folder, fitted)
    write_text(folder / "recipe.json", json.dumps(resolved(recipe), indent=2, ensure_ascii=False) + "\n")
    write_text(folder / "environment.json", json.dumps(environment(), indent=2) + "\n")
    encoder = load_encoder(recipe.encoder)
    fitted = fit(
        encoder,
        trained_objective(recipe),
        rows(encoder),
        recipe.training,
        folder=folder,
        evaluate=_development(recipe),
        progress=progress,
    )
    world = ProcessWorld.current()
    if world.rank == 0:
        save_encoder(encoder, folder / "model", card=_card(recipe, learned_from, fitted))
        write_text(folder / _FINISHED, json.dumps(asdict(fitted)) + "\n")
        shutil.rmtree(folder / "checkpoint", ignore_errors=True)
    world.barrier()
    return RunResult(encoder, folder, fitted)


def _reload(recipe: Recipe | CorpusRecipe, folder: Path) -> Encoder:
    """The trained encoder with the dropout of its training."""
    settings = recipe.encoder
    return load_encoder(
        EncoderSettings(model=str(folder), hidden_dropout=settings.hidden_dropout, attention_dropout=settings.attention_dropout)
    )


def _development(recipe: Recipe | CorpusRecipe) -> Evaluate | None:
    if not recipe.training.evaluate_every:
        return None
    if not recipe.selection.pairs:
        raise UsageError("training.evaluate_every is set, so selection.pairs must name a file of scored pairs.")
    pairs = read_scored_pairs(recipe.selection.pairs)
    task = STS("development", "dev", pairs)
    geometry = Geometry.of("development", "dev", pairs)

    def figures(encode: Encode) -> dict[str, float]:
        once = EncodeOnce(encode)
        lie = {f"dev_{each.score.metric}": each.score.value for each in geometry.measure(once)}
        return {"dev": 100 * spearman(task.similarities(once), pairs.scores), **lie}

    return figures


def _card(recipe: Recipe | CorpusRecipe, learned_from: str, fitted: TrainResult) -> str:
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
- learned from {learned_from} in {fitted.steps:,} steps of {training.batch_size}
- learning rate {training.learning_rate:g}, seed {training.seed}
- source of the settings: {recipe.source}

Loads with `sentence_transformers.SentenceTransformer(folder)` and `juyi encode -m folder`.
"""
