from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from juyi.data import (
    LabelledPairs,
    Pairs,
    Triplets,
    read_labelled_pairs,
    read_labelled_texts,
    read_pairs,
    read_scored_pairs,
    read_texts,
    read_triplets,
)
from juyi.errors import ColumnsError, DataError, MissingExtraError, UsageError


@pytest.fixture
def put(tmp_path):
    def put(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode())
        return path

    return put


# --- texts


def test_txt_gives_its_lines_tabs_and_all(put):
    corpus = read_texts(put("a.txt", "text\n\n你 好\tx\n"))
    assert (corpus.texts, corpus.columns, corpus.skipped) == (["text", "你 好\tx"], (), 1)
    assert len(corpus) == 2


def test_standard_input_is_lines_or_what_it_is_said_to_be(monkeypatch):
    def feed(text):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

    feed("一\n二\n")
    assert read_texts("-").texts == ["一", "二"]
    feed("一句话\t另一句话\t1\n")
    assert read_texts("-", format="tsv").texts == ["一句话", "另一句话"]
    feed("一\t二\n")
    assert read_pairs("-") == Pairs(["一"], ["二"])
    with pytest.raises(DataError, match="standard input"):
        read_texts("-", format="parquet")


@pytest.mark.parametrize("prefix", ["", "sts-1||"])
def test_cnsd_form_gives_both_sentences(put, prefix):
    path = put("cnsd-sts-train.txt", f"{prefix}一架飞机||飞机起飞||5\n{prefix}甲||乙||0\n")
    assert read_texts(path).texts == ["一架飞机", "飞机起飞", "甲", "乙"]
    pairs = read_scored_pairs(path)
    assert (pairs.first, pairs.second, pairs.scores.tolist(), pairs.subsets) == (
        ["一架飞机", "甲"],
        ["飞机起飞", "乙"],
        [5, 0],
        None,
    )


def test_two_bars_in_ordinary_text_are_text(put):
    assert read_texts(put("a.txt", "a || b || c\n好\n")).texts == ["a || b || c", "好"]


def test_sentence_columns_without_header_row_by_row(put):
    corpus = read_texts(put("a.tsv", '飞机要起飞\t飞机起飞了\t5\n他在"吹笛\t她在吹笛\t3\n'))
    assert corpus.texts == ["飞机要起飞", "飞机起飞了", '他在"吹笛', "她在吹笛"]
    assert corpus.columns == ("1", "2")


def test_labels_ids_and_json_are_not_text(put):
    rows = "".join(f'{i}\tcard_arrival\t卡{i}在哪\t{{"a": {i}}}\n' for i in range(20))
    assert read_texts(put("a.tsv", rows)).columns == ("3",)
    chinese = "".join(f"查询余额\t我想知道第{i}张卡里还剩多少钱\n" for i in range(20))
    assert read_texts(put("b.tsv", chinese)).columns == ("2",)


def test_few_different_sentences_of_like_length_are_text(put):
    rows = "".join(f"this is said again and again\tthat is number {i} of many\n" for i in range(20))
    assert read_texts(put("a.tsv", rows)).columns == ("1", "2")


def test_usual_names_decide(put):
    path = put("a.csv", "id,question,answer,note\n1,怎么还款,这样还款,随便说说\n")
    assert (read_texts(path).texts, read_texts(path).columns) == (["怎么还款"], ("question",))
    assert read_texts(path, columns=["Answer", "4"]).texts == ["这样还款", "随便说说"]
    only_words = put("c.tsv", "buy\n" * 9)
    assert read_texts(only_words).texts == ["buy"] * 9
    unusual = put("b.csv", "id,wen,label\nx1,怎么还款,好的\nx2,怎么借款,坏的\n")
    assert read_texts(unusual).columns == ("wen",)


def test_a_header_in_a_tsv_file(put):
    assert read_texts(put("a.tsv", "intent\tutterance\ngo\t走吧\n")).texts == ["走吧"]
    wanted = put("b.tsv", "wen\tda\n问一\t答一\n")
    assert read_texts(wanted, columns=["wen"]).texts == ["问一"]
    assert read_texts(wanted).texts == ["wen", "da", "问一", "答一"]


