"""Every objective equals its paper's equation, two processes equal one, and the step in little memory equals the plain one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from juyi.objectives import AnyObjective
from proofs.cases import CASES

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    page = tmp_path_factory.mktemp("page") / "objectives.md"
    page.write_text("before\n<!-- proofs -->\nold\n<!-- end -->\nafter\n", encoding="utf-8")
    command = [sys.executable, "-W", "error", FOLDER / "objective_proofs.py", "--write", page]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=900)
    assert done.returncode == 0, done.stderr
    page.with_suffix(".jsonl").write_text(done.stdout, encoding="utf-8")
    return page


@pytest.fixture(scope="module")
def records(page: Path) -> dict[str, dict[str, Any]]:
    lines = page.with_suffix(".jsonl").read_text(encoding="utf-8").splitlines()
    return {record["case"]: record for record in map(json.loads, lines)}


def test_every_objective_has_a_case() -> None:
    assert {type(objective) for objective in CASES.values()} >= set(get_args(AnyObjective))


@pytest.mark.distributed
@pytest.mark.parametrize("case", CASES)
def test_the_errors_are_those_of_rounding(records: dict[str, dict[str, Any]], case: str) -> None:
    record = records[case]
    assert 0 <= record["oracle"] < 1e-6
    assert 0 < record["two processes"] < 1e-6
    assert 0 <= record["cached"] < 1e-6
    assert 0 <= record["bfloat16"] < 2e-3  # its numbers have eight bits


@pytest.mark.distributed
def test_the_page_gets_the_table(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n<!-- proofs -->\n| objective |") and text.endswith("<!-- end -->\nafter\n")
    assert "old" not in text
    assert all(f"| {case} |" in text for case in CASES)
