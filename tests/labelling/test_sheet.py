"""The label sheet as people fill it in: whatever their program made of it comes back as what they meant."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from labelled import TEXTS, meant, sheet_in

from juyi.errors import DataError, JuyiError, UsageError
from juyi.labelling import LabelSheet, grades, holds_labels, labels_without_sheet
from juyi.labelling.files import ID, SheetRow, read_rows, write_csv
from juyi.labelling.sheet import pair_id


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))


Change = Callable[[list[dict[str, str]]], tuple[list[str], list[dict[str, str]]]]


def as_it_was(rows: list[dict[str, str]]) -> tuple[list[str], list[dict[str, str]]]:
    return list(rows[0]), rows


def reordered(rows: list[dict[str, str]]) -> tuple[list[str], list[dict[str, str]]]:
    return ["score", "sentence2", "id", "sentence1"], sorted(rows, key=lambda row: row["sentence2"])


def with_notes(rows: list[dict[str, str]]) -> tuple[list[str], list[dict[str, str]]]:
    return ["who", *rows[0], "备注"], [
        {**row, "who": "小李", "备注": "再看看" if number % 3 else ""} for number, row in enumerate(rows)
    ]


def without_ids(rows: list[dict[str, str]]) -> tuple[list[str], list[dict[str, str]]]:
    return ["sentence1", "sentence2", "score"], rows


def without_sentences(rows: list[dict[str, str]]) -> tuple[list[str], list[dict[str, str]]]:
    return ["id", "score"], rows


def sides_swapped(rows: list[dict[str, str]]) -> tuple[list[str], list[dict[str, str]]]:
    return list(rows[0]), [{**row, "sentence1": row["sentence2"], "sentence2": row["sentence1"]} for row in rows]


def in_chinese(rows: list[dict[str, str]]) -> tuple[list[str], list[dict[str, str]]]:
    names = {"id": "编号", "sentence1": "句子1", "sentence2": "句子2", "score": "分数"}
    return list(names.values()), [{names[name]: cell for name, cell in row.items()} for row in rows]


def decimal_commas(rows: list[dict[str, str]]) -> tuple[list[str], list[dict[str, str]]]:
    return list(rows[0]), [{**row, "score": row["score"].replace(".", ",")} for row in rows]


def formulas_spoilt(rows: list[dict[str, str]]) -> tuple[list[str], list[dict[str, str]]]:
    return list(rows[0]), [{name: "#NAME?" if "=1+1" in cell else cell for name, cell in row.items()} for row in rows]


CHANGES = [
    as_it_was,
    reordered,
    with_notes,
    without_ids,
    without_sentences,
    sides_swapped,
    in_chinese,
    decimal_commas,
    formulas_spoilt,
]
SAVED = {
    "utf-8 with a mark": ("utf-8-sig", ","),
    "utf-8": ("utf-8", ","),
    "Excel in China": ("gb18030", ","),
    "Excel in Germany": ("utf-8-sig", ";"),
    "Unicode text of Excel": ("utf-16", "\t"),
}


@pytest.mark.parametrize("saved", SAVED)
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("count", [None, 23], ids=["whole", "partly"])
def test_scores_come_back_whatever_a_spreadsheet_made_of_the_sheet(
    tmp_path: Path, saved: str, change: Change, count: int | None
) -> None:
    sheet = sheet_in(tmp_path)
    scores = meant(sheet, count)
    rows = [
        {**row, "score": f"{scores[row['id']]:g}" if row["id"] in scores else ""}
        for row in rows_of(tmp_path / "pairs_to_label.csv")
    ]
    names, changed = change(rows)
    encoding, delimiter = SAVED[saved]
    write_rows(tmp_path / "pairs_to_label.csv", changed, names, encoding, delimiter)
    assert sheet.scores() == scores
    labels = sheet.labels()
    assert len(labels) == len(scores)
    assert labels.open == 100 - len(scores)


def test_scores_of_an_excel_sheet(tmp_path: Path) -> None:
    sheet = sheet_in(tmp_path)
    scores = meant(sheet)
    path = tmp_path / "pairs_to_label.xlsx"
    book = openpyxl.load_workbook(path)
    for cells in book["pairs"].iter_rows(min_row=2):
        cells[3].value = scores[cells[0].value]
    book.save(path)
    assert sheet.scores() == scores


def test_the_sheet_for_excel_holds_text_never_formulas_and_explains_itself(tmp_path: Path) -> None:
    sheet_in(tmp_path)
    book = openpyxl.load_workbook(tmp_path / "pairs_to_label.xlsx")
    cells = [cell for row in book["pairs"].iter_rows(min_row=2) for cell in row[:3]]
    assert any(str(cell.value).startswith("=1+1") for cell in cells)
    assert {cell.data_type for cell in cells} == {"s"}
    rubric = [[cell.value for cell in row] for row in book.worksheets[1].iter_rows()]
    for grade in grades():
        assert [grade.score, grade.zh, grade.en] in rubric
        for examples in (grade.examples_zh, grade.examples_en):
            assert len(examples) == 2


def test_the_csv_begins_with_a_mark_and_holds_nothing_that_a_spreadsheet_would_compute(tmp_path: Path) -> None:
    sheet_in(tmp_path)
    path = tmp_path / "pairs_to_label.csv"
    assert path.read_bytes().startswith(b"\xef\xbb\xbfid,")
    cells = [cell for row in rows_of(path) for cell in row.values()]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    assert all(ID.fullmatch(row["id"]) for row in rows_of(path))


def test_all_grades_are_explained_beside_the_sheet_in_both_languages(tmp_path: Path) -> None:
    sheet_in(tmp_path)
    page = (tmp_path / "pairs_to_label.md").read_text(encoding="utf-8")
    assert [grade.score for grade in grades()] == [5, 4, 3, 2, 1, 0]
    for grade in grades():
        assert grade.zh in page and grade.en in page
        assert all(first in page and second in page for first, second in (*grade.examples_zh, *grade.examples_en))


def test_further_batches_repeat_nothing_and_weigh_as_one_draw(tmp_path: Path) -> None:
    first = sheet_in(tmp_path)
    before = (tmp_path / "pairs_to_label.csv").read_bytes()
    sheet = first.more(60)
    assert (tmp_path / "pairs_to_label.csv").read_bytes() == before
    pairs = [row["id"] for name in ("pairs_to_label.csv", "pairs_to_label_2.csv") for row in rows_of(tmp_path / name)]
    assert len(pairs) == len(set(pairs)) == 160
    assert pairs == [pair.id for pair in sheet.on_sheets] == [pair.id for pair in LabelSheet.open(tmp_path).on_sheets]  # type: ignore[union-attr]
    assert {pair.id for pair in sheet.pairs[:160]} == set(pairs)
    sheet.answer(meant(sheet))
    sizes = {pair.id: pair.size for pair in sheet.pairs}
    expected = np.maximum(1, sheet.pairs[160].priority / np.array([sizes[pair] for pair in pairs]))  # all of it is labelled
    np.testing.assert_allclose(sheet.labels().weights, expected / expected.mean())


def test_a_draw_that_is_used_up_says_so(tmp_path: Path) -> None:
    sheet = sheet_in(tmp_path, TEXTS[:8])
    assert sheet.shown == (28,)
    with pytest.raises(UsageError, match="0 of 28"):
        sheet.more(5)
    sheet.answer(meant(sheet))
    assert set(sheet.labels().weights) == {1.0}


BAD = {
    "a score beyond the scale": ("7", "from 0 to 5"),
    "a word": ("大概吧", "from 0 to 5"),
    "not a number": ("nan", "from 0 to 5"),
    "a percentage": ("85%", "from 0 to 5"),
    "below zero": ("-1", "from 0 to 5"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_score_that_is_none_is_refused_with_its_line(tmp_path: Path, case: str) -> None:
    sheet = sheet_in(tmp_path)
    written, allowed = BAD[case]
    path = tmp_path / "pairs_to_label.csv"
    rows = rows_of(path)
    rows[4]["score"] = written
    write_rows(path, rows)
    with pytest.raises(DataError, match=allowed) as caught:
        sheet.scores()
    assert caught.value.line == 6
    assert written in str(caught.value)


def write_rows(
    path: Path, rows: list[dict[str, str]], names: list[str] | None = None, encoding: str = "utf-8-sig", delimiter: str = ","
) -> None:
    with path.open("w", encoding=encoding, newline="") as stream:
        writer = csv.DictWriter(stream, names or list(rows[0]), delimiter=delimiter, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def test_two_files_that_say_different_things_are_named(tmp_path: Path) -> None:
    sheet = sheet_in(tmp_path)
    path = tmp_path / "pairs_to_label.csv"
    write_rows(path, [{**row, "score": "3"} for row in rows_of(path)])
    assert set(sheet.scores().values()) == {3.0}
    sheet.answer({sheet.pairs[0].id: 4.0})
    with pytest.raises(DataError, match=r"has the score 4 here and 3 in pairs_to_label\.csv"):
        sheet.scores()


def test_rows_of_other_pairs_are_left_out_and_counted(tmp_path: Path) -> None:
    sheet = sheet_in(tmp_path)
    path, said = tmp_path / "pairs_to_label.csv", list[str]()
    rows = [{**row, "score": "1"} for row in rows_of(path)]
    write_rows(path, [*rows, {"id": "", "sentence1": "自己加的一对", "sentence2": "自己加的另一句", "score": "5"}])
    assert len(sheet.scores(said.append)) == 100
    assert any("1 labelled rows are no pairs of this sheet" in each for each in said)


def test_a_form_that_is_not_read_is_named(tmp_path: Path) -> None:
    sheet, said = sheet_in(tmp_path), list[str]()
    (tmp_path / "pairs_to_label.ods").write_bytes(b"PK")
    assert sheet.scores(said.append) == {}
    assert said == ["pairs_to_label.ods is not read: save it as csv or xlsx"]


def test_labels_without_a_description_all_count_alike(tmp_path: Path) -> None:
    sheet = sheet_in(tmp_path)
    path = tmp_path / "pairs_to_label.csv"
    write_rows(path, [{**row, "score": "2" if number < 30 else ""} for number, row in enumerate(rows_of(path))])
    (tmp_path / "pairs_to_label.json").unlink()
    assert LabelSheet.open(tmp_path) is None
    labels = labels_without_sheet(tmp_path)
    assert labels is not None
    assert (len(labels), labels.open, set(labels.weights)) == (30, 70, {1.0})
    assert {pair_id(*pair) for pair in zip(labels.pairs.first, labels.pairs.second, strict=True)} <= {p.id for p in sheet.pairs}


def test_no_labels_at_all(tmp_path: Path) -> None:
    assert labels_without_sheet(tmp_path) is None
    assert len(sheet_in(tmp_path).labels()) == 0


@pytest.mark.parametrize("content", ["", "{", "[]", '{"origin": "x"}', '{"origin": "x", "shown": [3], "pairs": [{"id": 1}]}'])
def test_a_damaged_description_is_said(tmp_path: Path, content: str) -> None:
    (tmp_path / "pairs_to_label.json").write_text(content, encoding="utf-8")
    with pytest.raises(JuyiError, match="Move it away"):
        LabelSheet.open(tmp_path)


def test_a_file_that_is_no_sheet_says_what_is_needed(tmp_path: Path) -> None:
    path = tmp_path / "pairs_to_label.csv"
    path.write_text("name,city\n小李,上海\n小王,北京\n", encoding="utf-8")
    with pytest.raises(DataError, match="id, sentence1, sentence2, score"):
        list(read_rows(path))


def test_answers_are_kept_and_read_again(tmp_path: Path) -> None:
    sheet = sheet_in(tmp_path)
    scores = meant(sheet, 7)
    sheet.answer(scores)
    assert sheet.answers() == scores == sheet.scores()


def test_rows_survive_writing_and_reading(tmp_path: Path) -> None:
    rows = [SheetRow(pair_id(text, "另一句"), text, "另一句", 2.5) for text in TEXTS if text == " ".join(text.split())]
    write_csv(tmp_path / "a.csv", rows)
    assert [(row.id, row.first, row.second, row.score) for row in read_rows(tmp_path / "a.csv")] == [
        (row.id, row.first, row.second, row.score) for row in rows
    ]


def test_answers_of_two_people_at_once_are_both_kept(tmp_path: Path) -> None:
    first, second = sheet_in(tmp_path), LabelSheet.open(tmp_path)
    assert second is not None
    ids = [pair.id for pair in first.on_sheets[:3]]
    first.answer({ids[0]: 1.0})
    second.answer({ids[1]: 2.0})
    first.answer({ids[2]: 3.0, ids[0]: 4.0})
    assert first.answers() == {ids[0]: 4.0, ids[1]: 2.0, ids[2]: 3.0}


def test_a_new_sheet_never_takes_the_place_of_labels(tmp_path: Path) -> None:
    def in_the_terminal(folder: Path) -> None:
        sheet_in(folder).answer({"p0000000000": 1.0} | meant(sheet_in(folder), 2))
        (folder / "pairs_to_label.json").unlink()  # as if the sheet was moved away and the answers forgotten

    def on_the_sheet(folder: Path) -> None:
        sheet_in(folder)
        path = folder / "pairs_to_label.csv"
        write_rows(path, [{**row, "score": "3"} for row in rows_of(path)])
        (folder / "pairs_to_label.json").unlink()

    def in_a_form_that_is_not_read(folder: Path) -> None:
        sheet_in(folder)
        (folder / "pairs_to_label.ods").write_bytes(b"PK")

    def damaged(folder: Path) -> None:
        sheet_in(folder)
        path = folder / "pairs_to_label.csv"
        write_rows(path, [{**row, "score": "nine"} for row in rows_of(path)])

    for number, case in enumerate((in_the_terminal, on_the_sheet, in_a_form_that_is_not_read, damaged)):
        folder = tmp_path / str(number)
        folder.mkdir()
        case(folder)
        before = {path.name: path.read_bytes() for path in folder.iterdir()}
        assert holds_labels(folder)
        with pytest.raises(UsageError, match="holds labels"):
            sheet_in(folder)
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_answers_of_the_terminal_alone_are_labels_too(tmp_path: Path) -> None:
    sheet = sheet_in(tmp_path)
    sheet.answer(meant(sheet, 12))
    for path in tmp_path.glob("pairs_to_label*"):
        path.unlink()
    labels = labels_without_sheet(tmp_path)
    assert labels is not None and len(labels) == 12


def test_a_note_beside_the_sheet_is_no_sheet(tmp_path: Path) -> None:
    sheet, said = sheet_in(tmp_path), list[str]()
    (tmp_path / "pairs_to_label_notes.txt").write_text("问一下小王\n明天接着标\n", encoding="utf-8")
    assert sheet.scores(said.append) == {}
    assert said == ["pairs_to_label_notes.txt is no label sheet and is left out"]


def test_a_batch_that_was_cut_off_while_it_was_written_is_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sheet = sheet_in(tmp_path)
    monkeypatch.setattr("juyi.labelling.sheet.write_csv", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        sheet.more(40)
    opened = LabelSheet.open(tmp_path)
    assert opened is not None and opened.shown == (100, 40) and len(opened.on_sheets) == 140