def test_empty_cells_are_counted(put):
    corpus = read_texts(put("a.tsv", "第一句\t第二句\n\n \t第三句\n"))
    assert (corpus.texts, corpus.skipped) == (["第一句", "第二句", "第三句"], 2)


def test_json_lines_of_objects_strings_and_lists(put):
    assert read_texts(put("a.jsonl", '{"text": "甲乙", "label": 1}\n\n{"label": 2, "text": "丙"}\n')).texts == ["甲乙", "丙"]
    assert read_texts(put("b.jsonl", '"甲"\n"乙"\n')).texts == ["甲", "乙"]
    assert read_pairs(put("c.jsonl", '["甲", "乙"]\n')) == Pairs(["甲"], ["乙"])
    assert read_pairs(put("d.jsonl", '{"positive": "乙", "anchor": "甲"}\n')) == Pairs(["甲"], ["乙"])


def test_parquet(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "a.parquet"
    parquet.write_table(pyarrow.table({"sentence1": ["甲", "丙"], "sentence2": ["乙", None], "score": [0.5, 2.0]}), path)
    assert read_texts(path).texts == ["甲", "乙", "丙"]
    assert read_texts(path).skipped == 1
    with pytest.raises(DataError, match="line 2: column 'sentence2' is empty"):
        read_scored_pairs(path)
    path.write_bytes(b"PAR0")
    with pytest.raises(DataError, match="not a parquet file"):
        read_texts(path)


def test_parquet_without_its_package(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    (tmp_path / "a.parquet").write_bytes(b"x")
    with pytest.raises(MissingExtraError, match=r"pip install 'juyi\[hub\]'"):
        read_texts(tmp_path / "a.parquet")


cells = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\ufeff"), min_size=1).filter(str.strip)
rows = st.lists(st.tuples(cells, cells), min_size=1)


@given(rows)
def test_csv_comes_back(tmp_path_factory, pairs):
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([("anchor", "positive"), *pairs])
    # A line end inside quotes is written as it is, so only a carriage return would change.
    assert read_pairs(path) == Pairs(*map(list, zip(*pairs, strict=True)))


@given(st.lists(st.tuples(*[cells.filter(lambda cell: not set('\t\n"') & set(cell))] * 2), min_size=1))
def test_tsv_comes_back(tmp_path_factory, pairs):
    path = tmp_path_factory.mktemp("tsv") / "a.tsv"
    path.write_bytes("".join(f"{a}\t{b}\n" for a, b in [("anchor", "positive"), *pairs]).encode())
    assert read_pairs(path) == Pairs(*map(list, zip(*pairs, strict=True)))


@given(rows)
def test_jsonl_comes_back(tmp_path_factory, pairs):
    path = tmp_path_factory.mktemp("jsonl") / "a.jsonl"
    path.write_bytes("".join(json.dumps({"anchor": a, "positive": b}) + "\n" for a, b in pairs).encode())
    assert read_pairs(path) == Pairs(*map(list, zip(*pairs, strict=True)))


# --- pairs, triplets, scored pairs, labelled texts


def test_triplets_of_princeton(put):
    path = put("nli_for_simcse.csv", 'sent0,sent1,hard_neg\n"a, b",c,d\n')
    assert read_triplets(path) == Triplets(["a, b"], ["c"], ["d"])
    assert read_pairs(path) == Pairs(["a, b"], ["c"])
    assert read_triplets(put("a.tsv", "a\tb\tc\n")) == Triplets(["a"], ["b"], ["c"])


def test_pairs_of_three_columns_need_names(put):
    path = put("a.tsv", "a\tb\t1\n")
    with pytest.raises(DataError, match=r"needs pairs: anchor, positive\. The file has 3 columns without names"):
        read_pairs(path)
    assert read_pairs(path, columns=("2", "1")) == Pairs(["b"], ["a"])
    with pytest.raises(UsageError, match="1 columns are named"):
        read_pairs(path, columns=("2",))
    for name in ("4", "0", "text"):
        with pytest.raises(UsageError, match=rf"no column '{name}'\. The file has 3 columns"):
            read_texts(path, columns=(name,))


def test_scored_pairs_with_and_without_header(put):
    for name, text in {
        "a.tsv": "a\tb\t1\n",
        "a.csv": "a,b,1.0\n",
        "a.data": "a\tb\t1\n",
        "h.tsv": "s_a\ts_b\tgold\na\tb\t1\n",
    }.items():
        pairs = read_scored_pairs(put(name, text))
        assert (pairs.first, pairs.second, pairs.scores.tolist(), len(pairs)) == (["a"], ["b"], [1.0], 1)
        assert pairs.scores.dtype == np.float64
    named = read_scored_pairs(
        put("n.tsv", "score\tid\tsentence2\tsentence1\n3\tx\tb\ta\n"), columns=("sentence1", "sentence2", "score")
    )
    assert (named.first, named.second) == (["a"], ["b"])
    usual = read_scored_pairs(put("u.csv", "id,sentence1,sentence2,similarity_score\n7,a,b,2\n"))
    assert (usual.first, usual.scores.tolist(), usual.subsets) == (["a"], [2.0], None)


def test_sub_tasks(put):
    pairs = read_scored_pairs(put("STS12.tsv", "MSRpar\ta\tb\t4.5\nMSRvid\tc\td\t0\n"))
    assert (pairs.subsets, pairs.first, pairs.second) == (("MSRpar", "MSRvid"), ["a", "c"], ["b", "d"])


@pytest.mark.parametrize("label", ["nan", "inf", "-inf", "yes", "1,5,2"])
def test_scores_that_are_no_numbers(put, label):
    with pytest.raises(DataError, match=f"line 3: the score in column '3' is '{label}', and a finite number is needed"):
        read_scored_pairs(put("a.tsv", f"a\tb\t1\nc\td\t2\ne\tf\t{label}\n"))


def test_a_bad_first_label_is_no_header(put):
    for label in ("null", "N/A", "一"):
        with pytest.raises(DataError, match="line 1: the score"):
            read_scored_pairs(put("a.tsv", f"hello\tgood\t{label}\nc\td\t2\n"))


@pytest.mark.parametrize(
    ("row", "problem"),
    [("c\td", "too few columns: this row has 2"), ("c\td\te\t1", "too many columns: this row has 4"), ("\td\t1", "'1' is empty")],
)
def test_bad_rows_are_told_with_their_line(put, row, problem):
    path = put("a.tsv", f"a\tb\t1\n\n{row}\n")
    with pytest.raises(DataError, match=problem) as caught:
        read_scored_pairs(path)
    assert (caught.value.line, caught.value.path) == (3, path)


def test_labelled_texts(put):
    labelled = read_labelled_texts(put("a.tsv", "pos\t好\nneg\t坏\npos\t很好\n"))
    assert (labelled.labels, labelled.texts, len(labelled)) == (["pos", "neg", "pos"], ["好", "坏", "很好"], 3)
    assert read_labelled_texts(put("b.csv", "text,label\n好,1\n")).labels == ["1"]
    assert read_labelled_texts(put("b.jsonl", '{"text": "好", "label": 1}\n')).labels == ["1"]
    turned = put("c.tsv", "好\tpos\n很好\tpos\n")
    assert read_labelled_texts(turned).labels == ["pos", "pos"]
    assert read_labelled_texts(turned, columns=("2", "1")).texts == ["好", "很好"]


# --- files that cannot be used


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("a.parquet.gz", "x", "compressed inside"),
        ("a.csv", "text,label\n", "only a header and no rows"),
        ("a.csv", "text,Text\na,b\n", "two columns have the same name"),
        ("a.csv", 'text,label\n"a\nb,1\n', "line 2: this is not valid csv"),
        ("a.csv", "text,label\n\na\n", "line 3: too few columns"),
        ("a.tsv", "1\t2\n3\t4\n", "no column holds text"),
        ("a.jsonl", "{}\n", "empty object"),
        ("a.jsonl", '{"text": "a"}\n{"text"\n', "line 2: this is not JSON"),
        ("a.jsonl", '{"text": "a"}\n"b"\n', "line 2: holds a string, the first line holds an object"),
        ("a.jsonl", "3\n", "holds a number; an object"),
        ("a.jsonl", '{"text": {"a": 1}}\n', "line 1: column 'text' holds an object, and text is needed"),
        ("a.jsonl", '{"text": "\\ud800"}\n', "half of a surrogate pair"),
        ("a.jsonl", '["a", "b"]\n["a"]\n', "line 2: the list has 1 parts"),
        ("a.tsv", "", "the file is empty"),
    ],
)
def test_files_that_cannot_be_used(put, name, text, problem):
    with pytest.raises(DataError, match=problem):
        read_texts(put(name, text))


