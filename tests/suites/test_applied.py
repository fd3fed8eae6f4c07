from __future__ import annotations

from pathlib import Path

import pytest

from juyi.data import ReadSettings
from juyi.errors import DataError
from juyi.suites import DeclaredTask, applied, declared_suite, of_file
from juyi.suites.declared import ScoredPairsFile, TripletsFile
from juyi.tasks import STS, IntentRecall, OutOfScope, PairClassification, Retrieval, TripletAccuracy

GROUPS = "7\t怎么申请\n7\t如何申请\n8\t怎么注销\n"
CORPUS, QUERIES = "a\t怎么申请\nb\t怎么注销\n", "b\t我要注销\na\t我要申请\n"
ANSWERS = "1\t怎么申请\t到柜台来\n2\t怎么注销\t打电话\n"
TRAIN, TEST = "app\t打开微信\nfood\t怎么做饭\n", "food\t做什么饭\n"
OUTSIDE = "oos_test\toos\t天气\noos_test\toos\t股票\n"
CLINC = "train\tapp\t打开微信\ntrain\tfood\t怎么做饭\nval\tapp\t打开支付宝\ntest\tfood\t做什么饭\n" + OUTSIDE


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        (root / name).write_text(text, encoding="utf-8")


def test_a_declared_suite_names_what_cannot_be_read(tmp_path: Path) -> None:
    write(tmp_path, **{"a.tsv": "甲\t乙\t1\n丙\t丁\t0\n", "b.tsv": "甲\t乙\t丙\n甲\t乙\n"})
    declared: list[DeclaredTask] = [
        ScoredPairsFile(name="A", file="a.tsv", split="dev"),
        TripletsFile(name="B", file="b.tsv"),
        TripletsFile(name="C", file="c.tsv"),
    ]
    suite = declared_suite("mine", declared, tmp_path)
    assert (suite.name, [str(task) for task in suite.tasks]) == ("mine", ["A dev"])
    broken, missing = suite.problems
    assert broken.startswith(f"B test: {tmp_path / 'b.tsv'}, line 2: too few columns")
    assert missing.startswith(f"C test: {tmp_path / 'c.tsv'}: ")


def test_what_lies_in_a_folder_is_found_by_its_names(tmp_path: Path) -> None:
    write(
        tmp_path,
        **{
            "groups_bank.tsv": GROUPS, "shop.groups.csv": "group,question\n7,怎么申请\n7,如何申请\n", "groups.tsv": GROUPS,
            "faq.corpus.tsv": CORPUS, "faq.queries.tsv": QUERIES, "why.corpus.tsv": ANSWERS,
            "smp.train.tsv": TRAIN, "smp.test.tsv": TEST, "clinc150.data.tsv": CLINC,
            "clinc_small.json": '{"train": [["打开微信", "app"]], "val": [["打开", "app"]], "test": [["微信", "app"]],'
            ' "oos_test": [["天气", "oos"]]}',
            # No part of these: a training split alone, other names, a folder.
            "alone.train.tsv": TRAIN, "pairs.tsv": "a\tb\t1\n", "groups.md": "notes",
        },
    )  # fmt: skip
    (tmp_path / "groups_x.tsv.d").mkdir()
    suite = applied(tmp_path)
    assert list(suite.problems) == []
    kinds = {str(task): type(task) for task in suite.tasks}
    assert kinds == {
        "FAQ bank test": Retrieval,
        "FAQ shop test": Retrieval,
        "FAQ groups test": Retrieval,
        "FAQ faq test": Retrieval,
        "FAQ why test": Retrieval,
        "intents smp test": IntentRecall,
        "intents clinc150.data test": IntentRecall,
        "out-of-scope clinc150.data test": OutOfScope,
        "intents clinc_small test": IntentRecall,
        "out-of-scope clinc_small test": OutOfScope,
    }
    tasks = {task.name: task for task in suite.tasks}
    faq, why = tasks["FAQ faq"], tasks["FAQ why"]
    assert isinstance(faq, Retrieval) and isinstance(why, Retrieval)
    assert (list(faq.corpus), list(faq.queries)) == (["怎么申请", "怎么注销"], ["我要注销", "我要申请"])
    assert (list(why.corpus), list(why.queries)) == (["到柜台来", "打电话"], ["怎么申请", "怎么注销"])


def test_a_file_that_cannot_be_used_is_a_problem_of_the_folder(tmp_path: Path) -> None:
    write(tmp_path, **{"groups_bank.tsv": GROUPS, "groups_shop.tsv": "1\t一\n2\t二\n", "groups_post.tsv": "1\t一\n2\n"})
    suite = applied(tmp_path)
    assert [task.name for task in suite.tasks] == ["FAQ bank"]
    post, shop = suite.problems
    assert f"{tmp_path / 'groups_post.tsv'}, line 2: too few columns" in post
    assert shop.startswith("FAQ shop test: none of the 2 groups has a second question")


def test_a_folder_that_holds_nothing_says_what_was_looked_for(tmp_path: Path) -> None:
    write(tmp_path, **{"notes.txt": "x"})
    with pytest.raises(DataError, match=r"nothing is here to measure\. Looked for: groups_NAME\.tsv or"):
        applied(tmp_path)
    with pytest.raises(DataError, match="there is no such folder"):
        applied(tmp_path / "nowhere")
    with pytest.raises(DataError, match="there is no such folder"):
        applied(tmp_path / "notes.txt")


