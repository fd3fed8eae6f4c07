"""Labels as people have them in files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from juyi.adaptation import IntentEvidence, LabelFiles, PairEvidence, QuestionEvidence, read_evidence
from juyi.adaptation.labels import sheet_evidence
from juyi.assets import SAMPLES
from juyi.data import ReadSettings
from juyi.errors import DataError, UsageError
from juyi.labelling import LabelSheet, draw_pairs
from juyi.metrics import spearman_statistic

COUNT = 12


def written(folder: Path, name: str, rows: list[tuple[str, ...]], encoding: str = "utf-8") -> str:
    path = folder / name
    separator = "," if name.endswith(".csv") else "\t"
    path.write_text("".join(separator.join(row) + "\n" for row in rows), encoding=encoding)
    return str(path)


GROUPED = [(f"g{i}", f"第{i}组的第{n}种问法") for i in range(COUNT) for n in range(3)]
STANDARD = [(f"标准问题第{i}条", f"相似说法{i}之{n}") for i in range(COUNT) for n in range(2)]
FAQ = [(f"q{i:02}", f"怎么办理第{i}项业务", f"请到第{i}号柜台办理。") for i in range(COUNT)]
BY_ID = [(f"q{i:02}", f"第{i}项业务咋弄{n}") for i in range(COUNT) for n in range(2)]
FORMS = {
    "group and question": ("groups.tsv", GROUPED, 24, 12),
    "group and question, in GBK with a header": ("groups.csv", [("组号", "问题"), *GROUPED], 24, 12),
    "standard question and paraphrase": ("standard.csv", [("标准问", "相似问"), *STANDARD], 24, 12),
    "a FAQ with its answers": ("faq.tsv", [("id", "question", "answer"), *FAQ], 12, 12),
}


@pytest.mark.parametrize("form", FORMS)
def test_groups_in_their_forms(form: str, tmp_path: Path) -> None:
    name, rows, queries, corpus = FORMS[form]
    path = written(tmp_path, name, rows, "gb18030" if "GBK" in form else "utf-8")
    (found,) = read_evidence(LabelFiles(groups=path))
    assert isinstance(found, QuestionEvidence)
    assert (len(found.retrieval.queries), len(found.corpus)) == (queries, corpus)
    assert found.units.count == COUNT


def test_paraphrases_by_the_id_of_a_faq_with_answers(tmp_path: Path) -> None:
    faq = written(tmp_path, "faq.tsv", [("id", "question", "answer"), *FAQ])
    by_id = written(tmp_path, "more.tsv", [("id", "paraphrase"), *BY_ID])
    for files in (LabelFiles(groups=by_id, corpus=faq), LabelFiles(queries=by_id, corpus=faq)):
        (found,) = read_evidence(files)
        assert found.corpus == [question for _, question, _ in FAQ]
        assert found.rows()[2] == ["第1项业务咋弄0", "怎么办理第1项业务"]


def test_the_sample_faq() -> None:
    files = LabelFiles(groups=str(SAMPLES / "faq_paraphrases.tsv"), corpus=str(SAMPLES / "faq.tsv"))
    (found,) = read_evidence(files)
    assert found.units.count == len(found.corpus) >= 150


def test_clicks_share_what_was_taken_and_what_was_asked(tmp_path: Path) -> None:
    rows = [(f"搜索{i}", f"文章{i}") for i in range(COUNT)] + [("搜索0", "文章1"), ("另一个搜索", "文章2")]
    (found,) = read_evidence(LabelFiles(clicks=written(tmp_path, "c.tsv", [("query", "title"), *rows])))
    assert isinstance(found, QuestionEvidence)
    assert found.retrieval.relevant[0] == {0, 1}
    assert found.units.count == COUNT - 1


def test_intents_count_a_repeated_query_once(tmp_path: Path) -> None:
    rows = [(f"意图{i % 3}", f"问句{i}") for i in range(COUNT)] + [("意图0", "问句0！")]
    said: list[str] = []
    (found,) = read_evidence(LabelFiles(intents=written(tmp_path, "i.tsv", [("intent", "text"), *rows])), said.append)
    assert isinstance(found, IntentEvidence) and len(found.labelled) == COUNT
    assert any("1 queries of i.tsv are repeats" in line for line in said)


def test_several_files_decide_in_one_order(tmp_path: Path) -> None:
    pairs = written(tmp_path, "p.tsv", [(f"左{i}", f"右{i}", str(i % 2)) for i in range(COUNT)])
    found = read_evidence(LabelFiles(pairs=pairs, groups=written(tmp_path, "g.tsv", GROUPED)))
    assert [each.name for each in found] == ["groups", "pairs"]
    assert isinstance(found[1], PairEvidence) and found[1].binary


def test_columns_can_be_named_where_there_is_one_file(tmp_path: Path) -> None:
    rows = [("车", f"意图{i % 3}", f"问句{i}", "{}") for i in range(COUNT)]
    path = written(tmp_path, "i.tsv", rows)
    (found,) = read_evidence(LabelFiles(intents=path, reading=ReadSettings(columns=("2", "3"))))
    assert isinstance(found, IntentEvidence) and set(found.labelled.labels) == {"意图0", "意图1", "意图2"}
    with pytest.raises(UsageError, match="there are 2 files of labels"):
        read_evidence(LabelFiles(intents=path, groups=path, reading=ReadSettings(columns=("2", "3"))))


REFUSED = {
    "queries without a corpus": ({"queries": "by_id.tsv"}, UsageError, "with --corpus FILE"),
    "a corpus alone": ({"corpus": "faq.tsv"}, UsageError, "give one of them"),
    "an id that the corpus lacks": ({"groups": "strange.tsv", "corpus": "faq.tsv"}, DataError, "has no such id"),
    "groups of one": ({"groups": "alone.tsv"}, DataError, "has a second question"),
    "too few": ({"pairs": "few.tsv"}, DataError, "3 pairs hang together in 3 units"),
    "one sentence in all pairs": ({"pairs": "one.tsv"}, DataError, "12 pairs hang together in 1 unit that share"),
    "scores all the same": ({"pairs": "same.tsv"}, DataError, "all 12 pairs have the score 1"),
    "no such file": ({"clicks": "none.tsv"}, DataError, "none.tsv"),
    "an empty file": ({"intents": "empty.tsv"}, DataError, "empty.tsv"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_used_is_refused_with_its_reason(name: str, tmp_path: Path) -> None:
    given, kind, words = REFUSED[name]
    written(tmp_path, "faq.tsv", FAQ)
    written(tmp_path, "by_id.tsv", BY_ID)
    written(tmp_path, "strange.tsv", [*BY_ID, ("q99", "没有的编号")])
    written(tmp_path, "alone.tsv", [(f"g{i}", f"问题{i}") for i in range(COUNT)])
    written(tmp_path, "few.tsv", [(f"左{i}", f"右{i}", str(i % 2)) for i in range(3)])
    written(tmp_path, "one.tsv", [("同一句", f"右边的{i}", str(i % 2)) for i in range(COUNT)])
    written(tmp_path, "same.tsv", [(f"左{i}", f"右{i}", "1") for i in range(COUNT)])
    written(tmp_path, "empty.tsv", [])
    with pytest.raises(kind) as caught:
        read_evidence(LabelFiles(**{option: str(tmp_path / file) for option, file in given.items()}))
    assert words in str(caught.value)


SENTENCES = [f"第{i}项业务怎么办" for i in range(400)]


def labelled_sheet(folder: Path, count: int) -> LabelSheet:
    vectors = np.random.default_rng(0).normal(size=(2, len(SENTENCES), 8))
    sheet = LabelSheet.create(folder, "origin", SENTENCES, draw_pairs([each @ each.T for each in vectors], 2001))
    sheet.answer({pair.id: number % 6 for number, pair in enumerate(sheet.on_sheets[:count])})
    return sheet


def test_a_label_sheet_weighs_pairs_by_how_they_were_drawn(tmp_path: Path) -> None:
    sheet = labelled_sheet(tmp_path, 80)
    found = sheet_evidence(tmp_path, SENTENCES)
    assert found is not None and len(found.rows()) == 80
    similarities = np.random.default_rng(1).normal(size=(80, 1))
    labels = sheet.labels()
    expected = spearman_statistic(similarities[:, 0], labels.pairs.scores)(labels.weights)
    assert found.main_statistic(similarities)(np.ones(80)) == pytest.approx(expected)
    half = found.subset(range(40))
    assert half.main_statistic(similarities[:40])(np.ones(40)) == pytest.approx(
        spearman_statistic(similarities[:40, 0], labels.pairs.scores[:40])(labels.weights[:40])
    )
    of_units = np.bincount(found.units.of, weights=labels.weights)
    assert found.effective() == pytest.approx(of_units.sum() ** 2 / (of_units**2).sum())


def test_labels_of_sentences_that_are_gone_are_left_out_and_counted(tmp_path: Path) -> None:
    sheet = labelled_sheet(tmp_path, 100)
    said: list[str] = []
    left = set(SENTENCES[:300])
    found = sheet_evidence(tmp_path, [*left, "新来的一句"], said.append)
    kept = sum({pair.first, pair.second} <= left for pair in sheet.on_sheets)
    assert found is not None and len(found.rows()) == kept
    assert any(f"{kept} pairs are labelled, 0 are open, {100 - kept} are of other sentences" in each for each in said)


def test_a_sheet_of_other_sentences_is_not_passed_over(tmp_path: Path) -> None:
    labelled_sheet(tmp_path, 9)
    with pytest.raises(UsageError, match="9 labels"):
        sheet_evidence(tmp_path, ["别的句子", "另一句"])


@pytest.mark.parametrize("count", [0, 3])
def test_a_sheet_with_too_few_labels_does_not_count_yet(tmp_path: Path, count: int) -> None:
    labelled_sheet(tmp_path, count)
    said: list[str] = []
    assert sheet_evidence(tmp_path, SENTENCES, said.append) is None
    assert any("does not count yet" in each for each in said) == (count > 0)


def test_scores_that_are_nearly_all_the_same_do_not_count_yet(tmp_path: Path) -> None:
    sheet, said = labelled_sheet(tmp_path, 0), list[str]()
    sheet.answer({pair.id: 5.0 if number in (0, 40, 80) else 0.0 for number, pair in enumerate(sheet.on_sheets)})
    assert sheet_evidence(tmp_path, SENTENCES, said.append) is None
    assert "nearly all scores are 0" in said[-1]


def test_beside_other_labels_a_sheet_counts_from_fifty_units_on(tmp_path: Path) -> None:
    labelled_sheet(tmp_path, 30)
    said: list[str] = []
    assert sheet_evidence(tmp_path, SENTENCES, said.append, least=50) is None
    assert "50 are the least" in said[-1]
    assert sheet_evidence(tmp_path, SENTENCES) is not None


def test_the_same_is_what_the_rubric_says_not_what_happened_to_be_the_highest(tmp_path: Path) -> None:
    sheet = labelled_sheet(tmp_path, 0)
    sheet.answer({pair.id: float(number % 4) for number, pair in enumerate(sheet.on_sheets)})
    found = sheet_evidence(tmp_path, SENTENCES)
    assert found is not None
    assert not found.decisions(np.zeros((100, 2))).right.any()  # nobody gave more than 3
    lesson = found.in_folds(np.zeros(100, dtype=np.intp)).lesson()
    assert lesson is not None and max(lesson.columns["score"]) == 3 / 5
