"""Writes measured figures into a model card, so that none is typed by hand.

    python benchmarks/compare_encoders.py --zh ZH --en EN … > scores.jsonl
    python benchmarks/card_figures.py scores.jsonl --model mini --card src/juyi/assets/mini/README.md

The scores of the model's test splits become the card's `model-index`, which `juyi models list` shows, and the table between the
card's markers: raw, and after whitening where that was measured.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from juyi.atomic import write_text
from juyi.errors import DataError, JuyiError
from juyi.tasks import CHINESE_NAMES

Record = dict[str, Any]
_INDEX = re.compile(r"model-index:\n.*?(?=^---$)", re.DOTALL | re.MULTILINE)
_TABLE = re.compile(r"(?<=<!-- figures -->\n).*?(?=<!-- end -->)", re.DOTALL)
_ORDER = ("STS-B", "LCQMC", "BQ", "ATEC", "PAWSX")


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the scores, rewrite the card."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scores", type=Path, help="the lines of JSON that compare_encoders.py prints")
    parser.add_argument("--model", required=True, help="the name of the model in them")
    parser.add_argument("--card", type=Path, required=True)
    options = parser.parse_args(arguments)
    try:
        records = [json.loads(line) for line in options.scores.read_text(encoding="utf-8").splitlines() if line.strip()]
        write_text(options.card, with_figures(options.card.read_text(encoding="utf-8"), records, options.model))
    except JuyiError as error:
        sys.exit(f"Error: {error}")


def with_figures(card: str, records: Sequence[Record], model: str) -> str:
    """The card with the model's figures in place of those that it has.

    Raises:
        DataError: A figure is missing, or the card lacks the places for them.
    """
    raw = _by_task(records, model)
    if missing := [name for name in _ORDER if name not in raw]:
        raise DataError(f"The scores hold none of {model} on {', '.join(missing)} (test). Measure all five.")
    if not (_INDEX.search(card) and _TABLE.search(card)):
        raise DataError("The card has no model-index in its front matter, or no table between <!-- figures --> and <!-- end -->.")
    whitened = _by_task(records, f"{model} + whitening")
    rows = {"raw": raw} | ({"whitening, fitted on the scored sentences": whitened} if whitened else {})
    lines = [f"| | {' | '.join(_ORDER)} |", f"|---|{'---|' * len(_ORDER)}"]
    lines += [f"| {name} | {' | '.join(_figure(found.get(task)) for task in _ORDER)} |" for name, found in rows.items()]
    card = _INDEX.sub(lambda _: _index(model, raw), card)
    return _TABLE.sub(lambda _: "\n".join(lines) + "\n", card)


def _by_task(records: Sequence[Record], model: str) -> dict[str, Record]:
    names = set(CHINESE_NAMES.values())
    return {
        record["task"]: record
        for record in records
        if record["model"] == model and record["split"] == "test" and record["task"] in names and not record["subset"]
    }


def _index(model: str, raw: dict[str, Record]) -> str:
    lines = ["model-index:", f"- name: {model}", "  results:"]
    for task in _ORDER:
        kind = next(key for key, name in CHINESE_NAMES.items() if name == task)
        lines += [
            "  - task: {type: sentence-similarity}",
            f"    dataset: {{name: {task}, type: {kind}, split: test}}",
            f"    metrics: [{{type: spearman, value: {raw[task]['value']:.1f}}}]",
        ]
    return "\n".join(lines) + "\n"


def _figure(record: Record | None) -> str:
    if record is None:
        return "–"
    low, high = record["interval"]
    return f"{record['value']:.1f} ({low:.1f} – {high:.1f})"


if __name__ == "__main__":
    main()
