"""Pages show what the studies found, and nothing else."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from juyi.reproduction import RECORD, ReproduceOptions, reproduce
from juyi.tables import load_table

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import study_figures

DOCS = Path(__file__).parents[2] / "docs"
PAGE = "before\n<!-- study: encoders-chinese -->\nold figures\n<!-- end -->\nbehind\n<!-- other -->\nkept\n<!-- end -->\n"


def test_figures_are_those_of_the_reproduction(tmp_path: Path) -> None:
    (tmp_path / "stsb.test.tsv").write_text(
        "".join(f"怎么还款{i}\t如何还{i % 7}款\t{i % 3}\n" for i in range(30)), encoding="utf-8"
    )
    options = ReproduceOptions(data=(tmp_path,), output=tmp_path / "out", cells=("word overlap:STS-B test",))
    (outcome,) = (each for each in reproduce(load_table("encoders-chinese"), options).outcomes if each.value is not None)
    (tmp_path / "out" / RECORD).rename(tmp_path / "encoders-chinese.json")
    page = tmp_path / "page.md"
    page.write_text(PAGE, encoding="utf-8")
    for _ in range(2):
        study_figures.main([str(page), "--studies", str(tmp_path)])
    written = page.read_text(encoding="utf-8")
    assert f"| word overlap | raw | {outcome.value:.1f} ± " in written
    assert "\n##### Measured here\n" in written
    assert written.startswith("before\n") and written.endswith(PAGE.split("old figures\n")[1])


def test_a_study_that_is_not_there_is_named(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE, encoding="utf-8")
    with pytest.raises(SystemExit, match=r"There is no .*encoders-chinese\.json"):
        study_figures.main([str(page), "--studies", str(tmp_path)])
    assert page.read_text(encoding="utf-8") == PAGE


def test_what_cannot_be_put_anywhere_is_told(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    with pytest.raises(SystemExit, match="no such page"):
        study_figures.main([str(page), "--studies", str(tmp_path)])
    page.write_text("nothing", encoding="utf-8")
    with pytest.raises(SystemExit, match="no place for a study"):
        study_figures.main([str(page), "--studies", str(tmp_path)])
    page.write_text("<!-- studies -->\n<!-- end -->\n", encoding="utf-8")
    with pytest.raises(SystemExit, match="holds no study"):
        study_figures.main([str(page), "--studies", str(tmp_path)])


@pytest.mark.parametrize("page", ["studies.md", "comparison.md", "objectives.md"])
def test_the_pages_of_the_project_show_what_is_in_the_files(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study_figures, "write_text", lambda path, text: written.update({path.name: text}))
    written: dict[str, str] = {}
    study_figures.main([str(DOCS / page)])
    assert written == {page: (DOCS / page).read_text(encoding="utf-8")}


@pytest.mark.parametrize("page", ["studies.html", "studies.zh-CN.html"])
def test_the_pages_of_the_studies_hold_the_files(page: str) -> None:
    text = (DOCS / "results" / page).read_text(encoding="utf-8")
    (held,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    files = sorted(study_figures.STUDIES.glob("*.json"))
    assert [*json.loads(held).values()] == [json.loads(file.read_text(encoding="utf-8")) for file in files]
