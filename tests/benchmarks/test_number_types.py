"""Each way to store vectors is measured beside float32, and the table goes to its place."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import number_types
from juyi.assets import SAMPLES


def test_a_table_of_all_ways(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = (SAMPLES / "questions.tsv").read_text(encoding="utf-8").splitlines()[1:241]
    texts = [line.split("\t")[-1] for line in lines]
    rows = [f"{first}\t{second}\t{i % 5}" for i, (first, second) in enumerate(zip(texts[::2], texts[1::2], strict=True))]
    (tmp_path / "some.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- number types -->\n<!-- end -->\nafter\n", encoding="utf-8")
    number_types.main(["--pairs", str(tmp_path / "some.tsv"), "--write", str(page)])
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {record["model"] for record in records} == {
        *("float32, 384", "float16, 384", "int8, 384", "binary, 384", "float32, 128", "int8, 128", "binary, 128")
    }
    cells = [line.strip("| ").split(" | ") for line in page.read_text(encoding="utf-8").splitlines() if " | " in line][2:]
    assert [(row[0], row[1]) for row in cells][:4] == [
        ("float32, 384", "1,536"),
        ("float16, 384", "768"),
        ("int8, 384", "384"),
        ("binary, 384", "48"),
    ]
    value = {row[0]: float(row[3]) for row in cells}
    for name, *_, found, difference in cells[1:]:
        assert float(difference.split(" ")[0]) == pytest.approx(float(found) - value["float32, 384"], abs=0.11), name


def test_what_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="there is no such file"):
        number_types.main(["--pairs", str(tmp_path / "none.tsv")])
