from __future__ import annotations

from pathlib import Path

import pytest

from juyi.data import ReadSettings
from juyi.data.sets import HUB_SETS, TRANSFER_SETS
from juyi.errors import DataError, UsageError
from juyi.metrics import Bootstrap
from juyi.suites import SUITES, Suite, open_suite
from juyi.tasks import BootstrappedScore, Geometry
from juyi.types import Score


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        (root / name).write_text(text, encoding="utf-8")


def tasks_of(suite: Suite) -> list[str]:
    return [str(task) for task in suite.tasks]


def test_every_suite_can_be_opened_by_name(tmp_path: Path) -> None:
    pairs = "甲\t乙\t1\n丙\t丁\t0\n"
    write(
        tmp_path,
        **{"bq.dev.tsv": pairs, "bq.test.tsv": pairs, "bq.train.tsv": pairs, "stsb.test.tsv": "a b\tc\t5\nd e\tf\t1\n"},
        **{"mr.tsv": "1\tgood film\n0\tbad film\n", "groups_bank.tsv": "7\t怎么申请\n7\t如何申请\n"},
    )
    opened = {name: tasks_of(open_suite(name, tmp_path)) for name in SUITES}
    assert opened == {
        "zh-sts": ["BQ dev", "BQ test", "STS-B test"],
        "zh-pairs": ["BQ test"],
        "en-sts": ["STSBenchmark test"],
        "transfer": ["MR 10-fold"],
        "applied": ["FAQ bank test"],
        "geometry": ["STS-B test"],
    }
    assert [open_suite(name, tmp_path).name for name in SUITES] == list(SUITES)
    assert tasks_of(open_suite("zh-sts", tmp_path, splits=["train"], tasks=["bq"])) == ["BQ train"]
    assert tasks_of(open_suite("zh-pairs", tmp_path, splits=["dev"])) == ["BQ dev"]
    assert tasks_of(open_suite("en-sts", tmp_path, tasks=["STSBenchmark"])) == ["STSBenchmark test"]


def test_chinese_and_english_sets_come_from_the_hub_too(hub) -> None:
    asked = hub()
    assert tasks_of(open_suite("zh-sts", "hub", splits=["test"], tasks=["BQ"])) == ["BQ test"]
    assert tasks_of(open_suite("en-sts", "hub", tasks=["STS12"])) == ["STS12 test"]
    assert asked == [(HUB_SETS[name].repository, "test") for name in ("BQ", "STS12")]


def test_the_average_over_the_transfer_sets_takes_one_figure_of_each(tmp_path: Path) -> None:
    write(tmp_path, **{"mr.tsv": "1\tgood film\n0\tbad film\n"})
    suite = open_suite("transfer", tmp_path)
    found = [
        BootstrappedScore(Score(name, "10-fold" if place < 4 else "test", "accuracy", 10.0 * place, 5), None, Bootstrap())
        for place, name in enumerate(TRANSFER_SETS)
    ]
    f1 = BootstrappedScore(Score("MRPC", "test", "f1", 99.0, 5), None, Bootstrap())
    (average,) = suite.summarise([*found, f1])
    # (0 + 10 + … + 60) / 7
    assert average.score == Score("avg", "test", "accuracy", 30.0, 35)
    assert suite.summarise(found[1:]) == []
    assert len(suite.problems) == 6


def test_transfer_tasks_are_chosen_in_any_spelling(tmp_path: Path) -> None:
    write(tmp_path, **{"mr.tsv": "1\tgood film\n0\tbad film\n", "cr.tsv": "1\tgood\n0\tbad\n"})
    write(tmp_path, **{f"sst2.{split}.tsv": "1\tgood\n0\tbad\n" for split in ("train", "dev", "test")})
    assert tasks_of(open_suite("transfer", tmp_path, tasks=["sst-2", "mr"])) == ["MR 10-fold", "SST2 test"]
    with pytest.raises(UsageError, match=r"no transfer task 'AG'\. Allowed: MR, CR"):
        open_suite("transfer", tmp_path, tasks=["AG"])


def test_geometry_of_a_folder_by_split_and_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    write(tmp_path / "en", **{f"stsb.{split}.tsv": "a b\tc\t5\nd e\tf\t1\n" for split in ("dev", "test")})
    assert tasks_of(open_suite("geometry", tmp_path / "en", splits=["dev", "test"])) == ["STS-B dev", "STS-B test"]
    (tmp_path / "ours.x.tsv").write_text("甲\t乙\t1\n丙\t丁\t0\n", encoding="gb18030")
    (task,) = open_suite("geometry", tmp_path / "ours.x.tsv", reading=ReadSettings(encoding="gb18030")).tasks
    assert isinstance(task, Geometry)
    assert (str(task), task.threshold, task.pairs.first) == ("ours all", 0.8, ["甲", "丙"])
    missing = open_suite("geometry", tmp_path / "en", splits=["train", "test"])
    assert tasks_of(missing) == ["STS-B test"]
    assert "the train split of STSBenchmark is not here" in missing.problems[0]


def test_a_file_takes_the_place_of_a_name(tmp_path: Path) -> None:
    write(tmp_path, **{"ours.tsv": "甲\t乙\t1\n丙\t丁\t0\n"})
    file = str(tmp_path / "ours.tsv")
    assert tasks_of(open_suite(file)) == ["ours all", "ours (0/1) all"]
    assert tasks_of(open_suite(file, tasks=["ours (0/1)"])) == ["ours (0/1) all"]
    (tmp_path / "gb.tsv").write_text("甲\t乙\t1.5\n丙\t丁\t0\n", encoding="gb18030")
    assert tasks_of(open_suite(str(tmp_path / "gb.tsv"), reading=ReadSettings(encoding="gb18030"))) == ["gb all"]


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"no suite 'zh' and no such file\. The suites are zh-sts, zh-pairs, en-sts.*or name a file"
    ):
        open_suite("zh")
    for name in SUITES:
        with pytest.raises(UsageError, match=f"The suite {name} needs --data"):
            open_suite(name)
        with pytest.raises(DataError):
            open_suite(name, tmp_path)
    write(tmp_path, **{"groups_bank.tsv": "7\t怎么申请\n7\t如何申请\n", "groups_shop.tsv": "1\t一\n2\n"})
    (problem,) = open_suite("applied", tmp_path, tasks=["FAQ shop"]).problems
    assert "groups_shop.tsv, line 2: too few" in problem
    with pytest.raises(UsageError, match=r"no task 'FAQ park' in applied\. There are: FAQ bank, FAQ shop\."):
        open_suite("applied", tmp_path, tasks=["FAQ park"])
    assert tasks_of(open_suite("applied", tmp_path, tasks=["FAQ bank"])) == ["FAQ bank test"]


def test_a_folder_is_no_suite(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"is a folder\. Name the suite, and give the folder with --data: zh-sts"):
        open_suite(str(tmp_path))
