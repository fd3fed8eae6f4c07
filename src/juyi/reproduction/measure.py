"""Running one experiment: train where a recipe says so, encode once, measure every figure that is missing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

from juyi.data import normalise
from juyi.errors import DataError, JuyiError, UsageError
from juyi.evaluation import Evaluation, evaluate_suite, transductive
from juyi.evaluation.fitting import Fitting, FittingTexts, on_texts
from juyi.experiments.examples import ChosenExamples, Examples, select_examples
from juyi.experiments.identity import run_hash, what_is_read
from juyi.experiments.load import load_recipe
from juyi.experiments.recipe import TrainRecipe
from juyi.experiments.runner import run
from juyi.objectives import SENTENCES
from juyi.poolings import known_pooling
from juyi.postprocessing import fit_whitening
from juyi.reproduction.experiment import Experiment, Place, ReproduceOptions
from juyi.reproduction.material import Material, content_digest, splits_of
from juyi.reproduction.results import Result, Results, result_key
from juyi.reproduction.row_encoder import row_encoder
from juyi.suites import AVERAGE, count_warning
from juyi.tables import Column, Protocol
from juyi.tasks import EncodeOrSimilarity, Task, encoded_once
from juyi.types import Log

Told = Callable[[int, int, str], None]


@dataclass(frozen=True, eq=False)
class Measurement:
    """An experiment on the data at hand.

    Attributes:
        experiment: What is run.
        protocol: What is learned from.
        material: The data.
        options: Where results and runs go.
    """

    experiment: Experiment
    protocol: Protocol
    material: Material
    options: ReproduceOptions

    @cached_property
    def results(self) -> Results:
        """The figures that were measured already."""
        return Results(self.options.output / "cells")

    @cached_property
    def _keys(self) -> dict[tuple[str, str, str], str | JuyiError]:
        """The key of each figure by its names; what is wrong with its data where there is none."""
        return {place.names: self._key(place) for place in self.experiment.places}

    def missing(self) -> list[Place]:
        """The figures that were not measured yet, and can be as far as their data tells.

        Raises:
            JuyiError: The encoder, the recipe or what it learns from is not here, or cannot be used.
        """
        keys = [(place, self._keys[place.names]) for place in self.experiment.places if self.identity]
        return [place for place, key in keys if isinstance(key, str) and self.results.read(key) is None]

    def found(self, place: Place) -> Result | None:
        """A figure that was measured; None where it was not, or cannot be here."""
        try:
            key = self._keys[place.names]
            return self.results.read(key) if isinstance(key, str) else None
        except JuyiError:
            return None

    def why_not(self, place: Place) -> str:
        """What is wrong with the data of a figure; empty where nothing is."""
        try:
            key = self._keys[place.names]
        except JuyiError:  # with the experiment as a whole
            return ""
        return "" if isinstance(key, str) else str(key)

    def run(self, log: Log = lambda _: None, told: Told = lambda done, total, what: None) -> None:
        """Measure what is missing, and keep it.

        Raises:
            JuyiError: Something cannot be trained, encoded or written; or a figure cannot be measured: the others are kept.
        """
        missing = self.missing()
        if not missing:
            return
        encode, folder = self._encode(log, told)
        problems = [problem for group in _grouped(missing) if (problem := self._measure(group, encode, folder, told))]
        if problems:
            raise DataError(" ".join(problems))

    def _measure(self, places: list[Place], encode: EncodeOrSimilarity, folder: Path | None, told: Told) -> str:
        """Measure and keep figures of one suite and one whitening; what could not be measured, in words."""
        began = time.monotonic()
        suite = self.material.suite([place.column for place in places])
        found = evaluate_suite(
            suite,
            encode,
            fitting=self._fitting(places[0]),
            labels=self._labels,
            progress=lambda done, total, what: told(done, total, f"{self.experiment.row.name}: {what}"),
        )
        seconds, unmeasured = round(time.monotonic() - began, 2), []
        for place in places:
            column = place.column
            names = [(column.task, column.split, subset, column.metric) for subset in (column.subset, "")]
            score = next((found.by_key[name] for name in names if name in found.by_key), None)
            if score is None:
                unmeasured.append(_unmeasured(column, found))
                continue
            warnings = [count_warning(task) for task in suite.tasks if column.task in (task.name, AVERAGE)]
            learns = place.recipe or place.variant.whitening is not None
            lacking = self.material.lacking(column) if learns and not self.experiment.row.learns_from else ""
            told_too = " ".join(filter(None, [*warnings, self._unselected, lacking]))
            result = Result.of(score, warning=told_too, run="" if folder is None else str(folder), seconds=seconds)
            self.results.write(str(self._keys[place.names]), result)
        if not unmeasured:
            return ""
        return " ".join([*dict.fromkeys(unmeasured), *found.problems[len(suite.problems) :]])

    def reads(self, place: Place) -> set[str]:
        """Which of the protocol's files a figure learns from: `texts`, `pairs`, both or none.

        Raises:
            JuyiError: There is no such recipe, or it cannot be read.
        """
        if self.experiment.row.learns_from:
            return set()
        trained = set() if self._written is None else {"texts" if "text" in self._written.objective.columns else "pairs"}
        return trained if place.variant.whitening is None else trained | {"texts"}

    @cached_property
    def _written(self) -> TrainRecipe | None:
        """The recipe with the settings of the row; None where nothing is trained."""
        if not self.experiment.recipe:
            return None
        recipe = load_recipe(self.experiment.recipe, self.experiment.row.overrides)
        if not isinstance(recipe, TrainRecipe):
            raise UsageError(f"{recipe.name} is a recipe of the kind {recipe.kind}; the cells of a table are trained on rows.")
        return recipe

    @cached_property
    def _recipe(self) -> tuple[TrainRecipe, Examples] | None:
        """What trains the encoder, and on which rows; None where nothing does."""
        experiment, row, recipe = self.experiment, self.experiment.row, self._written
        if recipe is None:
            return None
        encoder = replace(recipe.encoder, model=row.encoder, pooling=known_pooling(row.pooling or None) or recipe.encoder.pooling)
        training = replace(recipe.training, seed=experiment.seed)
        data = replace(recipe.data, seed=experiment.seed)
        recipe = replace(recipe, encoder=encoder, training=training, data=data)
        if recipe.training.evaluate_every and self._unselected:
            recipe = replace(recipe, training=replace(recipe.training, evaluate_every=0, keep="last"))
        elif recipe.training.evaluate_every:
            pairs = str(self.material.file(self.protocol.selection))
            recipe = replace(recipe, selection=replace(recipe.selection, pairs=pairs))
        column = experiment.places[0].column
        if "text" in recipe.objective.columns:
            return recipe, select_examples({"text": self._sentences(column)}, recipe.data)
        files = row.learns_from or tuple(filter(None, [self.protocol.pairs]))
        if not files:
            raise UsageError(f"{recipe.name} learns from pairs, and the table names none. Give a file with --pairs.")
        rows = self.material.examples(recipe.objective, replace(recipe.data, pairs=files))
        return recipe, select_examples(rows, recipe.data)

    def _sentences(self, column: Column) -> list[str]:
        """What training and whitening learn from."""
        return self.material.sentences(column, self.experiment.row.learns_from)

    @cached_property
    def _unselected(self) -> str:
        """Why the last step is kept where the recipe wants the best one; empty where it wants none, or gets it."""
        if self._written is None or not self._written.training.evaluate_every:
            return ""
        with suppress(DataError):
            if self.protocol.selection and self.material.file(self.protocol.selection):
                return ""
        return "The last step was kept: the development pairs are not here."

    @cached_property
    def identity(self) -> str:
        """A digest of all that decides the vectors; experiments that share it train one encoder.

        Raises:
            JuyiError: The encoder, the recipe or the data is not here, or cannot be used.
        """
        if self._recipe is None:
            return content_digest(row_encoder(self.experiment.row).identity())
        recipe, rows = self._recipe
        return run_hash(recipe, what_is_read(recipe, rows=rows))

    def _key(self, place: Place) -> str | JuyiError:
        column, variant = place.column, place.variant
        try:
            measured = self.material.digest(self.material.suite([column]))
            fitted = "" if variant.whitening is None else self.material.digest(self._sentences(column))
        except JuyiError as error:
            return error
        where = [column.suite, column.task, column.split, column.splits, column.subset, column.metric]
        return result_key(self.identity, variant.whitening, fitted, where, measured)

    def _encode(self, log: Log, told: Told) -> tuple[EncodeOrSimilarity, Path | None]:
        """What encodes or compares, and the folder of the run that trained it."""
        if self._recipe is None:
            return row_encoder(self.experiment.row).open(log), None
        recipe, rows = self._recipe
        result = run(
            recipe,
            self.options.runs,
            examples=ChosenExamples(rows),
            log=log,
            progress=lambda step, steps, _: told(step, steps, f"training {self.experiment}"),
        )
        return encoded_once(result.encoder.encode), result.folder

    def _fitting(self, place: Place) -> Fitting | None:
        """The whitening of a variant, for each task on the sentences of that task."""
        strength = place.variant.whitening
        if strength is None:
            return None

        def texts(task: Task) -> FittingTexts:
            return on_texts(self._sentences(replace(place.column, task=task.name)), task.name)(task)

        return Fitting(partial(fit_whitening, strength=strength), texts)

    def _labels(self, task: Task) -> tuple[str, ...]:
        """What the figures of a task owe to what its encoder learned from."""
        if self._recipe is None:
            return row_encoder(self.experiment.row).labels()
        selected = ("dev-selected",) if self._recipe[0].training.keep == "best" else ()
        return (*transductive(self._learned, task), *selected)

    @cached_property
    def _learned(self) -> set[str]:
        """The sentences that the encoder is trained on, normalised."""
        rows = self._recipe[1] if self._recipe is not None else {}
        return {normalise(text) for name in SENTENCES if name in rows for text in rows[name]}


def _unmeasured(column: Column, found: Evaluation) -> str:
    """That a figure is not there, and which there are."""
    there = [" ".join(filter(None, name[2:])) for name in found.by_key if name[:2] == (column.task, column.split)]
    wanted = " ".join(filter(None, (column.subset, column.metric)))
    said = f" There is no {wanted}; there are {', '.join(there)}." if there else ""
    return f"{column.name} could not be measured.{said}"


def _grouped(places: list[Place]) -> Iterator[list[Place]]:
    """Places of one suite, with the same splits and the same whitening, are measured together."""
    groups: dict[tuple[str, tuple[str, ...], float | None], list[Place]] = {}
    for place in places:
        groups.setdefault((place.column.suite, splits_of(place.column), place.variant.whitening), []).append(place)
    yield from groups.values()
