"""One runner for every kind of recipe: from what it reads to a trained encoder in a run folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path

import torch

from juyi.encoder import Encoder, EncoderSettings, load_encoder, save_encoder
from juyi.engines.export import add_graphs
from juyi.errors import BusyError, JuyiError, UsageError
from juyi.experiments.development import Development
from juyi.experiments.examples import ChosenExamples, Examples, read_examples, select_examples
from juyi.experiments.identity import Reading, run_hash, what_is_read
from juyi.experiments.preparation import Prepared, prepare_rows, prepare_sources
from juyi.experiments.pretraining import prepare_pretraining
from juyi.experiments.recipe import AnyRecipe, PretrainRecipe, SourcesRecipe, TrainRecipe
from juyi.experiments.run_folder import FinishedRun, RunFolder
from juyi.hub import resolve
from juyi.locks import Holder, holder_of, locked_folder
from juyi.objectives import WORDS
from juyi.provenance import Provenance, read_provenance, write_provenance
from juyi.training import ProcessWorld, TrainProgress, TrainResult, fit
from juyi.types import Log


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


def run(
    recipe: AnyRecipe,
    runs: Path,
    *,
    examples: Sequence[str] | Examples | None = None,
    data: Path | None = None,
    encoder: Encoder | None = None,
    log: Log = lambda _: None,
    progress: TrainProgress | None = None,
) -> RunResult:
    """Do what a recipe says; a run that was stopped is taken up where it stood, a finished one is loaded.

    Args:
        recipe: What to do.
        runs: Where run folders go: `runs/<recipe>/<hash of the settings and of all that is read>`; a teacher's vectors are kept
            in `runs/teacher/`.
        examples: Of a `train` recipe: the sentences, or the columns that the objective names, which are selected as `data` of
            the recipe says unless they are `ChosenExamples`; None reads the recipe's own files.
        data: Of the other kinds: the folder of the sources that the recipe names.
        encoder: Of a `train` recipe: what its `encoder` table loads, where it is loaded already; it is trained in place.
        log: Hears what is being done.
        progress: Is told about every step.

    Raises:
        UsageError: What is given does not fit the kind of the recipe or its objective, or a file of the sources is missing.
        DataError: A file cannot be read.
        BusyError: Another process is at this run.
        TrainingError: The run cannot start, go on, or be resumed.
        OutputError: The disk is full or will be, or cannot be written to.
    """
    rows = _rows(recipe, examples, data, log)
    development = Development.of(recipe)
    reading = what_is_read(recipe, rows=rows, data=data)
    folder = RunFolder(runs / recipe.name / run_hash(recipe, reading))
    if (finished := folder.finished()) is not None:
        return _finished(recipe, folder, finished, log)
    world, device = ProcessWorld.join()
    with _locked(folder.path, world, device):
        if (finished := folder.finished()) is not None:  # in the meantime
            return _finished(recipe, folder, finished, log)
        try:
            if world.rank == 0:
                folder.begin(recipe, log)
            world.barrier()
            log(f"Run folder {folder.path}")
            prepared = _prepare(recipe, folder, rows, data, encoder, log)
            if world.rank == 0:
                weights = sum(weight.nbytes for weight in prepared.encoder.parameters())
                folder.check_space(weights, log, checkpoints=recipe.training.checkpoint_every > 0)
            result = fit(
                prepared.encoder,
                prepared.objective,
                prepared.rows,
                recipe.training,
                folder=folder.path,
                evaluate=None if development is None else development.figures,
                progress=progress,
            )
            if world.rank == 0:
                _save(recipe, folder, prepared, result, development, reading, log)
        except Exception as error:
            if world.rank == 0:
                folder.fail(error)
            raise
        world.barrier()
    return RunResult(prepared.encoder, folder.path, result)


def _rows(recipe: AnyRecipe, examples: Sequence[str] | Examples | None, data: Path | None, log: Log) -> Examples | None:
    """The rows of a `train` recipe, chosen; None for the other kinds.

    Raises:
        UsageError: Something else is given than the kind learns from.
    """
    if not isinstance(recipe, TrainRecipe):
        if data is None or examples is not None:
            raise UsageError(
                f"{recipe.name} is a recipe of the kind {recipe.kind} and names its own files: give the folder that holds them "
                "with --data, no --texts and no --pairs."
            )
        return None
    if data is not None:
        raise UsageError(
            f"{recipe.name} is a recipe of the kind {recipe.kind} and learns from rows: give them with --texts or --pairs. "
            "--data belongs to recipes that name their own files."
        )
    if examples is None:
        examples = read_examples(recipe.objective, recipe.data, log)
    given: Examples = examples if isinstance(examples, Mapping) else {"text": examples}
    if missing := [name for name in recipe.objective.columns if name not in given and name not in ("raw", *WORDS)]:
        raise UsageError(
            f"{recipe.name} needs the columns {', '.join(recipe.objective.columns)}; {', '.join(missing)} is missing."
        )
    return given if isinstance(given, ChosenExamples) else select_examples(given, recipe.data)


def _prepare(
    recipe: AnyRecipe, folder: RunFolder, rows: Examples | None, data: Path | None, encoder: Encoder | None, log: Log
) -> Prepared:
    match recipe:
        case TrainRecipe():
            assert rows is not None
            return prepare_rows(recipe, rows, encoder or load_encoder(recipe.encoder, log=log), log)
        case SourcesRecipe():
            assert data is not None
            return prepare_sources(recipe, data, folder.path.parents[len(Path(recipe.name).parts)] / "teacher", log)
        case PretrainRecipe():
            assert data is not None
            return prepare_pretraining(recipe, data, folder.path / "tokenizer", log)


@contextmanager
def _locked(folder: Path, world: ProcessWorld, device: torch.device) -> Iterator[None]:
    """The folder alone: the first process of a run takes the lock for all, and all learn whether it could."""
    with ExitStack() as stack:
        refused: JuyiError | None = None
        if world.rank == 0:
            try:
                stack.enter_context(locked_folder(folder))
            except JuyiError as error:
                refused = error
        if world.any(refused is not None, device):
            holder = holder_of(folder) or Holder()
            raise refused or BusyError(folder, holder.pid, holder.host, holder.since)
        yield


def _save(
    recipe: AnyRecipe,
    folder: RunFolder,
    prepared: Prepared,
    result: TrainResult,
    development: Development | None,
    reading: Reading,
    log: Log,
) -> None:
    if development is not None:
        step = result.best_step if recipe.training.keep == "best" and result.best_step is not None else result.steps
        name = f"{recipe.name}/{folder.path.name}"
        folder.write_scores(development.records(name, folder.log_records(), prepared.encoder.encode, step))
    save_encoder(prepared.encoder, folder.model, half=prepared.half, card=prepared.card(result))
    if prepared.graph:
        add_graphs(folder.model, log)
    write_provenance(folder.model, _provenance(recipe, folder, reading))
    folder.finish(FinishedRun(result, reading.digests, dict(prepared.counts)))


def _provenance(recipe: AnyRecipe, folder: RunFolder, reading: Reading) -> Provenance:
    start, before = "", None
    if not isinstance(recipe, PretrainRecipe):
        start = recipe.encoder.model
        before = None if recipe.encoder.random_weights is not None else read_provenance(resolve(start))
    return Provenance(
        recipe=recipe.name,
        kind=recipe.kind,
        run=folder.path.name,
        start_model=start,
        dev_selected=recipe.training.keep == "best" or (before is not None and before.dev_selected),
        read=reading.digests,
        juyi=metadata.version("juyi"),
    )


def _finished(recipe: AnyRecipe, folder: RunFolder, finished: FinishedRun, log: Log) -> RunResult:
    """The trained encoder with the dropout and the prompt of its training."""
    log(f"This run is finished already: {folder.path}")
    settings = EncoderSettings(model=str(folder.model))
    if not isinstance(recipe, PretrainRecipe):
        started = recipe.encoder
        settings = replace(
            settings,
            hidden_dropout=started.hidden_dropout,
            attention_dropout=started.attention_dropout,
            prompt=started.prompt,
        )
    return RunResult(load_encoder(settings), folder.path, finished.train_result)