def test_extra_keys_are_fine_where_columns_are_named(put):
    assert read_texts(put("a.jsonl", '{"text": "a"}\n{"text": "b", "x": "c"}\n'), columns=["text"]).texts == ["a", "b"]


def test_json_objects_have_no_order(put):
    with pytest.raises(DataError, match="needs pairs"):
        read_pairs(put("a.jsonl", '{"x": "a", "y": "b"}\n'))


@pytest.mark.parametrize(
    ("name", "text", "read", "needed", "found"),
    [
        ("a.jsonl", '{"x": "a", "y": "b"}\n', read_pairs, 2, ("x", "y")),
        ("a.tsv", "a\tb\n", read_triplets, 3, 2),
        ("a.csv", "sentence1,sentence2\na,b\n", read_triplets, 3, ("sentence1", "sentence2")),
        ("a.tsv", "你好\t再见\n", read_scored_pairs, 3, 2),
        ("a.tsv", "a\tb\tc\n", read_labelled_texts, 2, 3),
    ],
)
def test_other_columns_are_told_by_class_and_fields(put, name, text, read, needed, found):
    with pytest.raises(ColumnsError) as caught:
        read(put(name, text))
    assert (caught.value.needed, caught.value.found) == (needed, found)
    assert isinstance(caught.value, DataError) and caught.value.path == put(name, text) and caught.value.line is None


