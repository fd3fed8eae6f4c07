"""The label sheet through LibreOffice Calc and back, where it is installed (Debian: libreoffice-calc)."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import openpyxl
import pytest
from labelled import meant, sheet_in

from juyi.labelling import LabelSheet

CALC = shutil.which("soffice")
UTF_8, GBK = 76, 61  # as Calc numbers them

pytestmark = pytest.mark.skipif(CALC is None, reason="LibreOffice Calc is not installed")


def converted(path: Path, form: str, folder: Path, infilter: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    reading = [f"--infilter={infilter}"] if infilter else []
    command = [str(CALC), "--headless", profile, *reading, "--convert-to", form, "--outdir", str(folder), str(path)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return folder / f"{path.stem}.{form.partition(':')[0]}"


def csv_in(encoding: int) -> str:
    return f"csv:Text - txt - csv (StarCalc):44,34,{encoding},1"


def half_filled(sheet: LabelSheet, path: Path) -> dict[str, float]:
    """Every other pair is filled in, the rows are sorted otherwise, and a column is added."""
    scores = {name: score for place, (name, score) in enumerate(meant(sheet).items()) if place % 2}
    book = openpyxl.load_workbook(path)
    page = book.worksheets[0]
    rows = [[cell.value for cell in row] for row in page.iter_rows()]
    for place, row in enumerate(rows[1:], start=1):
        rows[place] = ["看过了", *row[:3], scores.get(str(row[0]))]
    page.delete_rows(1, page.max_row)
    for row in [["备注", *rows[0]], *sorted(rows[1:], key=lambda row: str(row[3]))]:
        page.append(row)
    book.save(path)
    return scores


@pytest.mark.parametrize(
    "form", ["xlsx", csv_in(GBK), csv_in(UTF_8), "ods"], ids=["xlsx", "csv GBK", "csv UTF-8", "by way of ods"]
)
def test_a_half_filled_sheet_comes_back(tmp_path: Path, form: str) -> None:
    sheet = sheet_in(tmp_path)
    path = tmp_path / "pairs_to_label.xlsx"
    scores = half_filled(sheet, path)
    saved = converted(path, form, tmp_path / "saved")
    if form == "ods":
        saved = converted(saved, "xlsx", tmp_path / "again")
    path.unlink()
    (tmp_path / "pairs_to_label.csv").unlink()
    shutil.copy(saved, tmp_path / f"pairs_to_label{saved.suffix}")
    found = LabelSheet.open(tmp_path)
    assert found is not None
    assert found.scores() == scores
    assert (len(found.labels()), found.labels().open) == (50, 50)
    assert len({pair.id for pair in found.more(30).on_sheets}) == 130
    assert found.scores() == scores


def test_our_csv_opens_as_it_is(tmp_path: Path) -> None:
    sheet = sheet_in(tmp_path)
    opened = converted(tmp_path / "pairs_to_label.csv", "xlsx", tmp_path / "opened", infilter=f"CSV:44,34,{UTF_8},1")
    rows = [[cell.value for cell in row] for row in openpyxl.load_workbook(opened).worksheets[0].iter_rows(min_row=2)]
    assert [row[0] for row in rows] == [pair.id for pair in sheet.on_sheets]
    assert not [cell for row in rows for cell in row[:3] if str(cell).startswith(("=", "#"))]
