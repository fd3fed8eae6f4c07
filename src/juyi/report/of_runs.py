"""The sections of a run: its curves while it trained, what came out, every setting, what it ran on."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from juyi.language import translated as _
from juyi.report.sections import Cell, Grid, Paragraph, Picture, Point, Section
from juyi.report.words import Record, decimals, environment_section, facts, interval_words

_CURVES = {
    "loss": "loss",
    "dev": "Spearman, development pairs",
    "alignment": "alignment",
    "uniformity": "uniformity",
    "effective_rank": "effective rank",
    "view_cosine": "cosine of the two views",
    "gradient_norm": "gradient norm",
    "learning_rate": "learning rate",
}
"""The figures of the log that are drawn, in this order."""


def run_sections(folder: Path) -> list[Section]:
    """What a run folder holds: `recipe.toml`, `log.jsonl`, `scores.jsonl`, `environment.json`."""
    recipe = tomllib.loads((folder / "recipe.toml").read_text(encoding="utf-8"))
    log, scores = _lines(folder / "log.jsonl"), _lines(folder / "scores.jsonl")
    said = dict.fromkeys(line for record in log for key in ("note", "warning") for line in str(record.get(key, "")).splitlines())
    about = [Paragraph(text) for text in (str(recipe.get("about", "")), _source(recipe), *said) if text]
    sections = [Section(f"{recipe.get('name', '')} ({folder.name})", about)]
    if pictures := [*_pictures(log)]:
        sections.append(Section(_("While it trained"), pictures))
    if final := [record for record in scores if record.get("interval")]:
        sections.append(Section(_("In the end"), [_scores(final)]))
    settings = {name: value for name, value in recipe.items() if name not in ("about", "source", "name")}
    sections.append(Section(_("Settings"), [facts("", settings)]))
    return [*sections, *environment_section(_json(folder / "environment.json"))]


def score_cell(record: Record) -> Cell:
    """A score of the machine-readable form with its interval."""
    interval = record.get("interval")
    places = decimals(interval)
    spread = "" if interval is None else f" ({interval_words(interval, f'.{places}f')})"
    hint = _("{count} items in {units} units").format(count=record.get("count"), units=record.get("units"))
    labels = ", ".join(record.get("labels") or ())
    return Cell(f"{record['value']:.{places}f}{spread}", hint="; ".join(filter(None, [hint, labels])))


def _source(recipe: Record) -> str:
    return _("Source: {source}").format(source=recipe["source"]) if recipe.get("source") else ""


def _pictures(log: Sequence[Record]) -> Iterator[Picture]:
    for key, name in _CURVES.items():
        points = [
            Point(record["step"], float(record[key]), hint=f"{record['step']}: {record[key]:.4g}")
            for record in log
            if isinstance(record.get(key), int | float) and math.isfinite(record[key])
        ]
        if len(points) > 1:
            yield Picture(name, _("step"), "", {name: points})


def _scores(scores: Sequence[Record]) -> Grid:
    rows = [
        [
            Cell(" ".join(filter(None, [record["task"], record["split"], record["subset"]]))),
            Cell(record["metric"]),
            score_cell(record),
        ]
        for record in scores
    ]
    return Grid([_("task"), _("metric"), _("figure")], rows)


def _lines(path: Path) -> list[dict[str, Any]]:
    """The records of a file of JSON lines; a last one that is being written is left out."""
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


def _json(path: Path) -> Record | None:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
