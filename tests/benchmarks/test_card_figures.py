"""The figures of a card come from the measured scores, and nothing else of the card changes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "benchmarks" / "card_figures.py"
TASKS = ("STS-B", "LCQMC", "BQ", "ATEC", "PAWSX")
CARD = """---
language: [zh, en]
version: 7
model-index:
- name: toy
  results:
  - task: {type: sentence-similarity}
    dataset: {name: STS-B, type: stsb, split: test}
    metrics: [{type: spearman, value: 69.3}]
license: mit
---

# toy

Before.

<!-- figures -->
old
<!-- end -->

<!-- study -->
<!-- end -->

After: 12.3.
"""


def record(model: str, task: str, value: float, split: str = "test", subset: str = "") -> dict[str, Any]:
    interval = [value - 1.04, value + 1.06]
    return {"model": model, "task": task, "split": split, "subset": subset, "value": value, "interval": interval}


def trained(variant: str, seed: int | None, value: float, task: str = "bq", model: str = "toy") -> dict[str, Any]:
    gains = {} if seed is None else {"minus_raw": [value - 20, value - 21.04, value - 19.0], "minus_whitening": [0, 0, 0]}
    interval = [value - 1, value + 1]
    return {
        "model": model,
        "task": task,
        "split": "test",
        "variant": variant,
        "seed": seed,
        "value": value,
        "interval": interval,
        **gains,
    }


def written(
    folder: Path, records: list[dict[str, Any]], card: str = CARD, study: list[dict[str, Any]] | None = None
) -> tuple[subprocess.CompletedProcess[str], str]:
    (folder / "README.md").write_text(card, encoding="utf-8")
    command = [sys.executable, SCRIPT, "--model", "toy", "--card", folder / "README.md"]
    for name, lines in (("scores", records), ("study", study)):
        if lines is not None:
            (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n", encoding="utf-8")
            command += [f"--{name}", folder / f"{name}.jsonl"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done, (folder / "README.md").read_text(encoding="utf-8")


def test_index_and_table_are_those_of_the_test_splits(tmp_path: Path) -> None:
    right = [record("toy", task, 10.0 * i + 0.26) for i, task in enumerate(TASKS, start=1)]
    wrong = [record("toy", "STS-B", 99, split="dev"), record("toy", "STSBenchmark", 98), record("other", "BQ", 97)]
    wrong.append(record("toy", "ATEC", 96, subset="mean"))
    done, card = written(tmp_path, [*wrong, *right, *wrong, record("toy + whitening", "BQ", 5.0)])
    assert done.returncode == 0, done.stderr
    results = ModelCard.load(tmp_path / "README.md").data.eval_results or []
    assert {result.dataset_name: result.metric_value for result in results} == {
        "STS-B": 10.3, "LCQMC": 20.3, "BQ": 30.3, "ATEC": 40.3, "PAWSX": 50.3
    }  # fmt: skip
    assert card.count("- name: toy") == card.count("name: STS-B,") == card.count("license: mit") == 1 and "69.3" not in card
    assert "| raw | 10.3 (9.2 – 11.3) | 20.3 (19.2 – 21.3) |" in card
    assert "| whitening, fitted on the sentences of the split | – | – | 5.0 (4.0 – 6.1) | – | – |" in card
    assert card.startswith(CARD.split("model-index", maxsplit=1)[0]) and "Before.\n\n<!-- figures -->\n|  | STS-B |" in card
    assert card.endswith(CARD.split("<!-- figures -->\nold\n")[1]) and "old" not in card


def test_the_study_is_a_row_a_task_with_all_its_seeds(tmp_path: Path) -> None:
    bq = [trained("raw", None, 20), trained("whitening", None, 21), trained("simcse", 1, 25), trained("simcse+whitening", 1, 22)]
    bq += [trained("simcse", 2, 19.04), trained("simcse+whitening", 2, 23)]
    others = [trained("raw", None, 77, model="other"), trained("raw", None, 30, task="stsb")]
    scores = [record("toy", task, 1.0) for task in TASKS]
    done, card = written(tmp_path, scores, study=[*others, *bq])
    assert done.returncode == 0, done.stderr
    rows = [line for line in card.split("<!-- study -->")[1].split("<!-- end -->")[0].splitlines() if line.startswith("|")]
    assert rows[2:] == [
        "| STS-B | 30.0 (29.0 – 31.0) | – | – | – | – |",
        "| BQ | 20.0 (19.0 – 21.0) | 21.0 (20.0 – 22.0) | 25.0, 19.0 | +5.0 (+4.0 – +6.0), -1.0 (-2.0 – +0.0) | 22.0, 23.0 |",
    ]
    done, _ = written(tmp_path, scores, study=others[:1])
    assert done.returncode == 1 and "says nothing of this model" in done.stderr


@pytest.mark.parametrize("kept", [TASKS[:-1], ()])
def test_a_missing_figure_is_named_and_the_card_left_alone(tmp_path: Path, kept: tuple[str, ...]) -> None:
    done, card = written(tmp_path, [record("toy", task, 1.0) for task in kept])
    assert done.returncode == 1 and "PAWSX" in done.stderr and "Traceback" not in done.stderr
    assert card == CARD


def test_a_card_without_places_is_refused(tmp_path: Path) -> None:
    done, card = written(tmp_path, [record("toy", task, 1.0) for task in TASKS], "# toy\n")
    assert done.returncode == 1 and "no model-index" in done.stderr and card == "# toy\n"
    bare = CARD.replace("<!-- figures -->", "")
    done, card = written(tmp_path, [record("toy", task, 1.0) for task in TASKS], bare)
    assert done.returncode == 1 and "<!-- figures -->" in done.stderr and card == bare


@pytest.mark.parametrize("model", ["mini", "mini-base"])
def test_the_cards_that_ship_have_places(model: str, tmp_path: Path) -> None:
    card = (ROOT / "src" / "juyi" / "assets" / model / "README.md").read_text(encoding="utf-8")
    done, after = written(tmp_path, [record("toy", task, 1.0) for task in TASKS], card)
    assert done.returncode == 0, done.stderr
    assert after != card