def test_a_bad_cell_is_no_question_of_columns(put):
    with pytest.raises(DataError, match="is empty") as caught:
        read_triplets(put("a.tsv", "a\tb\tc\na\t \tc\n"))
    assert not isinstance(caught.value, ColumnsError) and caught.value.line == 2


@pytest.mark.shared
def test_real_files(shared_data):
    assert read_texts(shared_data / "zh_sts/stsb.train_clean.tsv").columns == ("1", "2")
    assert len(read_texts(shared_data / "zh_sts/stsb.train_clean.tsv")) == 2 * 4504
    assert len(read_scored_pairs(shared_data / "zh_sts/atec.dev.tsv")) == 20000
    assert read_texts(shared_data / "faq/smp2019_nlu.train.tsv").columns == ("3",)
    assert read_texts(shared_data / "faq/banking77.train.tsv").columns == ("2",)
    assert set(read_scored_pairs(shared_data / "en_sts/STS12.surprise.SMTnews.tsv").subsets or ()) == {"surprise.SMTnews"}
    assert len(set(read_labelled_texts(shared_data / "faq/banking77.test.tsv").labels)) == 77
    assert len(read_triplets(shared_data / "zh_nli/triplets.simclue.tsv")) == 15560
    assert len(read_texts(shared_data / "zh_text/open/expmrc.txt.xz")) == 6543


def test_labelled_pairs_by_position_and_by_name(tmp_path: Path) -> None:
    plain, named = tmp_path / "a.tsv", tmp_path / "b.csv"
    plain.write_text("他在跑步\t有人在动\tentailment\n他在跑步\t他睡着了\t 0 \n", encoding="utf-8")
    named.write_text("label,premise,hypothesis\nneutral,甲,乙\n", encoding="utf-8")
    found = read_labelled_pairs(plain)
    assert (found.first, found.second, found.labels) == (["他在跑步"] * 2, ["有人在动", "他睡着了"], ["entailment", "0"])
    assert len(found) == 2
    assert read_labelled_pairs(named) == LabelledPairs(["甲"], ["乙"], ["neutral"])
    plain.write_text("甲\t乙\n", encoding="utf-8")
    with pytest.raises(DataError, match="labelled pairs: sentence, sentence, label"):
        read_labelled_pairs(plain)
