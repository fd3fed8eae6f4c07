"""The figures of a card come from tables that were run, and nothing else of the card changes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import card_figures

ROOT = Path(__file__).parents[2]
COLUMNS = ("STS-B test", "LCQMC", "BQ", "ATEC", "PAWSX")
CARD = """---
language: [zh, en]
version: 7
model-index:
- name: mini
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


def outcome(row: str, column: str, value: float | None, variant: str = "raw") -> dict[str, Any]:
    interval = None if value is None else [value - 1.04, value + 1.06]
    usual = {
        "published": None,
        "verdict": "no figure",
        "seeds": {},
        "count": 9,
        "units": 9,
        "labels": [],
        "reason": "",
        "runs": [],
    }
    return {**usual, "row": row, "column": column, "variant": variant, "value": value, "interval": interval}


def figures(count: int = 5) -> list[dict[str, Any]]:
    return [outcome("mini", column, 10.0 * i + 0.26) for i, column in enumerate(COLUMNS[:count], start=1)]


def written(
    folder: Path,
    outcomes: list[dict[str, Any]] | None,
    card: str = CARD,
    study: dict[str, Any] | None = None,
    model: str = "mini",
) -> str:
    """The card afterwards; the error, where there is one, is raised."""
    (folder / "README.md").write_text(card, encoding="utf-8")
    command = ["--model", model, "--card", str(folder / "README.md")]
    for name, record in (("encoders", outcomes and {"outcomes": outcomes}), ("study", study)):
        if record is not None:
            (folder / name).mkdir(exist_ok=True)
            whole = {
                **dict.fromkeys(("title", "conditions", "source", "link"), ""),
                "published": [],
                "axes": [],
                "differences": [],
            }
            columns = [*dict.fromkeys(each["column"] for each in record["outcomes"])]
            whole |= {"columns": columns, "metrics": ["spearman"] * len(columns)}
            (folder / name / "table.json").write_text(json.dumps(whole | record), encoding="utf-8")
            command += [f"--{name}", str(folder / name)]
    card_figures.main(command)
    return (folder / "README.md").read_text(encoding="utf-8")


def test_index_and_table_are_those_of_the_test_splits(tmp_path: Path) -> None:
    others = [outcome("mini", "STS-B dev", 99), outcome("other", "BQ", 97), outcome("mini", "BQ", 5.0, "whitening")]
    card = written(tmp_path, [*others, *figures(), outcome("mini", "ATEC", None, "whitening")])
    results = ModelCard.load(tmp_path / "README.md").data.eval_results or []
    assert {result.dataset_name: result.metric_value for result in results} == {
        "STS-B": 10.3, "LCQMC": 20.3, "BQ": 30.3, "ATEC": 40.3, "PAWSX": 50.3
    }  # fmt: skip
    assert card.count("- name: mini") == card.count("name: STS-B,") == card.count("license: mit") == 1 and "69.3" not in card
    assert "| raw | 10.3 (9.2 – 11.3) | 20.3 (19.2 – 21.3) |" in card
    assert "| whitening | – | – | 5.0 (4.0 – 6.1) | – | – |" in card
    assert card.startswith(CARD.split("model-index", maxsplit=1)[0]) and "Before.\n\n<!-- figures -->\n|  | STS-B |" in card
    assert card.endswith(CARD.split("<!-- figures -->\nold\n")[1]) and "old" not in card


def test_the_study_is_that_of_the_pooling_of_the_model(tmp_path: Path) -> None:
    row = "mini, last-avg"
    outcomes = [
        outcome("mini, cls", "BQ", 77),
        outcome(row, "BQ", 20),
        outcome(row, "BQ", 25, "SimCSE"),
        outcome(row, "PAWSX", 9),
    ]
    gain = {"row": row, "column": "BQ", "variant": "SimCSE", "against": "raw", "value": 5.0, "interval": [4.0, 6.0]}
    study = {"outcomes": outcomes, "differences": [gain, gain | {"row": "mini, cls", "value": 1.0}]}
    card = written(tmp_path, None, study=study)
    rows = [line for line in card.split("<!-- study -->")[1].split("<!-- end -->")[0].splitlines() if line.startswith("|")]
    assert rows[2:] == [
        "| raw | – | – | 20.0 (19.0 – 21.1) | – | 9.0 (8.0 – 10.1) |",
        "| SimCSE | – | – | 25.0 (24.0 – 26.1) | – | – |",
        "| SimCSE − raw | – | – | +5.0 (+4.0 – +6.0) | – | – |",
    ]
    with pytest.raises(SystemExit, match="says nothing of 'mini, last-avg'"):
        written(tmp_path, None, study=study | {"outcomes": outcomes[:1]})


@pytest.mark.parametrize("kept", [1, 4])
def test_a_missing_figure_is_named_and_the_card_left_alone(tmp_path: Path, kept: int) -> None:
    with pytest.raises(SystemExit, match="PAWSX"):
        written(tmp_path, figures(kept))
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == CARD


@pytest.mark.parametrize(
    ("card", "reason"), [("# toy\n", "no model-index"), (CARD.replace("<!-- figures -->", ""), "<!-- figures -->")]
)
def test_a_card_without_places_is_refused(tmp_path: Path, card: str, reason: str) -> None:
    with pytest.raises(SystemExit, match=reason):
        written(tmp_path, figures(), card)
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == card


@pytest.mark.parametrize("model", ["mini", "mini-base"])
def test_the_cards_that_ship_show_what_was_measured(model: str, tmp_path: Path) -> None:
    card, studies = tmp_path / "README.md", ROOT / "docs" / "results" / "studies"
    shipped = (ROOT / "src" / "juyi" / "assets" / model / "README.md").read_text(encoding="utf-8")
    card.write_text(shipped, encoding="utf-8")
    records = ["--encoders", str(studies / "encoders-chinese.json"), "--study", str(studies / "simcse-and-whitening.json")]
    card_figures.main(["--model", model, "--card", str(card), *records])
    assert card.read_text(encoding="utf-8") == shipped
