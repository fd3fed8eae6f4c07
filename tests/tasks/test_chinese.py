from __future__ import annotations

import math
import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from juyi.data import ScoredPairs
from juyi.errors import DataError, UsageError
from juyi.tasks import PUBLISHED_COUNTS, STS, chinese_five, count_warning, count_warnings, evaluate_suite
from juyi.types import Embeddings

KEYS = ("atec", "bq", "lcqmc", "pawsx", "stsb")
NAMES = ("ATEC", "BQ", "LCQMC", "PAWSX", "STS-B")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for key in KEYS:
        for size, split in enumerate(("train", "dev", "test"), start=2):
            rows = (f"{key}{split}{row}甲\t{key}{split}{row}乙\t{row % 2}\n" for row in range(size))
            (tmp_path / f"{key}.{split}.tsv").write_text("".join(rows), encoding="utf-8")
    return tmp_path


def names(tasks: Sequence[STS]) -> list[tuple[str, str]]:
    return [(task.name, task.split) for task in tasks]


def test_five_tasks_with_two_splits_in_table_order(folder: Path) -> None:
    tasks = chinese_five(folder)
    assert names(tasks) == [(name, split) for name in NAMES for split in ("dev", "test")]
    assert [len(task) for task in tasks] == [3, 4] * 5
    assert tasks[2].pairs.first == ["bqdev0甲", "bqdev1甲", "bqdev2甲"]
    assert tasks[2].pairs.scores.tolist() == [0, 1, 0]
    assert [task.labels for task in tasks] == [()] * 8 + [("translated",)] * 2


def test_tasks_and_splits_can_be_chosen(folder: Path) -> None:
    assert names(chinese_five(folder, ["test", "train"], tasks=["stsb", "BQ"])) == [
        ("BQ", "test"), ("BQ", "train"), ("STS-B", "test"), ("STS-B", "train"),
    ]  # fmt: skip
    assert names(chinese_five(folder, "dev", tasks="STS-B")) == [("STS-B", "dev")]


def test_what_is_missing_is_named(folder: Path) -> None:
    (folder / "bq.test.tsv").unlink()
    for split in ("train", "dev", "test"):
        (folder / f"stsb.{split}.tsv").unlink()
    with pytest.raises(DataError, match=r"missing here: BQ test, STS-B dev, STS-B test\. Found: ATEC train, ATEC dev"):
        chinese_five(folder)
    assert len(chinese_five(folder, ["dev"], tasks=["ATEC", "BQ"])) == 2


def test_what_is_not_known_is_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"no Chinese task 'AFQMC'. Allowed: ATEC, BQ, LCQMC, PAWSX, STS-B"):
        chinese_five(folder, tasks=["AFQMC"])
    with pytest.raises(UsageError, match=r"no split 'valid'. Allowed: train, dev, test"):
        chinese_five(folder, ["valid"])


def test_counts_are_compared_in_words(folder: Path) -> None:
    def sized(name: str, split: str, count: int) -> STS:
        return STS(name, split, ScoredPairs(["a"] * count, ["b"] * count, np.zeros(count)))

    assert count_warning(sized("STS-B", "test", 1361)) is None
    assert count_warning(sized("other", "test", 5)) is None
    assert str(count_warning(sized("STS-B", "test", 1379))).startswith(
        "STS-B test has 1379 pairs, 18 more than the published 1361:"
    )
    assert str(count_warning(sized("LCQMC", "dev", 8800))).startswith(
        "LCQMC dev has 8800 pairs, 2 fewer than the published 8802:"
    )
    assert len(count_warnings(chinese_five(folder))) == 10
    assert set(PUBLISHED_COUNTS) == set(NAMES)


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
