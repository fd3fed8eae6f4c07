"""What a recipe's objective learns from: sentences, pairs, triplets, scored or labelled pairs; read, selected, tokenized."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from juyi.data import (
    PathLike,
    ReadOptions,
    normalise,
    read_labelled_pairs,
    read_pairs,
    read_scored_pairs,
    read_texts,
)
from juyi.encoder import Encoder
from juyi.errors import ColumnsError, DataError, UsageError
from juyi.experiments.recipe import DataSettings
from juyi.metrics import connected
from juyi.objectives import SBERT, SENTENCES, WORDS, Objective, SimCSESupervised
from juyi.tasks.triplets import read_any_triplets
from juyi.training import Rows
from juyi.types import Log

Examples = Mapping[str, Sequence[Any]]
"""Column name to what stands in it, sentences as they were written; `source` is the number of the file."""

_SHAPES = {
    ("text",): "unlabelled sentences",
    ("anchor", "positive"): "pairs (anchor, positive)",
    ("anchor", "positive", "negative"): "triplets (anchor, positive, negative)",
    ("first", "second", "score"): "scored pairs (sentence, sentence, score)",
    ("first", "second", "label"): "labelled pairs (sentence, sentence, label)",
}


def read_examples(objective: Objective, settings: DataSettings, log: Log = lambda _: None) -> Examples:
    """The files that the settings name, one after the other.

    Where triplets are needed and a file holds entailments, neutrals and contradictions, they are put together: a premise, what it
    entails, what contradicts it.

    Args:
        objective: Says which columns are needed.
        settings: Name the files, and how they are read.
        log: Hears how each was understood.

    Raises:
        UsageError: The objective needs other rows than the files are said to hold, or none that files give.
        DataError: There is no file, or it cannot be read.
    """
    shape = _shape(objective)
    files, option = (settings.texts, "--texts") if shape == ("text",) else (settings.pairs, "--pairs")
    if not files:
        given = " What was given are unlabelled sentences (--texts)." if settings.texts else ""
        given = given or (" What was given are pairs (--pairs)." if settings.pairs else "")
        raise DataError(f"The objective learns from {_SHAPES[shape]}; name a file of them with {option}.{given}")
    try:
        parts = [_read(shape, file, settings, log) for file in files]
    except ColumnsError as error:
        if isinstance(objective, SimCSESupervised) and objective.hard_negatives:
            raise DataError(f"{error} For pairs without hard negatives: --set objective.hard_negatives=false.") from error
        raise
    joined: dict[str, list[Any]] = {name: [row for part in parts for row in part[name]] for name in shape}
    joined["source"] = [number for number, part in enumerate(parts) for _ in part[shape[0]]]
    return joined


class ChosenExamples(dict[str, Sequence[Any]]):
    """Examples that were selected already: a run takes them as they are."""


def select_examples(examples: Examples, settings: DataSettings) -> ChosenExamples:
    """Distinct rows where asked for, the first of each kind, then a random sample where one is smaller."""
    chosen = np.arange(len(next(iter(examples.values()))))
    if settings.distinct:
        _, firsts = np.unique(_numbers(examples), axis=0, return_index=True)
        chosen = np.sort(firsts)
    chosen = chosen[_sample(len(chosen), settings)]
    return ChosenExamples((name, [column[i] for i in chosen.tolist()]) for name, column in examples.items())


def select_sentences(texts: Sequence[str], settings: DataSettings) -> list[str]:
    """As `select_examples`, for sentences alone."""
    return list(select_examples({"text": texts}, settings)["text"])


def sample_sentences(distinct: Sequence[str], settings: DataSettings) -> ChosenExamples:
    """What `select_examples` makes of sentences that are known to be distinct: the sample alone is drawn."""
    return ChosenExamples(text=[distinct[i] for i in _sample(len(distinct), settings).tolist()])


def example_rows(examples: Examples, objective: Objective, encoder: Encoder) -> Rows:
    """The columns that the objective names, sentences tokenized; `keys` and `source` as the batches need them.

    Raises:
        DataError: There are other labels than the objective has classes.
    """
    rows: dict[str, Any] = {"keys": _keys(examples)}
    for name, column in examples.items():
        rows[name] = encoder.tokenize(column) if name in SENTENCES else column
    if "raw" in objective.columns:
        rows["raw"] = examples["text"]
    if "label" in examples:
        rows["label"] = _label_numbers(examples["label"], objective)
    return rows


def _sample(count: int, settings: DataSettings) -> NDArray[np.intp]:
    """The places of the sample that the settings ask for; all of them in their order where none is smaller."""
    if not settings.sample or settings.sample >= count:
        return np.arange(count)
    return np.random.default_rng(settings.seed).choice(count, settings.sample, replace=False)


def _shape(objective: Objective) -> tuple[str, ...]:
    shape = tuple(column for column in objective.columns if column != "raw" and column not in WORDS)
    if shape not in _SHAPES:
        raise UsageError(
            f"The objective needs the columns {', '.join(objective.columns)}, which no file of sentences or pairs gives. "
            "Recipes of the kind train-on-sources make them: see `juyi recipes list`."
        )
    return shape


def _read(shape: tuple[str, ...], file: PathLike, settings: DataSettings, log: Log) -> Examples:
    options: ReadOptions = settings.arguments(log)
    match shape:
        case ("text",):
            return {"text": read_texts(file, **options).texts}
        case ("anchor", "positive"):
            pairs = read_pairs(file, **options)
            return {"anchor": pairs.anchors, "positive": pairs.positives}
        case ("anchor", "positive", "negative"):
            triplets = read_any_triplets(file, **options)
            return {"anchor": triplets.anchors, "positive": triplets.positives, "negative": triplets.negatives}
        case ("first", "second", "score"):
            scored = read_scored_pairs(file, **options)
            return {"first": scored.first, "second": scored.second, "score": scored.scores.tolist()}
        case _:
            labelled = read_labelled_pairs(file, **options)
            return {"first": labelled.first, "second": labelled.second, "label": labelled.labels}


def _numbers(examples: Examples) -> NDArray[np.int64]:
    """Of each row the numbers of its sentences; sentences that differ in case, width, punctuation or spaces only have the same.

    Shapes:
        result: (rows, columns of sentences).
    """
    known: dict[str, int] = {}
    columns = [
        [known.setdefault(normalise(text), len(known)) for text in column]
        for name, column in examples.items()
        if name in SENTENCES
    ]
    return np.array(columns, dtype=np.int64).T


def _keys(examples: Examples) -> NDArray[np.int64]:
    """What each row means: its sentences, or of pairs the group of paraphrases that they belong to.

    Who is paired with one and the same sentence means the same, and so on: such rows are no negatives of each other. The second
    side of a triplet often says less than the first (entailment), so there sentences count as the same only where they are.

    Shapes:
        result: (rows, numbers).
    """
    numbers = _numbers(examples)
    if "positive" not in examples or "negative" in examples:
        return numbers
    return connected(numbers.tolist())[:, None].astype(np.int64)


def _label_numbers(labels: Sequence[str], objective: Objective) -> list[int]:
    """The labels as numbers, in the order of the alphabet."""
    names = sorted(set(labels))
    if isinstance(objective, SBERT) and len(names) != objective.classes:
        shown = ", ".join(names[:6]) + (" …" if len(names) > 6 else "")
        raise DataError(
            f"There are {len(names)} labels ({shown}) and objective.classes is {objective.classes}. "
            f"Set it with --set objective.classes={len(names)}, or look whether the column is the right one."
        )
    return [names.index(label) for label in labels]
