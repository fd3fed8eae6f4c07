"""`juyi runs` on a folder of runs: a finished one, a failed one, and one that never began."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from juyi.locks import locked_folder

RECIPE = """
name = "toy"
kind = "train-on-sources"
source = "test"
about = "A 'toy' with \\"quotes\\"."
[objective]
kind = "pair-contrastive"
[training]
batch_size = 8
steps = 2
[[sources.files]]
file = "pairs.tsv"
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, juyi) -> Path:
    folder = tmp_path_factory.mktemp("place")
    (folder / "pairs.tsv").write_text("".join(f"第{i}个问题\t问题{i}\n" for i in range(20)), encoding="utf-8")
    (folder / "toy.toml").write_text(RECIPE, encoding="utf-8")
    command = ("train", folder / "toy.toml", "--data", folder, "--runs", folder / "runs")
    assert juyi(*command).returncode == 0
    assert juyi(*command, "--set", "training.batch_size=64").returncode == 1  # too few rows
    (folder / "runs" / "toy" / "0123456789ab").mkdir()
    return folder


def test_the_list_in_every_form(run, place: Path) -> None:
    rows = {row["state"]: row for row in run("runs", "list", "--runs", place / "runs", "--format", "jsonl").records}
    assert set(rows) == {"finished", "failed", "empty"}
    done = rows["finished"]
    assert (done["name"], done["kind"], done["step"], done["steps"], done["dev"]) == ("toy", "train-on-sources", 2, 2, None)
    assert Path(done["folder"]) == place / "runs" / "toy" / done["hash"] and done["bytes"] > 10**6
    assert rows["failed"]["error"].startswith("TrainingError: ")
    as_list = json.loads(run("runs", "list", "--runs", place / "runs", "--format", "json").stdout)
    assert sorted(as_list, key=str) == sorted(rows.values(), key=str)
    sheet = csv.DictReader(io.StringIO(run("runs", "list", "--runs", place / "runs", "--format", "csv").stdout))
    assert {row["hash"] for row in sheet} == {row["hash"] for row in rows.values()}
    table = run("runs", "list", "--runs", place / "runs").stdout
    for words in (f"toy/{done['hash']}", "finished at step 2 of 2", "failed at step 0 of 2", "empty", "MB"):
        assert words in table


def test_one_is_shown_with_its_recipe_and_what_came_out(run, place: Path) -> None:
    by_state = {row["state"]: row["hash"] for row in run("runs", "list", "--runs", place / "runs", "--format", "jsonl").records}
    shown = json.loads(run("runs", "show", by_state["finished"][:7], "--runs", place / "runs", "--format", "json").stdout)
    assert shown["recipe"]["training"]["betas"] == [0.9, 0.999] and shown["counts"] == {"pairs": 20, "left_out": 0}
    text = run("runs", "show", f"toy/{by_state['finished']}", "--runs", place / "runs").stdout
    assert "[training]" in text and '"train_result"' in text
    assert "TrainingError: " in run("runs", "show", by_state["failed"], "--runs", place / "runs").stdout


def test_none_and_no_folder(run, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    done = run("runs", "list", "--runs", tmp_path / "runs")
    assert (done.returncode, done.stdout) == (0, "") and "no runs" in done.stderr
    assert run("runs", "list", "--runs", tmp_path / "gone").returncode == 2
    assert run("runs", "show", "toy", "--runs", tmp_path / "runs").returncode == 2


def test_removing_asks_and_is_refused_while_somebody_is_at_it(juyi, tmp_path: Path) -> None:
    for name in ("0123456789ab", "fedcba987654"):
        (tmp_path / "runs" / "toy" / name).mkdir(parents=True)
    kept = juyi("runs", "remove", "0123", "--runs", tmp_path / "runs", stdin="n\n")
    assert kept.returncode == 0 and "Delete toy/0123456789ab (empty, 0.0 MB) for good?" in kept.stderr
    with locked_folder(tmp_path / "runs" / "toy" / "0123456789ab"):
        busy = juyi("runs", "remove", "0123", "--yes", "--runs", tmp_path / "runs")
    assert busy.returncode == 1 and "is in use by process" in " ".join(busy.stderr.split())
    assert len(list((tmp_path / "runs" / "toy").iterdir())) == 2
    done = juyi("runs", "remove", "0123", "fedc", "--yes", "--runs", tmp_path / "runs")
    assert done.returncode == 0 and list((tmp_path / "runs").iterdir()) == []


def test_a_recipe_of_another_kind_or_with_what_it_cannot_use_is_wrong_use(run, place: Path) -> None:
    toy, runs = place / "toy.toml", place / "runs"
    for arguments, words in (
        (("pretrain", toy, "--data", place), "kind train-on-sources, which starts from an encoder. Run: juyi train"),
        (("train", toy, "--pairs", place / "pairs.tsv"), "--data instead of --pairs"),
        (("train", toy, "--texts", place / "pairs.tsv", "--data", place), "--data instead of --texts"),
        (("train", toy), "with --data"),
        (("train", toy, "--data", place, "--column", "1"), "says itself how its files are read; leave columns out"),
        (("train", "zh/simcse", "--texts", place / "pairs.tsv", "--data", place), "learns from rows: give them with --texts"),
        (("train", "pretrain/mini-base", "--data", place, "-m", "mini"), "leave -m mini out"),
        (("train", "pretrain/mini-base", "--data", place), "lacks "),
    ):
        done = run(*arguments, "--runs", runs)
        assert done.returncode == 2 and words in " ".join(done.stderr.split()), (arguments, done.stderr)
