"""Writes measured figures into a model card, so that none is typed by hand.

    python benchmarks/compare_encoders.py --zh ZH --en EN … > scores.jsonl
    python benchmarks/simcse_study.py --data ZH --model mini > study.jsonl
    python benchmarks/card_figures.py --model mini --scores scores.jsonl --study study.jsonl --card src/juyi/assets/mini/README.md

The scores of the model's test splits become the card's `model-index`, which `juyi models list` shows, and the table that the card
marks with `figures`: raw, and after whitening where that was measured. The study becomes the table that it marks with `study`.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from juyi.atomic import write_text
from juyi.errors import DataError, JuyiError
from juyi.suites import CHINESE_NAMES
from markdown import put, table

Record = dict[str, Any]
_INDEX = re.compile(r"^model-index:\n(?:(?: |- ).*\n)*", re.MULTILINE)
_KEYS = {"STS-B": "stsb", "LCQMC": "lcqmc", "BQ": "bq", "ATEC": "atec", "PAWSX": "pawsx"}
_VARIANTS = ("raw", "whitening", "simcse", "simcse+whitening")


def main(arguments: Sequence[str] | None = None) -> None:
    """Read what was measured, rewrite the card."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="the name of the model in the files")
    parser.add_argument("--card", type=Path, required=True)
    parser.add_argument("--scores", type=Path, help="the lines of JSON that compare_encoders.py prints")
    parser.add_argument("--study", type=Path, help="the lines of JSON that simcse_study.py prints")
    options = parser.parse_args(arguments)
    try:
        card = options.card.read_text(encoding="utf-8")
        if options.scores:
            card = with_scores(card, _records(options.scores, options.model), options.model)
        if options.study:
            card = put(card, "study", _study_table(_records(options.study, options.model)))
        write_text(options.card, card)
    except JuyiError as error:
        sys.exit(f"Error: {error}")


def with_scores(card: str, records: Sequence[Record], model: str) -> str:
    """The card with the model's scores in its front matter and in its table.

    Raises:
        DataError: A score is missing, or the card lacks the places for them.
    """
    raw = _by_task(records, model)
    if missing := [name for name in _KEYS if name not in raw]:
        raise DataError(f"The scores hold none of {model} on {', '.join(missing)} (test). Measure all five.")
    if not _INDEX.search(card):
        raise DataError("The card has no model-index in its front matter. Write an empty one: 'model-index:'.")
    rows = {"raw": raw}
    if whitened := _by_task(records, f"{model} + whitening"):
        rows["whitening, fitted on the sentences of the split"] = whitened
    cells = [[name, *(_figure(found.get(task)) for task in _KEYS)] for name, found in rows.items()]
    card = _INDEX.sub(lambda _: _index(model, raw), card)
    return put(card, "figures", table(["", *_KEYS], cells))


def _records(path: Path, model: str) -> list[Record]:
    """The lines about the model and its whitened form."""
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [record for record in records if record["model"] in (model, f"{model} + whitening")]


def _by_task(records: Sequence[Record], model: str) -> dict[str, Record]:
    names = set(CHINESE_NAMES.values())
    return {
        record["task"]: record
        for record in records
        if record["model"] == model and record["split"] == "test" and record["task"] in names and not record["subset"]
    }


def _index(model: str, raw: dict[str, Record]) -> str:
    lines = ["model-index:", f"- name: {model}", "  results:"]
    for task, key in _KEYS.items():
        lines += [
            "  - task: {type: sentence-similarity}",
            f"    dataset: {{name: {task}, type: {key}, split: test}}",
            f"    metrics: [{{type: spearman, value: {raw[task]['value']:.1f}}}]",
        ]
    return "\n".join(lines) + "\n"


def _study_table(records: Sequence[Record]) -> str:
    """A row a task; where there are several seeds, one figure after the other."""
    records = [record for record in records if record["split"] == "test"]
    if not records:
        raise DataError("The study says nothing of this model on test splits. Look at the name after --model.")
    rows = []
    for name, key in _KEYS.items():
        found = {
            variant: [record for record in records if (record["task"], record["variant"]) == (key, variant)]
            for variant in _VARIANTS
        }
        if not found["raw"]:
            continue
        raw, whitening, simcse, both = found.values()
        values = [", ".join(f"{record['value']:.1f}" for record in each) or "–" for each in (simcse, both)]
        gains = ", ".join(_gain(record["minus_raw"]) for record in simcse) or "–"
        rows.append([name, _figure(raw[0]), _figure(whitening[0] if whitening else None), values[0], gains, values[1]])
    return table(["", "raw", "whitening", "SimCSE", "SimCSE − raw", "SimCSE + whitening"], rows)


def _figure(record: Record | None) -> str:
    if record is None:
        return "–"
    low, high = record["interval"]
    return f"{record['value']:.1f} ({low:.1f} – {high:.1f})"


def _gain(difference: Sequence[float]) -> str:
    value, low, high = difference
    return f"{value:+.1f} ({low:+.1f} – {high:+.1f})"


if __name__ == "__main__":
    main()
