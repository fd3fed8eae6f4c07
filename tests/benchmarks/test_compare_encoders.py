"""The comparison of encoders: what they take, and where on the page it goes."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from juyi.assets import DEFAULT_ENCODER, EMBEDDED
from juyi.errors import DataError

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import compare_encoders
from baselines.rows import LEXICAL, REFERENCE, TEACHERS
from baselines.tables import Cost, cost_table
from markdown import put

COMPARISON = Path(__file__).parents[2] / "docs" / "comparison.md"
PAGE = """# A page
<!-- study: encoders-chinese -->
old figures
<!-- end -->
between
<!-- measured: cost -->
<!-- end -->
the end, without a line end"""


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "page.md"
    path.write_text(PAGE, encoding="utf-8")
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    rows = [f"怎么还款{i}\t如何还{i % 7}款\t{i % 3}\n" for i in range(30)]
    (folder / "stsb.test.tsv").write_text("".join(rows), encoding="utf-8")
    return folder


def test_costs_show_what_is_not_known_as_a_dash() -> None:
    found = cost_table([Cost("ours", "onnx", 15_500_000, 7_460_000, 1234.5, 3.14159), Cost("b", "–", None, None, 9, None)], "ref")
    assert found.splitlines()[2:] == ["| ours | 15.5 | 7.5 | onnx | 1,234 | 3.1 |", "| b | – | – | – | 9 | – |"]
    assert "speed, ref = 1" in found


def test_the_page_of_the_project_has_a_place_for_every_table_and_the_rows_that_are_timed() -> None:
    text = COMPARISON.read_text(encoding="utf-8")
    put(text, "published: small-encoders", "")
    before, after = put(text, "measured: cost", "").split("<!-- measured: cost -->\n")
    lines = text.removeprefix(before).removesuffix(after).splitlines()
    titles = [line.split("|")[1].strip() for line in lines if line.startswith("| ")][2:]
    assert titles == [LEXICAL, *EMBEDDED, *TEACHERS, REFERENCE]


def test_speed_fills_the_cost_table_alone(data: Path, page: Path) -> None:
    folders = [f"{name}={EMBEDDED[DEFAULT_ENCODER]}" for name in ("ours", REFERENCE)]
    options = ["--keep-cores", "--rows", f"lexical,ours,{REFERENCE}", "--encoder", *folders]
    compare_encoders.main(["--zh", str(data), *options, "--write", str(page)])
    before, written = page.read_text(encoding="utf-8").split("<!-- measured: cost -->")
    assert before == PAGE.split("<!-- measured: cost -->", maxsplit=1)[0]
    megabytes = sum(path.stat().st_size for path in EMBEDDED[DEFAULT_ENCODER].rglob("*") if path.is_file()) / 1e6
    assert re.search(r"^\| word overlap \| – \| – \| – \| [\d,]+ \| [\d.]+ \|$", written, re.M)
    assert re.search(rf"^\| ours \| {megabytes:.1f} \| [\d.]+ \| openvino \| [\d,]+ \| [\d.]+ \|$", written, re.M)
    assert written.endswith("<!-- end -->\nthe end, without a line end")


def test_a_trial_says_that_it_is_one(data: Path, page: Path) -> None:
    compare_encoders.main(["--zh", str(data), "--keep-cores", "--rows", "lexical", "--limit", "20", "--write", str(page)])
    assert "A trial on 20 sentences" in page.read_text(encoding="utf-8")


def test_what_cannot_be_done_is_refused(data: Path, page: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=r"There is no row 'bert'\. The rows are lexical, mini"):
        compare_encoders.main(["--zh", str(data), "--keep-cores", "--rows", "lexical,bert"])
    with pytest.raises(SystemExit, match="NAME=FOLDER"):
        compare_encoders.main(["--zh", str(data), "--keep-cores", "--encoder", "mine"])
    with pytest.raises(SystemExit, match="There is nothing to do"):
        compare_encoders.main([])
    with pytest.raises(SystemExit, match="Name the page with --write"):
        compare_encoders.main(["--published"])
    page.write_text("no markers", encoding="utf-8")
    timing = ["--zh", str(data), "--keep-cores", "--rows", "lexical", "--write", str(page)]
    with pytest.raises(SystemExit, match="one place for it: <!-- measured: cost -->"):
        compare_encoders.main(timing)
    page.write_text("<!-- measured: cost -->\n<!-- end -->\n", encoding="utf-8")
    capsys.readouterr()
    with pytest.raises(SystemExit, match="one place for it: <!-- published: small-encoders -->"):
        compare_encoders.main([*timing, "--published"])
    assert capsys.readouterr().out == ""  # nothing was timed
    with pytest.raises(SystemExit, match="no such page"):
        compare_encoders.main(["--published", "--write", str(tmp_path / "other.md")])


@pytest.mark.parametrize(
    "text",
    [
        "no place",
        "<!-- here -->\n<!-- end -->\n<!-- here -->\n<!-- end -->\n",
        "<!-- here -->\n",
        "<!-- here -->\nkept\n<!-- other -->\n<!-- end -->\n",
        "<!-- end -->\n<!-- here -->\n",
    ],
)
def test_a_page_needs_one_place_with_its_own_end(text: str) -> None:
    with pytest.raises(DataError, match="one place for it: <!-- here -->"):
        put(text, "here", "x")
