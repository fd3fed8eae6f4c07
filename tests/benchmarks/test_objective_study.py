"""The study's recipes can be read, what is measured on is not learned from, and its table says what was measured."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import objective_study
from juyi.data import normalise
from juyi.experiments.load import load_recipe

FOLDER = Path(objective_study.__file__).parent
EVERY = [(study, case) for study, cases in objective_study.STUDIES.items() for case in cases]


@pytest.mark.parametrize(("study", "case"), EVERY)
def test_every_case_is_a_recipe(study: str, case: str) -> None:
    one = objective_study.STUDIES[study][case]
    assert load_recipe(one.recipe, one.overrides).name == one.recipe
    assert one.files


def test_rows_with_a_measured_sentence_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "zh_nli").mkdir()
    rows = "甲是谁\t甲是什么人\t乙是谁\n丙在哪\t丙在哪里\t丁在哪\n戊何时来\t戊几时来\t己来\n"
    (tmp_path / "zh_nli" / "triplets.nli_strict.tsv").write_text(rows, encoding="utf-8")
    case = objective_study.STUDIES["objectives"]["supervised SimCSE, triplets"]
    arguments = argparse.Namespace(data=tmp_path, overrides=["training.seed=7"])
    recipe, examples = objective_study.prepared(case, arguments, "mini", {normalise("丙在哪里？"), normalise("己 来")})
    assert examples["anchor"] == ["甲是谁"] and examples["negative"] == ["乙是谁"]
    assert (recipe.training.seed, recipe.encoder.model) == (7, "mini")


def record(case: str, value: float, gain: list[float] | None = None, **more: Any) -> dict[str, Any]:
    gains = {} if gain is None else {"minus_raw": gain, "rows": 4504}
    return {"study": "objectives", "model": "mini", "case": case, "task": "stsb", "value": value, **gains, **more}


def test_the_page_gets_a_row_a_case_with_all_seeds(tmp_path: Path) -> None:
    records = [record("raw", 70.61), record("SimCSE", 71.12, [0.51, 0.2, 0.8]), record("SimCSE", 69.98, [-0.63, -1.0, -0.1])]
    records.append(record("none", 50.0, study="dropout", model="mini-base"))
    lines, page = tmp_path / "study.jsonl", tmp_path / "page.md"
    lines.write_text("".join(json.dumps(one) + "\n" for one in records), encoding="utf-8")
    places = "".join(f"<!-- {name} -->\nold\n<!-- end -->\n" for name in ("objectives", "dropout"))
    page.write_text(places, encoding="utf-8")
    command = [sys.executable, FOLDER / "objective_study.py", "--read", lines, "--write", page]
    subprocess.run(command, check=True, capture_output=True)
    text = page.read_text(encoding="utf-8")
    assert "old" not in text
    assert "| raw |  | 70.6 |  |" in text
    assert "| SimCSE | 4,504 | 71.1, 70.0 | +0.5 (+0.2 – +0.8), -0.6 (-1.0 – -0.1) |" in text
    assert text.index("| none |") > text.index("<!-- dropout -->")
