from __future__ import annotations

import math
import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from juyi.data.sets import HUB_SETS
from juyi.errors import DataError, UsageError
from juyi.evaluation import evaluate_suite
from juyi.suites import chinese_five, chinese_pairs, chinese_sts, count_warnings
from juyi.tasks import PairClassification, Task
from juyi.types import Embeddings

KEYS = ("atec", "bq", "lcqmc", "pawsx", "stsb")
NAMES = ("ATEC", "BQ", "LCQMC", "PAWSX", "STS-B")
SIZES = {"train": 20, "dev": 24, "test": 30}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """All five, each split of another size; the labels alternate."""
    for key in KEYS:
        for split, size in SIZES.items():
            rows = (f"{key}{split}{row}甲\t{key}{split}{row * row}乙\t{row % 2}\n" for row in range(size))
            (tmp_path / f"{key}.{split}.tsv").write_text("".join(rows), encoding="utf-8")
    return tmp_path


def names(tasks: Sequence[Task]) -> list[tuple[str, str]]:
    return [(task.name, task.split) for task in tasks]


def test_five_tasks_with_two_splits_in_table_order(folder: Path) -> None:
    tasks = chinese_five(folder)
    assert names(tasks) == [(name, split) for name in NAMES for split in ("dev", "test")]
    assert [len(task) for task in tasks] == [24, 30] * 5
    assert tasks[2].pairs.first[:3] == ["bqdev0甲", "bqdev1甲", "bqdev2甲"]
    assert tasks[2].pairs.scores[:3].tolist() == [0, 1, 0]
    assert [task.labels for task in tasks] == [()] * 8 + [("translated",)] * 2


def test_tasks_and_splits_can_be_chosen(folder: Path) -> None:
    assert names(chinese_five(folder, ["test", "train"], tasks=["stsb", "BQ"])) == [
        ("BQ", "test"), ("BQ", "train"), ("STS-B", "test"), ("STS-B", "train"),
    ]  # fmt: skip
    assert names(chinese_five(folder, "dev", tasks="STS-B")) == [("STS-B", "dev")]


def test_averages_are_over_splits_and_over_tasks(folder: Path) -> None:
    result = evaluate_suite(chinese_sts(folder), encode_grams)
    value = result.value
    pooled = ("avg", "w-avg")
    assert [(score.task, score.split) for score in result.scores] == [
        *((name, split) for name in NAMES for split in ("dev", "test")),
        *((name, split) for name in NAMES for split in pooled),
        *(("avg", split) for split in ("dev", "test", *pooled)),
    ]
    for name in NAMES:
        assert value(name, "avg") == pytest.approx((value(name, "dev") + value(name, "test")) / 2)
        assert value(name, "w-avg") == pytest.approx((24 * value(name, "dev") + 30 * value(name, "test")) / 54)
    for split in ("dev", "test", *pooled):
        assert value("avg", split) == pytest.approx(sum(value(name, split) for name in NAMES) / 5)
    assert [score.count for score in result.scores[-4:]] == [5 * 24, 5 * 30, 5 * 54, 5 * 54]
    assert all(score.labels == ("translated",) for score in result.scores[-4:])
    assert all(score.interval is not None for score in result.scores)


def test_one_split_has_its_average_over_tasks_alone(folder: Path) -> None:
    result = evaluate_suite(chinese_sts(folder, ["test"]), encode_grams)
    assert [(score.task, score.split) for score in result.scores] == [*((name, "test") for name in NAMES), ("avg", "test")]


BROKEN = {
    "a missing file": (None, r"BQ test is missing here\. Found: ATEC train, .*Put the file there"),
    "an empty file": ("", r"bq\.test\.tsv: .*empty"),
    "a column too few": ("甲\t乙\t1\n丙\t丁\n", r"bq\.test\.tsv, line 2: too few columns"),
    "no number": ("甲\t乙\t1\n丙\t丁\tnan\n", r"bq\.test\.tsv, line 2: the score .* is 'nan', and a finite number is needed"),
    "an empty sentence": ("甲\t乙\t1\n \t丁\t0\n", r"bq\.test\.tsv, line 2: .*empty"),
}


@pytest.mark.parametrize(("text", "words"), BROKEN.values(), ids=BROKEN)
def test_what_cannot_be_read_is_named_and_the_rest_is_measured(folder: Path, text: str | None, words: str) -> None:
    path = folder / "bq.test.tsv"
    if text is None:
        path.unlink()
    else:
        path.write_text(text, encoding="utf-8")
    suite = chinese_sts(folder)
    assert names(suite.tasks) == [(name, split) for name in NAMES for split in ("dev", "test") if (name, split) != ("BQ", "test")]
    (problem,) = suite.problems
    assert "BQ test" in problem
    with pytest.raises(DataError, match=words):
        chinese_five(folder)
    result = evaluate_suite(suite, encode_grams)
    assert result.problems == (problem,)
    found = {(score.task, score.split) for score in result.scores}
    assert {(name, "avg") for name in NAMES} - found == {("BQ", "avg")}
    # An average over four of five would pass for one over five.
    assert {split for task, split in found if task == "avg"} == {"dev"}


