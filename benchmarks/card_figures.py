"""Writes measured figures into a model card, so that none is typed by hand.

    juyi reproduce encoders-chinese --data DIR -o out/encoders
    juyi reproduce simcse-and-whitening --data DIR -o out/study
    python benchmarks/card_figures.py --model mini --encoders out/encoders --study out/study --card src/juyi/assets/mini/README.md

The figures of the test splits become the card's `model-index`, which `juyi models list` shows, and the table that the card marks
with `figures`: raw, and after whitening. The table that it marks with `study` is what the study says of the model with its own
pooling.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from juyi.atomic import write_text
from juyi.errors import DataError, JuyiError
from juyi.hub import resolve
from juyi.layout import read_layout
from juyi.report import read_reproduction
from juyi.suites import CHINESE_NAMES
from markdown import put, read_page, table

Outcome = Mapping[str, Any]
_INDEX = re.compile(r"^model-index:\n(?:(?: |- ).*\n)*", re.MULTILINE)
_KEYS = {name: CHINESE_NAMES[name] for name in ("stsb", "lcqmc", "bq", "atec", "pawsx")}


def main(arguments: Sequence[str] | None = None) -> None:
    """Read what was measured, rewrite the card."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="the name of the model in the tables")
    parser.add_argument("--card", type=Path, required=True)
    parser.add_argument("--encoders", type=Path, help="the output of juyi reproduce encoders-chinese")
    parser.add_argument("--study", type=Path, help="the output of juyi reproduce simcse-and-whitening")
    options = parser.parse_args(arguments)
    try:
        card = read_page(options.card)
        if options.encoders:
            card = with_scores(card, _by_variant(read_reproduction(options.encoders), options.model), options.model)
        if options.study:
            row = f"{options.model}, {read_layout(resolve(options.model)).pooling}"
            card = put(card, "study", study_table(read_reproduction(options.study), row))
        write_text(options.card, card)
    except JuyiError as error:
        sys.exit(f"Error: {error}")


def with_scores(card: str, figures: Mapping[str, Mapping[str, Outcome]], model: str) -> str:
    """The card with the model's figures in its front matter and in its table.

    Args:
        card: As it is.
        figures: By variant, then by task.
        model: Its name.

    Raises:
        DataError: A figure is missing, or the card lacks the places for them.
    """
    raw = figures.get("raw", {})
    if missing := [name for name in _KEYS.values() if name not in raw]:
        raise DataError(f"The table holds none of {model} on {', '.join(missing)} (test). Measure all five.")
    if not _INDEX.search(card):
        raise DataError("The card has no model-index in its front matter. Write an empty one: 'model-index:'.")
    lines = ["model-index:", f"- name: {model}", "  results:"]
    for key, task in _KEYS.items():
        lines += [
            "  - task: {type: sentence-similarity}",
            f"    dataset: {{name: {task}, type: {key}, split: test}}",
            f"    metrics: [{{type: spearman, value: {raw[task]['value']:.1f}}}]",
        ]
    card = _INDEX.sub(lambda _: "\n".join(lines) + "\n", card)
    return put(card, "figures", _table(figures))


def study_table(record: Mapping[str, Any], row: str) -> str:
    """A line for each variant of a row, and by how much it is above the first one.

    Raises:
        DataError: The study says nothing of the row.
    """
    figures = _by_variant(record, row)
    if not figures:
        raise DataError(f"The study says nothing of '{row}'. Look at the name after --model.")
    gains: dict[str, dict[str, Outcome]] = {}
    for each in record["differences"]:
        if each["row"] == row:
            gains.setdefault(f"{each['variant']} − {each['against']}", {})[each["column"]] = each
    return _table(figures, gains)


def _table(figures: Mapping[str, Mapping[str, Outcome]], gains: Mapping[str, Mapping[str, Outcome]] | None = None) -> str:
    lines = [[name, *(_figure(found.get(task), "") for task in _KEYS.values())] for name, found in figures.items()]
    lines += [[name, *(_figure(found.get(task), "+") for task in _KEYS.values())] for name, found in (gains or {}).items()]
    return table(["", *_KEYS.values()], lines)


def _by_variant(record: Mapping[str, Any], row: str) -> dict[str, dict[str, Outcome]]:
    """The measured figures of a row on the test splits."""
    found: dict[str, dict[str, Outcome]] = {}
    for outcome in record["outcomes"]:
        if outcome["row"] == row and outcome["value"] is not None:
            found.setdefault(outcome["variant"], {})[outcome["column"].removesuffix(" test")] = outcome
    return found


def _figure(outcome: Outcome | None, sign: str) -> str:
    if outcome is None:
        return "–"
    low, high = outcome["interval"]
    return f"{outcome['value']:{sign}.1f} ({low:{sign}.1f} – {high:{sign}.1f})"


if __name__ == "__main__":
    main()
