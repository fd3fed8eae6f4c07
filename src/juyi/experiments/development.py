"""The development set of a run: figures while it trains, scores in the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from juyi.data import ScoredPairs, read_scored_pairs
from juyi.errors import DataError, UsageError
from juyi.evaluation import evaluate_suite
from juyi.experiments.recipe import AnyRecipe, PretrainRecipe
from juyi.metrics import Bootstrap
from juyi.tasks import ALL, STS, Geometry, Task
from juyi.types import Encode, Score

_PREFIX = "dev_"
_FIGURE = "dev"


class Development:
    """Scored pairs that the training is watched on.

    Args:
        file: The pairs.
        labels: What the scores owe to the run: `dev-selected`.
    """

    def __init__(self, file: str, labels: tuple[str, ...] = ()) -> None:
        pairs = read_scored_pairs(file)
        check_scores(pairs, file)
        self._tasks: list[Task] = [
            STS("development", "dev", pairs, labels=labels),
            Geometry.of("development geometry", "dev", pairs, labels=labels),
        ]

    @classmethod
    def of(cls, recipe: AnyRecipe) -> Development | None:
        """That of a recipe; None where it measures nothing while it trains.

        Raises:
            UsageError: It shall measure, and names no pairs.
            DataError: They cannot be read, or their scores are all the same.
        """
        if isinstance(recipe, PretrainRecipe) or not recipe.training.evaluate_every:
            return None
        if not recipe.selection.pairs:
            raise UsageError("training.evaluate_every is set, so selection.pairs must name a file of scored pairs.")
        return cls(recipe.selection.pairs, ("dev-selected",) if recipe.training.keep == "best" else ())

    def figures(self, encode: Encode) -> dict[str, float]:
        """The figure of merit, `dev`, and how the vectors lie; without intervals, which would take longer than the figures.

        Raises:
            UsageError: There is no figure: the vectors have collapsed, for example.
        """
        tasks = [replace(task, bootstrap=Bootstrap(resamples=1)) for task in self._tasks]
        return {_name_of(score): score.value for score in self._measured(tasks, encode)}

    def records(self, model: str, log: Sequence[Mapping[str, Any]], encode: Encode, step: int) -> list[dict[str, Any]]:
        """The scores of a whole run: of each evaluation as the log has it, then of the final weights with their intervals.

        Args:
            model: What the records call the encoder.
            log: The records of the log.
            encode: The encoder at the end.
            step: The step that its weights are of.
        """
        final = self._measured(self._tasks, encode)
        known = {_name_of(score): score for score in final}
        before = [
            replace(known[name], value=entry[name], interval=None).as_record(model) | {"step": entry["step"]}
            for entry in log
            for name in known
            if name in entry
        ]
        return [*before, *(score.as_record(model) | {"step": step} for score in final)]

    def _measured(self, tasks: Sequence[Task], encode: Encode) -> Sequence[Score]:
        """The figures of all pairs; sub-tasks are left out."""
        found = evaluate_suite(tasks, encode)
        if found.problems:
            raise UsageError(" ".join(found.problems))
        return [score for score in found.scores if score.subset in ("", ALL)]


def check_scores(pairs: ScoredPairs, path: str | None = None) -> None:
    """Refuse, before anything is trained, pairs on which nothing can be measured.

    Raises:
        DataError: There are fewer than two, or their scores are all the same.
    """
    if len(pairs) < 2 or float(np.ptp(pairs.scores)) == 0:
        found = (
            f"all {len(pairs)} pairs have the score {pairs.scores[0]:g}" if len(pairs) > 1 else f"there are {len(pairs)} pairs"
        )
        raise DataError(
            f"{found}, and nothing can be measured on them: a correlation needs pairs that differ in how alike they are. Label "
            "some that mean the same and some that do not, or leave these pairs out.",
            path=path,
        )


def _name_of(score: Score) -> str:
    """What the log calls a figure."""
    return _FIGURE if score.metric == "spearman" else _PREFIX + score.metric
