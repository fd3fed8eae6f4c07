"""Retrieval across languages is measured on pairs that were not learned from."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import cross_lingual_retrieval

RECIPE = """
name = "toy"
kind = "train-on-sources"
source = "here"
teacher = "mini"
[objective]
kind = "distillation"
[[sources.files]]
file = "parallel/open/learned.tsv"
"""


def test_only_unseen_pairs_and_an_interval_around_the_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "parallel" / "open"
    folder.mkdir(parents=True)
    (tmp_path / "toy.toml").write_text(RECIPE, encoding="utf-8")
    (folder / "learned.tsv").write_text("猫在沙发上\tA cat on the sofa.\n狗在公园里\tA dog in the park.\n", encoding="utf-8")
    # Learned from by either side, too short, too long, without English, twice: none of them counts.
    others = [
        "猫在沙发上！\tcat",
        "狗\tdog",
        "两只狗在公园里\ta dog in the park",
        "长" * 41 + "\tlong",
        "没有英文的一行",
        "鱼在水里游泳\tfish",
    ]
    rows = [f"第{i}个句子在这里\t{word}" for i, word in enumerate(("one", "two", "three", "four", "five"))]
    (folder / "other.tsv").write_text("\n".join([*others, *rows, "又一条鱼在游\tFish!"]) + "\n", encoding="utf-8")

    def measured(*more: str) -> list[dict[str, Any]]:
        arguments = ["--data", str(tmp_path), "--recipe", str(tmp_path / "toy.toml"), "--among", "6", *more]
        monkeypatch.setattr(sys, "argv", ["cross_lingual_retrieval.py", *arguments])
        cross_lingual_retrieval.main()
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    own, teacher = measured("--teacher", "mini")
    assert own["unseen"] == own["among"] == 6
    assert (own["english_read_by"], teacher["english_read_by"]) == ("encoder", "teacher")
    assert teacher["accuracy"] == own["accuracy"]  # here they are the same encoder
    low, high = own["interval"]
    assert 0 <= low <= own["accuracy"] <= high <= 100 and low < high
    assert measured() == [own]
