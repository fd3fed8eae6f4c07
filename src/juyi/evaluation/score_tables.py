"""Scores as tables: one row a task, or a sub-task, or a metric."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from juyi.evaluation.compare import Comparison
from juyi.metrics import Difference, mean_interval
from juyi.tasks import ALL, MEAN, WEIGHTED_MEAN, BootstrappedScore
from juyi.types import Interval, Score

Key = tuple[str, str, str, str]


def score_rows(found: Sequence[BootstrappedScore], overlap: Mapping[Key, BootstrappedScore]) -> list[dict[str, Any]]:
    """The rows of a table of one encoder's figures, for people.

    The mean and the weighted mean over sub-tasks stand in the row of the task. Where word overlap was measured, its figure and
    the paired difference to it stand beside each figure.

    Args:
        found: The figures.
        overlap: Those of word overlap, by key.
    """
    by_key = {each.key: each for each in found}
    metrics = {each.score.metric for each in found}
    pooled = any(each.score.subset == MEAN for each in found)
    rows = []
    for each in found:
        score = each.score
        if score.subset in (MEAN, WEIGHTED_MEAN):
            continue
        row: dict[str, Any] = {"task": task_text(score), "n": count_text(score)}
        if len(metrics) > 1:
            row["metric"] = score.metric
        row["value" if len(metrics) > 1 else score.metric] = score_text(score)
        row["95 %"] = interval_text(score.interval)
        if pooled:
            for name in (MEAN, WEIGHTED_MEAN):
                mean = by_key.get((score.task, score.split, name, score.metric)) if score.subset == ALL else None
                row[name] = "" if mean is None else score_text(mean.score)
        if overlap:
            row |= _beside(each, overlap.get(each.key))
        row["labels"] = ", ".join(score.labels)
        rows.append(row)
    return _tidied(rows)


def comparison_rows(compared: Sequence[Comparison]) -> list[dict[str, Any]]:
    """The rows of a table, for people."""
    metrics = {each.first.metric for each in compared}
    rows = []
    for each in compared:
        row: dict[str, Any] = {"task": task_text(each.first), "n": count_text(each.first)}
        row |= {"metric": each.first.metric} if len(metrics) > 1 else {}
        row |= {"first": score_text(each.first), "second": score_text(each.second)}
        row["difference"] = f"{each.value:+.2f}" if each.difference is None else difference_text(each.difference)
        rows.append(row | {"second is": each.standing, "labels": ", ".join(each.labels)})
    return _tidied(rows)


def markdown_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows of one shape as a table in Markdown, every line with its end; empty where there are none. Figures go to the right."""
    if not rows:
        return ""
    cells = [[_markdown_cell(value) for value in row.values()] for row in rows]
    marks = ["---:" if all(map(_is_figure, column)) else "---" for column in zip(*cells, strict=True)]
    return "".join(f"| {' | '.join(line)} |\n" for line in ([*rows[0]], marks, *cells))


def task_text(score: Score) -> str:
    """Task and split, or the sub-task, indented under its task."""
    return f"{score.task} {score.split}" if score.subset in ("", ALL) else f"  {score.subset}"


def count_text(score: Score) -> str:
    """How many items there are, and in how many groups where not each is independent of the others: "10000 in 644"."""
    return f"{score.count}" if score.units in (None, score.count) else f"{score.count} in {score.units}"


def flat_record(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record as a row of a csv file."""
    low, high = record["interval"] or (None, None)
    kept = {name: value for name, value in record.items() if name not in ("interval", "labels", "values")}
    return kept | {"low": low, "high": high, "labels": " ".join(record["labels"])}


def seed_rows(runs: Sequence[Sequence[BootstrappedScore]]) -> list[dict[str, Any]]:
    """The mean over the runs of one recipe with different seeds, with the interval that their spread gives.

    The interval says where the mean over all seeds lies (Student's t over the runs); that of a single figure says what other
    pairs would have changed.

    Args:
        runs: The figures of each run; what one of them lacks is left out.

    Raises:
        UsageError: There are fewer than two runs, or a figure is not finite.
    """
    by_key = [{each.key: each.score for each in run} for run in runs]
    rows = []
    for key in by_key[0]:
        if not all(key in run for run in by_key):
            continue
        scores = [run[key] for run in by_key]
        score, values = scores[0], [each.value for each in scores]
        spread = mean_interval(values)
        row: dict[str, Any] = {"task": score.task, "split": score.split, "subset": score.subset, "metric": score.metric}
        row |= {"value": float(np.mean(values)), "interval": [spread.low, spread.high], "seeds": len(values)}
        labels = list(dict.fromkeys(label for each in scores for label in each.labels))
        rows.append(row | {"values": values, "count": score.count, "units": score.units, "labels": labels})
    return rows


def short_seed_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of `seed_rows` for people."""
    spread = Interval(*row["interval"])
    places = max(2, _places(spread))
    short = {name: row[name] for name in ("task", "split", "subset", "metric")}
    each = " ".join(f"{value:.{places}f}" for value in row["values"])
    return {
        **short,
        "n": row["count"],
        "mean": f"{row['value']:.{places}f} ± {(spread.high - spread.low) / 2:.{places}f}",
        "each": each,
        "labels": ", ".join(row["labels"]),
    }


def score_text(score: Score) -> str:
    """A value with the two places of published tables, or more where its interval is narrower than they can show."""
    return f"{score.value:.{max(2, _places(score.interval))}f}"


def interval_text(interval: Interval | None, sign: str = "") -> str:
    """An interval with as many places as its width deserves.

    Args:
        interval: The interval, or None for nothing.
        sign: "+" for a sign before positive ends too.
    """
    places = _places(interval)
    return "" if interval is None else f"{interval.low:{sign}.{places}f} – {interval.high:{sign}.{places}f}"


def difference_text(difference: Difference) -> str:
    """A difference with its interval, both with signs."""
    return f"{difference.value:+.{_places(difference.interval)}f} ({interval_text(difference.interval, '+')})"


def _places(interval: Interval | None) -> int:
    return 1 if interval is None else interval.decimals


def _beside(each: BootstrappedScore, other: BootstrappedScore | None) -> dict[str, str]:
    difference = None if other is None else each.difference(other)
    if other is None or difference is None:  # a threshold on one scale says nothing of one on another
        return {"overlap": "", "against it": ""}
    return {"overlap": score_text(other.score), "against it": difference_text(difference)}


def _tidied(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows without a column of labels that is empty, and with the task named only where it changes."""
    if not any(row["labels"] for row in rows):
        rows = [{name: value for name, value in row.items() if name != "labels"} for row in rows]
    last = ""
    for row in rows:
        last, row["task"] = row["task"], "" if row["task"] == last else row["task"]
    return rows


def _markdown_cell(value: Any) -> str:
    if value is None:
        return "–"
    return (f"{value:.4g}" if isinstance(value, float) else str(value)).replace("|", "\\|")


def _is_figure(cell: str) -> bool:
    """Whether a cell is a number, whatever stands behind it, or a dash for none."""
    return re.match(r"[+−-]?\d|–$", cell) is not None