ONE_FILE = {
    "scored.tsv": ("甲\t乙\t4.5\n丙\t丁\t0\n", [("scored all", STS)]),
    "with.names.csv": ("sentence1,sentence2,score\n甲,乙,1\n丙,丁,3\n", [("with all", STS)]),
    "keys.jsonl": (
        '{"score": 1, "text1": "甲", "text2": "乙"}\n{"score": 3, "text1": "丙", "text2": "丁"}\n',
        [("keys all", STS)],
    ),
    "more.csv": ("id,sentence1,sentence2,source,label\n1,甲,乙,x,2\n2,丙,丁,x,3\n", [("more all", STS)]),
    "cnsd.txt": ("sts-dev||甲||乙||5\nsts-dev||丙||丁||0\n", [("cnsd all", STS)]),
    "years.tsv": ("新\t甲\t乙\t4.5\n新\t丙\t丁\t0\n", [("years all", STS)]),
    "binary.tsv": ("甲\t乙\t1\n丙\t丁\t0\n", [("binary all", STS), ("binary (0/1) all", PairClassification)]),
    "triplets.tsv": ("甲\t乙\t丙\n丁\t戊\t己\n", [("triplets all", TripletAccuracy)]),
    "named.tsv": ("anchor\tpositive\tnegative\n甲\t乙\t丙\n", [("named all", TripletAccuracy)]),
    "faq.tsv": (GROUPS, [("faq all", Retrieval)]),
    "labelled.tsv": ("label\ttext\n7\t怎么申请\n7\t如何申请\n", [("labelled all", Retrieval)]),
}


@pytest.mark.parametrize(("name", "text", "kinds"), [(name, *rest) for name, rest in ONE_FILE.items()], ids=ONE_FILE)
def test_the_columns_of_one_file_tell_what_it_holds(tmp_path: Path, name: str, text: str, kinds: list[tuple[str, type]]) -> None:
    write(tmp_path, **{name: text})
    suite = of_file(tmp_path / name)
    assert (suite.name, list(suite.problems)) == (name, [])
    assert [(str(task), type(task)) for task in suite.tasks] == kinds


def test_sub_tasks_and_0_1_pairs_are_those_of_the_file(tmp_path: Path) -> None:
    write(tmp_path, **{"years.tsv": "新\t甲\t乙\t1\n新\t丙\t丁\t0\n旧\t戊\t己\t1\n旧\t庚\t辛\t0\n"})
    sts, classes = of_file(str(tmp_path / "years.tsv")).tasks
    assert isinstance(sts, STS) and isinstance(classes, PairClassification)
    assert sts.pairs.subsets == ("新", "新", "旧", "旧")
    assert classes.pairs is sts.pairs and classes.development is None


def test_one_file_in_another_encoding(tmp_path: Path) -> None:
    (tmp_path / "gb.tsv").write_text(GROUPS, encoding="gb18030")
    for encoding in ("", "gb18030"):
        (task,) = of_file(tmp_path / "gb.tsv", ReadSettings(encoding=encoding)).tasks
        assert isinstance(task, Retrieval) and list(task.queries) == ["如何申请"]
    with pytest.raises(DataError, match=r"gb\.tsv"):
        of_file(tmp_path / "gb.tsv", ReadSettings(encoding="utf-8"))


@pytest.mark.parametrize(("text", "held"), [("甲\n乙\n", r"1 \(text\)"), ("甲\t乙\t丙\t丁\t戊\n", r"1 \(text\), 2 .*5 \(text\)")])
def test_other_numbers_of_columns_are_refused(tmp_path: Path, text: str, held: str) -> None:
    write(tmp_path, **{"x.tsv": text})
    with pytest.raises(DataError, match=rf"x.tsv: these columns are nothing that can be measured: {held}\. .*suite of your own"):
        of_file(tmp_path / "x.tsv")


def test_a_row_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    write(tmp_path, **{"x.tsv": "甲\t乙\t1\n丙\t丁\n"})
    with pytest.raises(DataError, match=r"x\.tsv, line 2: too few columns"):
        of_file(tmp_path / "x.tsv")
    with pytest.raises(DataError, match=r"y\.tsv"):
        of_file(tmp_path / "y.tsv")


@pytest.mark.shared
def test_the_real_applied_sets(shared_data: Path) -> None:
    suite = applied(shared_data / "faq")
    (problem,) = suite.problems
    assert problem.startswith("FAQ why_qa test: ") and "why_qa.corpus.tsv, line 967: column '3' is empty" in problem
    assert [str(task) for task in suite.tasks] == [
        "intents banking77 test",
        "intents clinc150.data_small test",
        "out-of-scope clinc150.data_small test",
        "FAQ bq test",
        "FAQ lcqmc test",
        "FAQ insurance_zhidao test",
    ]


def test_a_score_that_stands_first_is_not_taken_for_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "mrpc.tsv").write_text("1\tone sentence\tanother\n0\ttwo\tthree\n")
    said: list[str] = []
    task, _ = of_file(tmp_path / "mrpc.tsv", log=said.append).tasks
    assert isinstance(task, STS) and (task.pairs.first, task.pairs.scores.tolist()) == (["one sentence", "two"], [1, 0])
    assert "reading columns 2, 3, 1" in said[0]
