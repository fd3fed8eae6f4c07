from __future__ import annotations

from pathlib import Path

import pytest

from juyi.data import Triplets
from juyi.errors import DataError
from juyi.suites.declared import (
    CorpusAndQueries,
    GeometryFile,
    IntentFiles,
    LabelledPairsFile,
    QuestionGroups,
    ScopeFile,
    ScoredPairsFile,
    TripletsFile,
)
from juyi.tasks import STS, Geometry, IntentRecall, OutOfScope, PairClassification, Retrieval, TripletAccuracy

FILES = {
    "sts.tsv": "甲\t甲甲\t5\n乙\t乙乙\t3.5\n丙\t丁\t0\n",
    "years.tsv": "新闻\t甲\t甲甲\t5\n新闻\t乙\t乙乙\t3.5\n论坛\t丙\t丁\t0\n论坛\t丙\t戊\t1\n",
    "pairs.tsv": "甲\t甲甲\t1\n丙\t丁\t0\n",
    "pairs.dev.tsv": "乙\t乙乙\t1\n丙\t戊\t0\n",
    "triplets.tsv": "甲\t甲甲\t丁\n乙\t乙乙\t戊\n",
    "groups.tsv": "7\t怎么申请\n7\t如何申请\n8\t怎么注销\n",
    "corpus.tsv": "a\t怎么申请\nb\t怎么注销\n",
    "queries.tsv": "b\t我要注销\na\t我要申请\na\t想申请\n",
    "qa.tsv": "1\t怎么申请\t到柜台来\n2\t怎么注销\t打电话\n",
    "train.tsv": "app\t打开微信\nfood\t怎么做饭\n",
    "test.tsv": "food\t做什么饭\n",
    "clinc.tsv": (
        "train\tapp\t打开微信\ntrain\tfood\t怎么做饭\nval\tapp\t打开支付宝\ntest\tfood\t做什么饭\n"
        "oos_test\toos\t天气\noos_test\toos\t股票\n"
    ),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_scored_pairs(folder: Path) -> None:
    task = ScoredPairsFile(name="ours", file="sts.tsv", split="dev", labels=("translated",)).read(folder)
    assert isinstance(task, STS)
    assert (task.name, task.split, task.labels) == ("ours", "dev", ("translated",))
    assert (task.pairs.first, task.pairs.scores.tolist(), task.pairs.subsets) == (["甲", "乙", "丙"], [5, 3.5, 0], None)
    years = ScoredPairsFile(name="ours", file="years.tsv").read(folder)
    assert isinstance(years, STS) and years.pairs.subsets == ("新闻", "新闻", "论坛", "论坛")
    assert years.split == "test"


def test_columns_and_encoding_can_be_named(folder: Path) -> None:
    (folder / "gb.tsv").write_text("3\t乙\t甲\n1\t丁\t丙\n", encoding="gb18030")
    task = ScoredPairsFile(name="ours", file="gb.tsv", columns=("3", "2", "1"), encoding="gb18030").read(folder)
    assert isinstance(task, STS)
    assert (task.pairs.first, task.pairs.second, task.pairs.scores.tolist()) == (["甲", "丙"], ["乙", "丁"], [3, 1])
    groups = QuestionGroups(name="ours", file="groups.tsv", columns=("1", "2")).read(folder)
    assert isinstance(groups, Retrieval) and list(groups.queries) == ["如何申请"]


def test_labelled_pairs_with_and_without_development_pairs(folder: Path) -> None:
    task = LabelledPairsFile(name="ours", file="pairs.tsv", labels=("translated",)).read(folder)
    assert isinstance(task, PairClassification)
    assert (task.pairs.first, task.development, task.labels) == (["甲", "丙"], None, ("translated",))
    task = LabelledPairsFile(name="ours", file="pairs.tsv", dev="pairs.dev.tsv").read(folder)
    assert isinstance(task, PairClassification) and task.development is not None
    assert task.development.first == ["乙", "丙"]


def test_triplets(folder: Path) -> None:
    task = TripletsFile(name="ours", file="triplets.tsv", labels=("translated",)).read(folder)
    assert isinstance(task, TripletAccuracy)
    assert (task.triplets, task.labels) == (Triplets(["甲", "乙"], ["甲甲", "乙乙"], ["丁", "戊"]), ("translated",))


def test_question_groups(folder: Path) -> None:
    task = QuestionGroups(name="ours", file="groups.tsv", labels=("dev-selected",)).read(folder)
    assert isinstance(task, Retrieval)
    assert (list(task.corpus), list(task.queries), task.labels) == (["怎么申请", "怎么注销"], ["如何申请"], ("dev-selected",))


def test_a_corpus_with_queries_and_one_with_answers(folder: Path) -> None:
    task = CorpusAndQueries(name="ours", corpus="corpus.tsv", queries="queries.tsv", labels=("dev-selected",)).read(folder)
    assert isinstance(task, Retrieval)
    assert (list(task.corpus), list(task.queries)) == (["怎么申请", "怎么注销"], ["我要注销", "我要申请", "想申请"])
    assert [set(places) for places in task.relevant] == [{1}, {0}, {0}]
    answers = CorpusAndQueries(name="ours", corpus="qa.tsv").read(folder)
    assert isinstance(answers, Retrieval)
    assert (list(answers.corpus), list(answers.queries)) == (["到柜台来", "打电话"], ["怎么申请", "怎么注销"])
    assert [set(places) for places in answers.relevant] == [{0}, {1}]


def test_intents_in_two_files_and_in_one(folder: Path) -> None:
    for declared in (
        IntentFiles(name="ours", train="train.tsv", test="test.tsv", labels=("translated",)),
        IntentFiles(name="ours", train="clinc.tsv", labels=("translated",)),
    ):
        task = declared.read(folder)
        assert isinstance(task, IntentRecall)
        assert (task.train.texts, task.train.labels) == (["打开微信", "怎么做饭"], ["app", "food"])
        assert (task.test.texts, task.test.labels, task.labels) == (["做什么饭"], ["food"], ("translated",))


def test_out_of_scope_queries_by_split_and_by_held_out_intents(folder: Path) -> None:
    task = ScopeFile(name="ours", file="clinc.tsv", rejection_rate=0.1, labels=("translated",)).read(folder)
    assert isinstance(task, OutOfScope) and task.validation is not None
    assert (task.train.texts, task.test.texts, task.validation.texts) == (["打开微信", "怎么做饭"], ["做什么饭"], ["打开支付宝"])
    assert (list(task.outside_test), task.rejection_rate, task.labels) == (["天气", "股票"], 0.1, ("translated",))
    rows = [f"意图{intent}\t意图{intent}的第{i}句\n" for intent in range(8) for i in range(12)]
    (folder / "intents.tsv").write_text("".join(rows), encoding="utf-8")
    tasks = [ScopeFile(name="ours", file="intents.tsv", hold_out=0.25, seed=seed).read(folder) for seed in (0, 0, 1)]
    unknown = []
    for each in tasks:
        assert isinstance(each, OutOfScope) and each.validation is not None
        unknown.append({text.partition("的")[0] for text in each.outside_test})
        assert len(unknown[-1]) == 2
        assert unknown[-1].isdisjoint({*each.train.labels, *each.test.labels, *each.validation.labels})
    assert unknown[0] == unknown[1] != unknown[2]


def test_geometry(folder: Path) -> None:
    task = GeometryFile(name="ours", file="sts.tsv", threshold=3, labels=("translated",)).read(folder)
    assert isinstance(task, Geometry)
    assert (task.threshold, len(task), task.labels) == (3, 3, ("translated",))
    default = GeometryFile(name="ours", file="sts.tsv").read(folder)
    assert isinstance(default, Geometry) and default.threshold == 4


def test_the_kind_is_fixed() -> None:
    kinds = (
        ScoredPairsFile, LabelledPairsFile, TripletsFile, QuestionGroups, CorpusAndQueries, IntentFiles, ScopeFile, GeometryFile,
    )  # fmt: skip
    names = [kind.__dataclass_fields__["kind"].default for kind in kinds]
    assert names == ["sts", "pairs", "triplets", "faq-groups", "faq-corpus", "intents", "out-of-scope", "geometry"]


def test_what_cannot_be_used_is_named(folder: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere\.tsv: "):
        TripletsFile(name="ours", file="nowhere.tsv").read(folder)
    (folder / "clinc.tsv").write_text("train\tapp\t打开微信\ntest\tapp\t打开支付宝\n", encoding="utf-8")
    assert isinstance(IntentFiles(name="ours", train="clinc.tsv").read(folder), IntentRecall)
    with pytest.raises(DataError, match=r"clinc\.tsv: the splits are train, test; val, oos_test is missing"):
        ScopeFile(name="ours", file="clinc.tsv").read(folder)
