from __future__ import annotations

from pathlib import Path

import pytest

from juyi.data.sets import find_splits
from juyi.errors import DataError


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("a\tb\t1\n")


def test_flat_files_without_their_variants(tmp_path):
    touch(
        tmp_path,
        "stsb.train.tsv",
        "stsb.train_clean.tsv",
        "atec.train_part.tsv",
        "bq.valid.tsv.gz",
        "pawsx.test.tsv.xz",
        "sick_r.test.tsv",
    )
    found = find_splits(tmp_path)
    assert {key: path.name for key, path in found.items()} == {
        ("bq", "dev"): "bq.valid.tsv.gz",
        ("pawsx", "test"): "pawsx.test.tsv.xz",
        ("stsb", "train"): "stsb.train.tsv",
    }
    assert list(found) == [("bq", "dev"), ("pawsx", "test"), ("stsb", "train")]


def test_senteval_cn(tmp_path):
    names = {
        f"{task}/{task}.{split}.data"
        for task in ("ATEC", "BQ", "LCQMC", "PAWSX", "STS-B")
        for split in ("train", "valid", "test")
    }
    touch(tmp_path, *names, "other/ATEC.train.data")
    found = find_splits(tmp_path)
    assert len(found) == 15
    assert found["stsb", "dev"] == tmp_path / "STS-B/STS-B.valid.data"
    assert found["atec", "train"] == tmp_path / "ATEC/ATEC.train.data"
    assert find_splits(tmp_path / "PAWSX") == {
        ("pawsx", s): tmp_path / f"PAWSX/PAWSX.{n}.data" for s, n in [("train", "train"), ("dev", "valid"), ("test", "test")]
    }


def test_cnsd_here_and_one_below(tmp_path):
    touch(tmp_path, "STS-B/cnsd-sts-train.txt", "STS-B/cnsd-sts-dev.txt", "STS-B/cnsd-sts-test.txt")
    assert (
        set(find_splits(tmp_path))
        == set(find_splits(tmp_path / "STS-B"))
        == {("stsb", "train"), ("stsb", "dev"), ("stsb", "test")}
    )


def test_order_of_layouts_and_doubles(tmp_path):
    touch(tmp_path, "STS-B/STS-B.test.data", "STS-B/cnsd-sts-test.txt")
    assert find_splits(tmp_path)["stsb", "test"].name == "STS-B.test.data"
    touch(tmp_path, "stsb.test.tsv")
    assert find_splits(tmp_path)["stsb", "test"].name == "stsb.test.tsv"
    touch(tmp_path, "stsb.test.tsv.gz")
    with pytest.raises(DataError, match="Keep one of them"):
        find_splits(tmp_path)


def test_sets_of_another_folder_are_not_taken(tmp_path):
    touch(tmp_path, "en_sts/stsb.test.tsv")
    with pytest.raises(DataError, match=r"none of the Chinese sets .* senteval_cn .* CNSD .* Found: stsb.test.tsv"):
        find_splits(tmp_path)
    with pytest.raises(DataError, match="no such folder"):
        find_splits(tmp_path / "nope")
    with pytest.raises(DataError, match="this is a file"):
        find_splits(tmp_path / "en_sts/stsb.test.tsv")


@pytest.mark.shared
def test_real_folder(shared_data):
    found = find_splits(shared_data / "zh_sts")
    assert {key for key in found if key[1] != "train"} == {
        (task, split) for task in ("atec", "bq", "lcqmc", "pawsx", "stsb") for split in ("dev", "test")
    }
    assert found["stsb", "train"].name == "stsb.train.tsv"
