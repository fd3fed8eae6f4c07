"""What lies in the folder of a run, before and after its end, however it ended."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from juyi.atomic import free_space
from juyi.declarations import build
from juyi.encoder import save_encoder
from juyi.errors import BusyError, DataError, OutputError, TrainingError, UsageError
from juyi.experiments.development import Development
from juyi.experiments.load import load_recipe
from juyi.experiments.recipe import PretrainRecipe, SourcesRecipe, TrainRecipe
from juyi.experiments.run_folder import RunFolder
from juyi.experiments.runner import run
from juyi.experiments.runs import find_run, list_runs, remove_run, run_contents
from juyi.locks import locked_folder

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))

import tiny_encoders

TEXTS = tiny_encoders.SENTENCES[:24]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    save_encoder(tiny_encoders.build(seed=1), tmp_path / "start")
    pairs = zip(TEXTS[:8], TEXTS[8:16], (1, 2, 3, 4, 5, 5, 0, 2), strict=True)
    (tmp_path / "dev.tsv").write_text("".join(f"{a}\t{b}\t{score}\n" for a, b, score in pairs), encoding="utf-8")
    (tmp_path / "texts.txt").write_text("\n".join(TEXTS), encoding="utf-8")
    return tmp_path


def toy(place: Path, **training: Any) -> TrainRecipe:
    settings = {"batch_size": 8, "steps": 6, "log_every": 1, "checkpoint_every": 2, "evaluate_every": 2, "learning_rate": 1e-2}
    tables = {
        "name": "toy/one",
        "source": "here",
        "objective": {"kind": "simcse-unsupervised"},
        "encoder": {"model": str(place / "start")},
        "training": settings | training,
        "selection": {"pairs": str(place / "dev.tsv")},
    }
    return build(tables, TrainRecipe, origin="toy")


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def stop_at(number: int) -> Any:
    def progress(step: int, steps: int, report: Any) -> None:
        if step == number:
            raise KeyboardInterrupt

    return progress


def test_a_finished_folder_holds_what_it_should_and_its_recipe_runs_again(place: Path) -> None:
    recipe = replace(toy(place), data=replace(toy(place).data, texts=(str(place / "texts.txt"),)))
    done = run(recipe, place / "runs")
    files = {"recipe.toml", "environment.json", "log.jsonl", "scores.jsonl", "model", "finished.json"}
    assert {path.name for path in done.folder.iterdir()} == files
    assert not list(place.rglob("*.lock")) and not list(place.rglob("*.tmp"))
    assert load_recipe(str(done.folder / "recipe.toml")) == recipe
    finished = RunFolder(done.folder).finished()
    assert finished is not None and finished.train_result == done.train_result and finished.counts == {"rows": 24}
    said: list[str] = []
    again = run(load_recipe(str(done.folder / "recipe.toml")), place / "runs", log=said.append)
    assert again.folder == done.folder and again.train_result == done.train_result and "finished already" in said[-1]
    given = run(toy(place), place / "runs", examples=TEXTS)  # the same sentences, not from a file
    assert given.folder == done.folder


@pytest.mark.parametrize("keep", ["last", "best"])
def test_the_scores_are_those_of_the_log_and_in_the_end_of_the_model(place: Path, keep: str) -> None:
    done = run(toy(place, keep=keep), place / "runs", examples=TEXTS)
    records = lines(done.folder / "scores.jsonl")
    form = {"model", "task", "split", "subset", "metric", "value", "count", "units", "interval", "labels", "step"}
    assert {frozenset(record) for record in records} == {frozenset(form)}
    assert {tuple(record["labels"]) for record in records} == {("dev-selected",) if keep == "best" else ()}
    figures = [record for record in records if record["metric"] == "spearman"]
    watched = [(record["step"], record["value"]) for record in figures if not record["interval"]]
    assert watched == [(entry["step"], entry["dev"]) for entry in lines(done.folder / "log.jsonl") if "dev" in entry]
    assert [step for step, _ in watched] == [2, 4, 6]
    (last,) = [record for record in figures if record["interval"]]
    low, high = last["interval"]
    assert last["count"] == 8 and low <= last["value"] <= high
    if keep == "best":
        assert last["value"] == pytest.approx(done.train_result.best_value, abs=1e-9) == max(value for _, value in watched)
        assert last["step"] == done.train_result.best_step
    else:
        assert last["value"] == pytest.approx(watched[-1][1], abs=1e-9) and last["step"] == 6
    assert {"alignment", "uniformity", "effective-rank"} <= {record["metric"] for record in records}


def test_a_stopped_run_goes_on_to_the_same_scores(place: Path) -> None:
    straight = run(toy(place), place / "straight", examples=TEXTS)
    with pytest.raises(KeyboardInterrupt):
        run(toy(place), place / "runs", examples=TEXTS, progress=stop_at(5))
    (stopped,) = list_runs(place / "runs")
    assert (stopped.state, stopped.step, stopped.steps) == ("stopped", 4, 6)
    resumed = run(toy(place), place / "runs", examples=TEXTS)
    for name in ("scores.jsonl", "model/model.safetensors"):
        assert (resumed.folder / name).read_bytes() == (straight.folder / name).read_bytes()


def test_a_run_that_goes_on_with_other_versions_says_so(place: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(toy(place), place / "runs", examples=TEXTS, progress=stop_at(5))
    (stopped,) = list_runs(place / "runs")
    path = stopped.folder / "environment.json"
    began = json.loads(path.read_text())
    began["packages"]["torch"] = "1.0.0"
    path.write_text(json.dumps(began))
    said: list[str] = []
    run(toy(place), place / "runs", examples=TEXTS, log=said.append)
    assert any("begun with torch 1.0.0, here " in words for words in said)
    assert json.loads(path.read_text()) == began


def test_what_ended_a_run_is_kept_until_it_goes_on(place: Path) -> None:
    def fail(step: int, steps: int, report: Any) -> None:
        if step == 3:
            raise TrainingError("the loss became a fish")

    with pytest.raises(TrainingError, match="fish"):
        run(toy(place), place / "runs", examples=TEXTS, progress=fail)
    (failed,) = list_runs(place / "runs")
    assert (failed.state, failed.step, failed.steps) == ("failed", 3, 6)
    assert failed.error == "TrainingError: the loss became a fish"
    done = run(toy(place), place / "runs", examples=TEXTS)
    (finished,) = list_runs(place / "runs")
    assert (finished.state, finished.step, finished.error) == ("finished", 6, "")
    final = [record for record in lines(done.folder / "scores.jsonl") if record["metric"] == "spearman"][-1]
    assert finished.dev == final["value"] and final["interval"]


def test_what_is_given_fits_the_kind(place: Path) -> None:
    sources = {"name": "toy", "source": "", "objective": {"kind": "pair-contrastive"}, "sources": {"files": [{"file": "a.tsv"}]}}
    pairs = build(sources, SourcesRecipe, origin="toy")
    with pytest.raises(UsageError, match=r"kind train-on-sources and names its own files: .* --data"):
        run(pairs, place / "runs")
    with pytest.raises(UsageError, match="kind train-on-sources and names its own files"):
        run(pairs, place / "runs", examples=TEXTS, data=place)
    backbone = {"name": "toy", "source": "", "backbone": {"model_type": "bert"}, "sources": {"files": [{"file": "a.txt"}]}}
    with pytest.raises(UsageError, match="kind pretrain and names its own files"):
        run(build(backbone, PretrainRecipe, origin="toy"), place / "runs", examples=TEXTS)
    with pytest.raises(UsageError, match=r"kind train and learns from rows: .* --texts or --pairs"):
        run(toy(place), place / "runs", examples=TEXTS, data=place)
    with pytest.raises(DataError, match="--texts"):
        run(toy(place), place / "runs")
    assert not (place / "runs").exists()


def test_runs_are_listed_found_and_removed(place: Path) -> None:
    (place / "runs").mkdir()
    assert list_runs(place / "runs") == []
    done = run(toy(place), place / "runs", examples=TEXTS).folder
    (place / "runs/toy/one/0123456789ab").mkdir()
    (place / "runs/teacher/0123456789abcdef").mkdir(parents=True)
    with pytest.raises(KeyboardInterrupt):
        run(toy(place, checkpoint_every=0, seed=7), place / "runs", examples=TEXTS, progress=stop_at(2))
    found = {one.state: one for one in list_runs(place / "runs")}
    assert set(found) == {"finished", "empty", "stopped"}
    whole = found["finished"]
    assert (whole.name, whole.hash, whole.kind, whole.step, whole.steps) == ("toy/one", done.name, "train", 6, 6)
    assert whole.size == sum(path.stat().st_size for path in done.rglob("*") if path.is_file())
    assert abs((datetime.now() - whole.changed).total_seconds()) < 3600
    assert run_contents(whole)["counts"] == {"rows": 24} and run_contents(found["empty"]) == {}
    (score,) = [each for each in run_contents(whole)["scores"] if each["metric"] == "spearman"]
    assert whole.dev == score["value"]
    (entry,) = (each for each in lines(found["stopped"].folder / "log.jsonl") if "dev" in each)
    assert (found["stopped"].step, found["stopped"].dev) == (0, entry["dev"])  # it was stopped before any checkpoint
    for name in (whole.label, done.name, done.name[:6], str(done), f"toy/one/{done.name[:5]}"):
        assert find_run(place / "runs", name) == whole
    with pytest.raises(UsageError, match=r"'toy/one' fits 3 runs"):
        find_run(place / "runs", "toy/one")
    with pytest.raises(UsageError, match=r"no run 'toy/onne/.*Did you mean toy/one/"):
        find_run(place / "runs", f"toy/onne/{done.name}")
    with pytest.raises(UsageError, match=r"no folder .*nowhere"):
        list_runs(place / "nowhere")
    with locked_folder(done):
        assert find_run(place / "runs", done.name).state == "running"
        with pytest.raises(BusyError):
            remove_run(whole)
    assert done.is_dir()
    for one in found.values():
        remove_run(one)
    assert [path.name for path in (place / "runs").iterdir()] == ["teacher"]


def test_a_run_that_cannot_fit_on_the_disk_is_refused_before_it_begins(tmp_path: Path) -> None:
    folder, said, free = RunFolder(tmp_path / "runs" / "a"), list[str](), free_space(tmp_path)
    folder.check_space(1000, said.append, checkpoints=True)
    assert not said
    for weights, checkpoints in ((free // 5, True), (3 * free // 4, False)):
        folder.check_space(weights, said.append, checkpoints=checkpoints)
    assert len(said) == 2 and all("the disk may become full" in line for line in said)
    for weights, checkpoints, what in ((free // 3, True, "the model and a checkpoint"), (2 * free, False, "the model")):
        with pytest.raises(OutputError, match=f"{what} take about [0-9,]+ MB, and [0-9,]+ MB are free"):
            folder.check_space(weights, said.append, checkpoints=checkpoints)


def test_development_pairs_that_all_have_one_score_are_refused(tmp_path: Path) -> None:
    (tmp_path / "dev.tsv").write_text("甲\t乙\t1\n丙\t丁\t1\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"dev.tsv: all 2 pairs have the score 1, and nothing can be measured"):
        Development(str(tmp_path / "dev.tsv"))


def train(place: Path, runs: Path, steps: int) -> list[str]:
    settings = f"training.steps={steps}", "training.batch_size=8", "training.checkpoint_every=1", "training.log_every=1"
    overrides = [part for setting in (*settings, "encoder.pooling=last-avg") for part in ("--set", setting)]
    files = "--texts", place / "texts.txt", "-m", place / "start", "--runs", runs
    return [*map(str, ("train", "zh/simcse", *files, *overrides))]


def wait_for_a_checkpoint(runs: Path, child: subprocess.Popen[str]) -> Path:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and child.poll() is None:
        if found := list(runs.glob("zh/simcse/*/checkpoint/step-*")):
            return found[0].parents[1]
        time.sleep(0.05)
    raise AssertionError(f"no checkpoint: {child.communicate()}")


@pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")
def test_of_two_processes_one_works_and_the_other_is_told_and_the_dead_one_lets_go(place: Path, juyi) -> None:
    steps = 100
    command = train(place, place / "runs", steps)
    streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-m", "juyi.cli.main", *command], **streams) as first:
        folder = wait_for_a_checkpoint(place / "runs", first)
        first.send_signal(signal.SIGSTOP)  # it is there for as long as it is looked at
        second = juyi(*command)
        assert second.returncode == 1 and second.stdout == ""
        told = " ".join(second.stderr.split())
        assert f"in use by process {first.pid} on " in told and "Traceback" not in told
        (one,) = list_runs(place / "runs")
        assert one.state == "running" and one.steps == steps
        first.send_signal(signal.SIGKILL)
        first.wait()
    (one,) = list_runs(place / "runs")
    assert one.state == "stopped" and 0 < one.step < steps
    third = juyi(*command)
    assert third.returncode == 0, third.stderr
    assert third.stdout.strip() == str(folder / "model")
    assert [record["step"] for record in lines(folder / "log.jsonl")] == list(range(1, steps + 1))  # each once
    (one,) = list_runs(place / "runs")
    assert one.state == "finished" and not list(folder.parent.glob(".*"))
