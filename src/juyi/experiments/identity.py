"""What makes a run the run that it is: its settings, and the contents of all that it reads."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from juyi.augmentation import MaskedLMSubstitute, Synonyms
from juyi.experiments.examples import Examples
from juyi.experiments.load import resolved
from juyi.experiments.recipe import AnyRecipe, PretrainRecipe, TrainRecipe, recipe_teachers, trained_objective
from juyi.experiments.source_files import file_digest, source_digests
from juyi.hub import folder_digest, resolve
from juyi.objectives import SimCSEUnsupervised
from juyi.teachers import is_package, teacher_digest
from juyi.tokenization.words import MANIFEST

_FORMAT = 2
"""Goes up when the code changes so that the same recipe and files would give another model. juyi's version is not counted: a
release that changes nothing about training must not make finished runs start anew."""


@dataclass(frozen=True)
class Reading:
    """All that a run reads, as digests.

    Attributes:
        settings: Of what a setting names, by the setting: `encoder.model`, `selection.pairs`, `teachers.0.model`.
        files: Of the files of the sources by their names, or of the given rows under `rows`.
        packages: Versions of the libraries whose dictionaries decide what is learned, where words are cut.
    """

    settings: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    packages: dict[str, str] = field(default_factory=dict)

    @property
    def digests(self) -> dict[str, str]:
        """All digests, settings first."""
        return {**self.settings, **self.files}


def what_is_read(recipe: AnyRecipe, *, rows: Examples | None = None, data: Path | None = None) -> Reading:
    """The contents that decide what comes out of a recipe.

    Args:
        recipe: What is to be done.
        rows: The rows that are learned from, where they are given.
        data: The folder of the sources, where the recipe names some.

    Raises:
        UsageError: A file of the sources is not in the folder.
        DataError: Another file cannot be read.
        ModelError: A model does not exist.
    """
    settings: dict[str, str] = {}
    files: dict[str, str] = {}
    if not isinstance(recipe, PretrainRecipe):
        settings["encoder.model"] = folder_digest(resolve(recipe.encoder.model))
        if recipe.selection.pairs:
            settings["selection.pairs"] = file_digest(recipe.selection.pairs)
        settings |= _augmentation(recipe)
    if isinstance(recipe, TrainRecipe):
        files = {"rows": rows_digest(rows or {})}
    elif data is not None:
        files = source_digests(recipe.sources, data)
    for number, teacher in enumerate(recipe_teachers(recipe)):
        name = "teacher" if getattr(recipe, "teacher", "") else f"teachers.{number}.model"
        settings[name] = teacher_digest(teacher.model)
    return Reading(settings, files, _packages(recipe))


def run_hash(recipe: AnyRecipe, reading: Reading) -> str:
    """Twelve hexadecimal digits that change when any setting does, or the contents of anything that is read.

    Where a model or a file lies does not matter, only what is in it.
    """
    tables = resolved(recipe)
    if tables["objective"]["matryoshka"] is None:  # runs that were finished before there was such a setting are the same runs
        del tables["objective"]["matryoshka"]
    for setting in (*reading.settings, "data.texts", "data.pairs"):
        _blank(tables, setting.split("."))
    whole = [_FORMAT, tables, reading.settings, reading.files, reading.packages]
    return hashlib.sha256(json.dumps(whole, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:12]


def rows_digest(rows: Examples) -> str:
    """SHA-256 of rows: the names of the columns and every cell. That all rows are of one file says nothing and is left out."""
    digest = hashlib.sha256()
    for name, column in rows.items():
        if name == "source" and len(set(column)) <= 1:
            continue
        digest.update(json.dumps([name, len(column)]).encode())
        for cell in column:
            digest.update(json.dumps(str(cell)).encode() + b"\n")
    return digest.hexdigest()


def _blank(tables: Any, keys: list[str]) -> None:
    *parents, last = keys
    for parent in parents:
        tables = tables[int(parent)] if isinstance(tables, list | tuple) else tables.get(parent) or {}
    if last in tables:
        tables[last] = ""


def _augmentation(recipe: AnyRecipe) -> dict[str, str]:
    if not isinstance(recipe.objective, SimCSEUnsupervised):
        return {}
    match recipe.objective.augmentation:
        case MaskedLMSubstitute(model=model):
            return {"objective.augmentation.model": folder_digest(resolve(model))}
        case Synonyms(table=table) if table:
            return {"objective.augmentation.table": file_digest(table)}
        case Synonyms(vectors=vectors):
            return {"objective.augmentation.vectors": file_digest(vectors)}
        case _:
            return {}


def _packages(recipe: AnyRecipe) -> dict[str, str]:
    names: set[str] = set()
    if isinstance(recipe, PretrainRecipe):
        vocabulary = recipe.vocabulary
        if vocabulary.kind == "unigram":
            names = {"sentencepiece", *(["jieba"] if vocabulary.words else []), *(["opencc"] if vocabulary.simplify else [])}
    elif recipe.encoder.tokenization == "words" or any(map(_cuts_words, _models(recipe))):
        names = {"jieba"}
    masked = [recipe.objective, getattr(recipe, "masked_lm", None)]
    if "raw" in trained_objective(recipe).columns or any(getattr(each, "whole_words", False) for each in masked):
        names.add("jieba")
    return {name: _version(name) for name in sorted(names)}


def _models(recipe: AnyRecipe) -> list[Path]:
    if isinstance(recipe, PretrainRecipe):
        return []
    teachers = [teacher.model for teacher in recipe_teachers(recipe) if not is_package(teacher.model)]
    return [resolve(model) for model in (recipe.encoder.model, *teachers)]


def _cuts_words(folder: Path) -> bool:
    """Whether a model reads jieba's words: ours say so, RoFormer's Chinese ones are known by their type."""
    config = folder / "config.json"
    return any(folder.rglob(MANIFEST)) or (config.is_file() and '"roformer"' in config.read_text(encoding="utf-8"))


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "none"