def test_a_third_split_that_is_missing_leaves_no_average_over_splits(folder: Path) -> None:
    (folder / "bq.train.tsv").unlink()
    result = evaluate_suite(chinese_sts(folder, ["train", "dev", "test"], ["bq", "atec"]), encode_grams)
    assert {score.task for score in result.scores if score.split == "avg"} == {"ATEC"}


def test_pairs_take_their_thresholds_from_the_development_split(folder: Path) -> None:
    suite = chinese_pairs(folder, ["dev", "test"])
    assert names(suite.tasks) == [(name, split) for name in NAMES[:4] for split in ("dev", "test")]
    for task in suite.tasks:
        assert isinstance(task, PairClassification)
        assert (task.development is not None) == (task.split == "test")
        if task.development is not None:
            assert task.development.first[0] == f"{task.name.lower()}dev0甲"
    (folder / "bq.dev.tsv").unlink()
    (alone,) = chinese_pairs(folder, tasks=["BQ", "STS-B"]).tasks
    assert isinstance(alone, PairClassification) and alone.development is None


def test_the_hub_takes_the_place_of_a_folder(hub) -> None:
    asked = hub(broken="C-MTEB/LCQMC")
    suite = chinese_sts("hub", ["dev"])
    assert asked == [(HUB_SETS[name].repository, "validation") for name in ("ATEC", "BQ", "LCQMC", "PAWSX", "STSB")]
    assert names(suite.tasks) == [(name, "dev") for name in NAMES if name != "LCQMC"]
    assert suite.tasks[-1].labels == ("translated",)
    (problem,) = suite.problems
    assert problem.startswith("LCQMC dev: the dev split of C-MTEB/LCQMC could not be loaded (no network)")


def test_what_is_not_known_is_refused(folder: Path) -> None:
    (folder / "nothing").mkdir()
    for suite in (chinese_sts, chinese_pairs):
        with pytest.raises(UsageError, match=r"no Chinese task 'AFQMC'. Allowed: ATEC, BQ, LCQMC, PAWSX, STS-B"):
            suite(folder, tasks=["AFQMC"])
        with pytest.raises(UsageError, match=r"no split 'valid'. Allowed: train, dev, test"):
            suite(folder, ["valid"])
        with pytest.raises(DataError, match="none of the Chinese sets is here"):
            suite(folder / "nothing")


def test_other_counts_than_the_published_ones_are_noted(folder: Path) -> None:
    notes = chinese_sts(folder).notes
    assert len(notes) == 10
    assert notes[-1].startswith("STS-B test has 30 pairs, 1331 fewer than the published 1361:")
    assert len(chinese_pairs(folder).notes) == 4


def hashed_grams(text: str, buckets: int = 4096) -> Counter[int]:
    grams = [*text, *(text[i : i + 2] for i in range(len(text) - 1))]
    return Counter(zlib.crc32(gram.encode()) % buckets for gram in grams)


def encode_grams(texts: Sequence[str]) -> Embeddings:
    """How often each character and each pair of neighbours occurs, hashed into 4096 buckets."""
    rows = np.zeros((len(texts), 4096), dtype=np.float32)
    for row, text in zip(rows, texts, strict=True):
        for bucket, count in hashed_grams(text).items():
            row[bucket] = count
    return rows


def overlap(a: str, b: str) -> float:
    x, y = hashed_grams(a), hashed_grams(b)
    squares = [sum(count * count for count in counts.values()) for counts in (x, y)]
    return sum(count * y[gram] for gram, count in x.items()) / math.sqrt(squares[0] * squares[1])


@pytest.mark.shared
def test_lexical_overlap_on_the_real_sets(shared_data: Path) -> None:
    tasks = chinese_five(shared_data / "zh_sts")
    assert len(tasks) == 10
    assert count_warnings(tasks) == []
    small = [task for task in tasks if task.name == "STS-B"]
    result = evaluate_suite(small, encode_grams)
    for task, published in zip(small, (66.0, 58.2), strict=True):
        slow = [overlap(a, b) for a, b in zip(task.pairs.first, task.pairs.second, strict=True)]
        value = result.value("STS-B", task.split)
        assert value == pytest.approx(100 * stats.spearmanr(slow, task.pairs.scores).statistic, abs=0.05)
        # The figure without hashing.
        assert value == pytest.approx(published, abs=1)


def test_the_files_may_have_another_encoding(folder: Path) -> None:
    for path in folder.iterdir():
        path.write_bytes(path.read_text(encoding="utf-8").encode("gb18030"))
    suite = chinese_sts(folder, encoding="gb18030")
    assert suite.problems == []
    assert chinese_sts(folder).problems == []  # found, where it is not named
    assert "is not utf-8" in chinese_sts(folder, encoding="utf-8").problems[0]
    assert not chinese_pairs(folder, ("dev",), encoding="gb18030").problems


def test_graded_scores_have_no_classes(folder: Path) -> None:
    with pytest.raises(UsageError, match="The tasks of zh-pairs are ATEC, BQ, LCQMC, PAWSX"):
        chinese_pairs(folder, tasks=("STS-B",))
