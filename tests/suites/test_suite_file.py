"""Suites by name, of one file, and from a TOML file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from juyi.baselines import LexicalOverlap
from juyi.errors import DataError, UsageError
from juyi.evaluation import evaluate_suite
from juyi.suites import open_suite
from juyi.tasks import Geometry, IntentRecall, OutOfScope, PairClassification, Retrieval, TripletAccuracy

NOUNS = ["信用卡", "密码", "账单", "手机号", "快递", "退款", "会员", "发票"]
ASKED = ["怎么办理{}", "{}在哪里办", "我想办{}", "{}的事"]
PAIRS = [(f"怎么办理{noun}", ASKED[1 + place % 3].format(noun), place % 6) for place, noun in enumerate(NOUNS)]
GROUPS = [(noun, text.format(noun)) for noun in NOUNS for text in ASKED]
CORPUS = [(noun, f"{noun}的办理") for noun in NOUNS]

SUITE = """
[[task]]
kind = "sts"
name = "scored"
file = "pairs.tsv"
labels = ["translated"]
[[task]]
kind = "pairs"
name = "labelled"
file = "labelled.tsv"
dev = "labelled.tsv"
[[task]]
kind = "triplets"
name = "triplets"
file = "triplets.tsv"
split = "dev"
[[task]]
kind = "faq-groups"
name = "groups"
file = "groups.tsv"
[[task]]
kind = "faq-corpus"
name = "corpus"
corpus = "corpus.tsv"
queries = "groups.tsv"
[[task]]
kind = "faq-corpus"
name = "answers"
corpus = "answers.tsv"
[[task]]
kind = "intents"
name = "intents"
train = "groups.tsv"
test = "corpus.tsv"
[[task]]
kind = "intents"
name = "intents in one file"
train = "clinc.tsv"
[[task]]
kind = "out-of-scope"
name = "scope"
file = "clinc.tsv"
[[task]]
kind = "out-of-scope"
name = "held out"
file = "groups.tsv"
hold_out = 0.25
[[task]]
kind = "geometry"
name = "geometry"
file = "pairs.tsv"
threshold = 3
"""


def write(path: Path, rows: list[tuple[Any, ...]]) -> Path:
    path.write_text("".join("\t".join(map(str, row)) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    splits = [(split, noun, f"{split}：{noun}") for split in ("train", "val", "test") for noun in NOUNS]
    files: dict[str, list[tuple[Any, ...]]] = {
        "pairs": PAIRS,
        "labelled": [(first, second, score % 2) for first, second, score in PAIRS],
        "triplets": [(first, second, NOUNS[place - 1]) for place, (first, second, _) in enumerate(PAIRS)],
        "groups": GROUPS,
        "corpus": CORPUS,
        "answers": [(place, f"{noun}在哪里办", f"在网上办{noun}") for place, noun in enumerate(NOUNS)],
        "clinc": [*splits, ("oos_test", "oos", "天气"), ("oos_test", "oos", "吃什么")],
    }
    for name, rows in files.items():
        write(tmp_path / f"{name}.tsv", rows)
    (tmp_path / "mine.toml").write_text(SUITE, encoding="utf-8")
    return tmp_path / "mine.toml"


def test_every_kind_of_task_is_read_and_measured(suite: Path) -> None:
    found = open_suite(str(suite))
    assert (found.name, [*found.problems]) == ("mine", [])
    kinds = {str(task): type(task) for task in found.tasks}
    assert [*kinds] == [
        *("scored test", "labelled test", "triplets dev", "groups test", "corpus test", "answers test"),
        *("intents test", "intents in one file test", "scope test", "held out test", "geometry test"),
    ]
    assert kinds["labelled test"] is PairClassification
    assert kinds["triplets dev"] is TripletAccuracy
    assert kinds["groups test"] is kinds["corpus test"] is kinds["answers test"] is Retrieval
    assert kinds["intents test"] is kinds["intents in one file test"] is IntentRecall
    assert kinds["scope test"] is kinds["held out test"] is OutOfScope
    assert kinds["geometry test"] is Geometry
    assert found.tasks[0].labels == ("translated",)
    result = evaluate_suite(found, LexicalOverlap())
    assert {score.task for score in result.scores} == {task.name for task in found.tasks} - {"geometry"}
    assert result.value("groups", "test", "recall@1") > 50


def test_files_lie_beside_the_suite_or_in_the_folder_that_is_named(suite: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    moved = suite.rename(tmp_path / "elsewhere" / "mine.toml")
    assert len(open_suite(str(moved), suite.parent).tasks) == 11
    lost = open_suite(str(moved))
    assert (len(lost.tasks), len(lost.problems)) == (0, 11)
    assert "scored test" in lost.problems[0] and "elsewhere" in lost.problems[0]


def test_a_missing_file_keeps_the_others(suite: Path) -> None:
    (suite.parent / "triplets.tsv").unlink()
    found = open_suite(str(suite))
    assert len(found.tasks) == 10
    (problem,) = found.problems
    assert "triplets dev" in problem and "triplets.tsv" in problem


def test_tasks_and_splits_are_chosen_before_anything_is_read(suite: Path) -> None:
    (suite.parent / "pairs.tsv").unlink()
    assert [str(task) for task in open_suite(str(suite), tasks=["groups", "corpus"]).tasks] == ["groups test", "corpus test"]
    dev = open_suite(str(suite), splits=["dev"])
    assert ([str(task) for task in dev.tasks], [*dev.problems]) == (["triplets dev"], [])
    with pytest.raises(UsageError, match=r"no task 'group' in .*mine\.toml.*scored, labelled"):
        open_suite(str(suite), tasks=["group"])
    with pytest.raises(UsageError, match=r"no split 'train'.* test, dev"):
        open_suite(str(suite), splits=["train"])


SCORED = '[[task]]\nkind = "sts"\nname = "a"\nfile = "pairs.tsv"\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f'{SCORED}colums = ["1"]', ["colums", "Did you mean", "columns"]),
        (SCORED.replace("file", "fiel"), ["fiel", "file"]),
        (SCORED.replace('"sts"', '"stss"'), ["'stss'", "'sts'", "'faq-groups'"]),
        (SCORED.replace('kind = "sts"\n', ""), ["kind", "missing"]),
        (SCORED.replace('file = "pairs.tsv"\n', ""), ["file", "missing"]),
        (f'{SCORED}labels = "mine"', ["'task.0.labels'", "'mine'"]),
        (f"{SCORED}threshold = 3", ["threshold", "unknown"]),  # of another kind
        (SCORED.replace("[[task]]", "[[tasks]]"), ["tasks", "Did you mean 'task'"]),
        (SCORED.replace("[[task]]", "[task]"), ["task", "list"]),
        ("", ["task", "missing"]),
        ("[[task]", ["not valid TOML"]),
    ],
)
def test_a_mistake_in_the_file_is_named_with_what_is_allowed(suite: Path, text: str, words: list[str]) -> None:
    suite.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        open_suite(str(suite))
    assert all(word in str(caught.value) for word in ["mine.toml", *words]), str(caught.value)


def test_a_suite_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere"):
        open_suite(str(tmp_path / "nowhere.toml"))
    (tmp_path / "gbk.toml").write_bytes('name = "我的"'.encode("gb18030"))
    with pytest.raises(UsageError, match=r"gbk\.toml is not valid TOML"):
        open_suite(str(tmp_path / "gbk.toml"))


def test_a_file_has_one_split_and_needs_no_folder(suite: Path) -> None:
    path = str(suite.with_name("pairs.tsv"))
    assert [str(task) for task in open_suite(path).tasks] == ["pairs all"]
    assert len(open_suite(path, splits=["all"]).tasks) == 1
    with pytest.raises(UsageError, match=r"no split 'train'.*all"):
        open_suite(path, splits=["train"])
    with pytest.raises(UsageError, match="--data goes with a named suite"):
        open_suite(path, suite.parent)


def test_a_named_suite_chooses_its_splits_itself(tmp_path: Path) -> None:
    for split in ("dev", "test"):
        write(tmp_path / f"bq.{split}.tsv", PAIRS)
    assert [str(task) for task in open_suite("zh-sts", tmp_path, splits=["test"], tasks=["bq"]).tasks] == ["BQ test"]
    missing = open_suite("zh-sts", tmp_path, splits=["train"], tasks=["bq"])
    assert missing.tasks == [] and "BQ train is missing" in missing.problems[0]
    write(tmp_path / "groups_mine.tsv", GROUPS)
    assert [str(task) for task in open_suite("applied", tmp_path, splits=["test"]).tasks] == ["FAQ mine test"]
    with pytest.raises(UsageError, match=r"suite applied has no split 'dev'.*test"):
        open_suite("applied", tmp_path, splits=["dev"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="nothing is here"):
        open_suite("applied", tmp_path / "empty")
