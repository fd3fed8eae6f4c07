from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from juyi.data.sets import ENGLISH_STS, HUB_SETS, read_hub_pairs, read_hub_set
from juyi.errors import DataError, MissingExtraError, UsageError

datasets = pytest.importorskip("datasets")

ROWS = [
    {"sentence1": "a man", "sentence2": "a woman", "score": 2.5},
    {"sentence1": "red", "sentence2": "red", "score": 5.0},
]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")


def write(folder: Path, rows: list[dict[str, Any]], split: str = "test") -> Path:
    folder.mkdir(exist_ok=True)
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / f"{split}.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    return folder


def test_a_folder_of_jsonl(tmp_path: Path) -> None:
    folder = write(tmp_path / "set", [{"split": "test", "genre": "news", **row} for row in ROWS])
    pairs = read_hub_pairs(folder)
    assert (pairs.first, pairs.second, pairs.subsets) == (["a man", "red"], ["a woman", "red"], None)
    assert pairs.scores.dtype == float
    assert pairs.scores.tolist() == [2.5, 5]


def test_a_folder_of_parquet_with_its_splits(tmp_path: Path) -> None:
    (tmp_path / "set" / "data").mkdir(parents=True)
    for split, rows in [("test", ROWS), ("validation", ROWS[1:])]:
        datasets.Dataset.from_list(rows).to_parquet(tmp_path / f"set/data/{split}-00000-of-00001.parquet")
    assert len(read_hub_pairs(str(tmp_path / "set"), "test")) == 2
    assert read_hub_pairs(tmp_path / "set", "dev").first == ["red"]


@pytest.mark.parametrize("name", HUB_SETS)
def test_pinned_sets_are_asked_for_by_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    folder = write(tmp_path / "set", ROWS)
    load, asked = datasets.load_dataset, []

    def stand_in(repository: str, **options: Any) -> Any:
        asked.append((repository, options.pop("revision")))
        return load(str(folder), **options)

    monkeypatch.setattr(datasets, "load_dataset", stand_in)
    assert len(read_hub_set(name)) == 2
    assert asked == [(HUB_SETS[name].repository, HUB_SETS[name].revision)]


def test_names() -> None:
    assert tuple(HUB_SETS) == (*ENGLISH_STS, "ATEC", "BQ", "LCQMC", "PAWSX", "STSB")
    assert all(len(bytes.fromhex(one.revision)) == 20 for one in HUB_SETS.values())
    with pytest.raises(UsageError, match=r"no set 'STS17' from the hub\. Allowed: STS12"):
        read_hub_set("STS17")


@pytest.mark.parity
def test_revisions_are_those_of_mteb() -> None:
    mteb = pytest.importorskip("mteb")
    for name, one in HUB_SETS.items():
        assert mteb.get_task(name).metadata.dataset == {"path": one.repository, "revision": one.revision}


def test_what_cannot_be_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    with pytest.raises(DataError, match=r"the test split of mteb/sts12-sts could not be loaded \(.*reach.*\): .*HF_ENDPOINT"):
        read_hub_set("STS12")
    folder = write(tmp_path / "set", ROWS)
    with pytest.raises(DataError, match=r"the dev split of .*set could not be loaded \(.*\"validation\".*\['test'\].*\)"):
        read_hub_pairs(folder, "dev")
    (folder / "test.jsonl.gz").write_bytes(gzip.compress(b"not json\n"))
    with pytest.raises(DataError, match=r"could not be loaded \(.*: .*JSON.*\)"):
        read_hub_pairs(folder)


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)  # as if it were not installed
    with pytest.raises(MissingExtraError, match=r"reading mteb/sts12-sts needs the package 'datasets'.*juyi\[hub\]"):
        read_hub_set("STS12")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"sentence2": " "}, "row 3 of the test split has an empty sentence"),
        ({"sentence1": None}, "row 3 of the test split has an empty sentence"),
        ({"score": None}, "row 3 of the test split has the score 'None', and a finite number is needed"),
        ({"score": float("nan")}, "row 3 of the test split has the score 'nan'"),
    ],
)
def test_bad_rows(tmp_path: Path, row: dict[str, Any], reason: str) -> None:
    rows = [*ROWS, ROWS[0] | row]
    (tmp_path / "set").mkdir()
    datasets.Dataset.from_list(rows).to_parquet(tmp_path / "set/test.parquet")
    with pytest.raises(DataError, match=f"set: {reason}"):
        read_hub_pairs(tmp_path / "set")


def test_other_columns(tmp_path: Path) -> None:
    folder = write(tmp_path / "set", [{"sentence1": "a", "text": "b", "label": 1}])
    with pytest.raises(DataError, match="no column sentence2 or score; the columns are sentence1, text, label"):
        read_hub_pairs(folder)
