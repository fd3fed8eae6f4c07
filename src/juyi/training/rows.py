"""The rows of a run: the columns that an objective names, some of them held out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from juyi.errors import TrainingError
from juyi.objectives import WORDS, Objective
from juyi.tokenization import SubwordTokenizer, TokenIds, WordTokenizer, row_words
from juyi.training.settings import TrainingSettings

Rows = Mapping[str, Sequence[Any] | NDArray[Any]]
"""Column name to rows: tokenized sentences, or whatever else the objective's columns hold.

Three columns are for the loop itself. `origin`: rows with equal numbers are copies of one, and no copy of a row that is held out
is learned from. `keys`, (rows, k): what a row means; rows that share a number never come into one batch where `distinct_batches`
says so. `source`: the number of a row's data set.
"""


def count_rows(rows: Rows, objective: Objective) -> int:
    """How many rows there are.

    Raises:
        TrainingError: A column is missing, or the columns are not equally long.
    """
    missing = [name for name in objective.columns if name not in rows]
    if missing:
        raise TrainingError(f"The objective needs the columns {', '.join(objective.columns)}; {', '.join(missing)} is missing.")
    counts = {len(column) for column in rows.values()}
    if len(counts) != 1:
        lengths = ", ".join(f"{name} has {len(column)} rows" for name, column in rows.items())
        raise TrainingError(f"The columns are not equally long: {lengths}.")
    return counts.pop()


def word_columns(
    objective: Objective, texts: Mapping[str, Sequence[str]], rows: Rows, tokenizer: SubwordTokenizer | WordTokenizer
) -> Rows:
    """The columns that an objective needs to hide words whole; none for most.

    Args:
        objective: Whose columns.
        texts: The columns of sentences as they were written.
        rows: The same tokenized.
        tokenizer: Made the one from the other.
    """
    wanted = [name for name in objective.columns if name in WORDS]
    return {name: row_words(texts[WORDS[name]], cast(Sequence[TokenIds], rows[WORDS[name]]), tokenizer) for name in wanted}


def take_rows(rows: Rows, indices: NDArray[np.intp]) -> dict[str, list[Any]]:
    """Some of the rows."""
    return {name: [column[i] for i in indices] for name, column in rows.items()}


def hold_out(rows: Rows, count: int, settings: TrainingSettings) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The numbers of the rows that are held out and of those that are learned from.

    Raises:
        TrainingError: So many cannot be held out.
    """
    if not settings.held_out:
        return np.zeros(0, dtype=np.intp), np.arange(count)
    if settings.held_out < 2 or settings.held_out >= count:
        raise TrainingError(f"training.held_out is {settings.held_out}; of {count} rows 2 to {count - 1} can be held out.")
    order = np.random.default_rng([settings.seed, settings.held_out]).permutation(count)
    held_out, learned = np.sort(order[: settings.held_out]), np.sort(order[settings.held_out :])
    if "origin" in rows:
        numbers = np.asarray(rows["origin"])
        learned = learned[~np.isin(numbers[learned], numbers[held_out])]
    return held_out, learned
