"""Recipes that train on pairs: distillation and pair-contrastive, from files to a model folder."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from juyi.declarations import build
from juyi.encoder import load_encoder, save_encoder
from juyi.encoder.heads import Dense
from juyi.errors import DataError, TrainingError, UsageError
from juyi.experiments.load import load_recipe
from juyi.experiments.pairs import both_sides, read_source_pairs
from juyi.experiments.recipe import SourcesRecipe
from juyi.experiments.rows import distillation_rows, pair_rows, with_clusters
from juyi.experiments.runner import run
from juyi.teachers import Teacher, teacher_targets, teacher_vectors

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))

import tiny_encoders

TEXTS = tiny_encoders.SENTENCES
PAIRS = list(zip(TEXTS[:28], TEXTS[30:58], strict=True))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Holds `student`, `teacher` and `data`."""
    save_encoder(tiny_encoders.build(seed=1), tmp_path / "student")
    save_encoder(tiny_encoders.build("modernbert", seed=2), tmp_path / "teacher")
    (tmp_path / "data").mkdir()
    lines = [f"{first}\t{second}" for first, second in PAIRS]
    (tmp_path / "data" / "a.tsv").write_text("\n".join(lines[:20]), encoding="utf-8")
    (tmp_path / "data" / "b.tsv").write_text("\n".join(lines[20:]), encoding="utf-8")
    (tmp_path / "data" / "sts.test.tsv").write_text(f"{PAIRS[3][0].rstrip('。?')}!\t别的\t2\n", encoding="utf-8")
    return tmp_path


def tables(place: Path, kind: str, **training: Any) -> dict[str, Any]:
    return {
        "name": f"toy/{kind}",
        "source": "written for the test",
        "objective": {"kind": kind},
        "encoder": {"model": str(place / "student"), "hidden_dropout": 0.2, "attention_dropout": 0.0},
        "sources": {
            "exclude": ["*.test.tsv"],
            "files": [{"file": "a.tsv", "repeat": 2, "both": True}, {"file": "b.tsv"}],
        },
        "training": {"batch_size": 8, "steps": 3, "log_every": 1, "learning_rate": 1e-3, "held_out": 6} | training,
        **({"teacher": str(place / "teacher")} if kind == "distillation" else {}),
    }


def recipe(place: Path, kind: str, **training: Any) -> SourcesRecipe:
    return build(tables(place, kind, **training), SourcesRecipe, origin="toy")


def model_bytes(folder: Path) -> bytes:
    return (folder / "model" / "model.safetensors").read_bytes()


@pytest.mark.parametrize("kind", ["distillation", "pair-contrastive"])
def test_pairs_become_a_model_and_a_finished_run_is_loaded(kind: str, place: Path, tmp_path: Path) -> None:
    said: list[str] = []
    steps: list[int] = []

    def watch(step: int, of: int, report: Any) -> None:
        steps.append(step)

    chosen = recipe(place, kind)
    first = run(chosen, tmp_path / "runs", data=place / "data", log=said.append, progress=watch)
    assert steps == [1, 2, 3] and first.train_result.steps == 3
    assert first.folder.parent == tmp_path / "runs" / "toy" / kind
    finished = json.loads((first.folder / "finished.json").read_text(encoding="utf-8"))
    assert finished["counts"] == {"pairs": 2 * 19 + 8, "left_out": 1}
    files = ("a.tsv", "b.tsv", "sts.test.tsv")
    digests = {name: hashlib.sha256((place / "data" / name).read_bytes()).hexdigest() for name in files}
    assert {name: finished["read"][name] for name in files} == digests
    models = {"encoder.model", "teacher"} if kind == "distillation" else {"encoder.model"}
    assert set(finished["read"]) == {*files, *models}
    assert any("46 pairs; 1 were left out" in words for words in said)
    log = [json.loads(line) for line in (first.folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [record["step"] for record in log] == [1, 2, 3] and log[-1]["held_out_loss"] > 0
    assert load_recipe(str(first.folder / "recipe.toml")) == chosen
    assert not (first.folder / "checkpoint").exists()
    saved = load_encoder(first.folder / "model")
    np.testing.assert_allclose(saved.encode(TEXTS[:5]), first.encoder.encode(TEXTS[:5]), atol=1e-6)
    assert not np.allclose(saved.encode(TEXTS[:5]), load_encoder(place / "student").encode(TEXTS[:5]), atol=1e-4)
    assert "pairs from 2 sources in 3 steps" in (first.folder / "model" / "README.md").read_text(encoding="utf-8")
    assert (tmp_path / "runs" / "teacher").is_dir() == (kind == "distillation")

    steps.clear()
    again = run(chosen, tmp_path / "runs", data=place / "data", log=said.append, progress=watch)
    assert (
        steps == []
        and again.folder == first.folder
        and again.train_result == first.train_result
        and "finished already" in said[-1]
    )
    np.testing.assert_allclose(again.encoder.encode(TEXTS[:5]), first.encoder.encode(TEXTS[:5]), atol=1e-6)
    assert again.encoder.dropout == first.encoder.dropout == (0.2, 0.0)


@pytest.mark.parametrize("kind", ["distillation", "pair-contrastive"])
def test_a_stopped_run_ends_in_the_same_bytes(kind: str, place: Path, tmp_path: Path) -> None:
    chosen = recipe(place, kind, steps=5, checkpoint_every=2)
    straight = run(chosen, tmp_path / "straight", data=place / "data")

    def stop(step: int, steps: int, report: Any) -> None:
        if step == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(chosen, tmp_path / "stopped", data=place / "data", progress=stop)
    resumed = run(chosen, tmp_path / "stopped", data=place / "data")
    assert model_bytes(resumed.folder) == model_bytes(straight.folder)


def test_other_weights_or_other_text_are_another_run(place: Path, tmp_path: Path) -> None:
    chosen, folders = recipe(place, "distillation", steps=1), []
    for change in ("nothing", "teacher", "student", "text"):
        if change == "teacher":
            save_encoder(tiny_encoders.build("modernbert", seed=5), place / "teacher")
        if change == "student":
            save_encoder(tiny_encoders.build(seed=5), place / "student")
        if change == "text":
            (place / "data" / "b.tsv").write_text("\n".join(f"{a}\t{b}" for a, b in PAIRS[20:25]), encoding="utf-8")
        folders.append(run(chosen, tmp_path / "runs", data=place / "data").folder)
    assert len(set(folders)) == 4
    assert len({model_bytes(folder) for folder in folders}) == 4


def test_distillation_rows_pair_each_text_with_the_vector_of_its_second_side(place: Path, tmp_path: Path) -> None:
    pairs = read_source_pairs(recipe(place, "distillation").sources, place / "data")
    student, teacher = load_encoder(place / "student"), load_encoder(place / "teacher")
    said: list[str] = []
    found = distillation_rows((Teacher(str(place / "teacher")),), pairs, student, tmp_path / "cache", said.append)
    own = [pair for i, pair in enumerate(PAIRS[:20]) if i != 3]
    wanted = [*own * 2, *PAIRS[20:], *((second, second) for _, second in own)]
    assert "reads 27 sentences" in said[0]
    assert set(found) == {"text", "target", "origin"}
    assert found["text"] == [student.tokenizer.tokenize([text])[0] for text, _ in wanted]
    vectors = teacher.encode([second for _, second in wanted]).astype(np.float64)
    units = vectors / np.sqrt((vectors**2).sum(1, keepdims=True))
    np.testing.assert_allclose(found["target"], units, atol=0.05)
    assert (units @ np.asarray(found["target"], dtype=np.float64).T).argmax(1).tolist()[38:46] == list(range(38, 46))
    same = [[a == b for a in wanted] for b in wanted]
    assert [[a == b for a in found["origin"]] for b in found["origin"]] == same


def test_two_teachers_are_learned_together(place: Path, tmp_path: Path) -> None:
    save_encoder(tiny_encoders.build(seed=9), place / "second")
    teachers = [{"model": str(place / "teacher"), "weight": 2.0}, {"model": str(place / "second"), "centring": 1.0}]
    chosen = build(tables(place, "distillation") | {"teacher": "", "teachers": teachers}, SourcesRecipe, origin="toy")
    said: list[str] = []
    done = run(chosen, tmp_path / "runs", data=place / "data", log=said.append)
    assert any("2 teachers, 64 wide, are reduced to 32" in words for words in said)
    assert load_recipe(str(done.folder / "recipe.toml")) == chosen
    read = json.loads((done.folder / "finished.json").read_text(encoding="utf-8"))["read"]
    assert {"teachers.0.model", "teachers.1.model"} <= set(read)
    pairs = read_source_pairs(chosen.sources, place / "data")
    found = distillation_rows(chosen.teachers, pairs, load_encoder(place / "student"), tmp_path / "other", said.append, width=50)
    assert np.asarray(found["target"]).shape == (46 + 19, 50)
    student = load_encoder(place / "student")
    found = distillation_rows(chosen.teachers, pairs, student, tmp_path / "other", said.append)
    turned = np.asarray(found["target"], dtype=np.float64)
    texts, sides = both_sides(pairs)
    distinct = list(dict.fromkeys(pairs.second))
    plain = teacher_targets(chosen.teachers, distinct, tmp_path / "other", width=32).astype(np.float64)
    plain = plain[[distinct.index(text) for text in sides]]
    np.testing.assert_allclose(turned @ turned.T, plain @ plain.T, atol=5e-3)  # the same targets in other axes
    given = student.encode(texts)
    given /= np.linalg.norm(given, axis=1, keepdims=True)
    assert (given * turned).sum(axis=1).mean() > (given * plain).sum(axis=1).mean() + 0.1
    assert "turned towards" in said[-1]
    untouched = distillation_rows(chosen.teachers, pairs, student, tmp_path / "other", said.append, untrained=True)
    np.testing.assert_array_equal(untouched["target"], plain.astype(np.float16))  # random weights: no axes are better than others
    alone = distillation_rows(chosen.teachers[:1], pairs, student, tmp_path / "other", said.append)
    one = teacher_vectors(chosen.teachers[0], distinct, tmp_path / "other")
    np.testing.assert_array_equal(alone["target"], one[[distinct.index(text) for text in sides]])  # its space stays its own


def test_clusters_too_small_for_batches_join_the_others() -> None:
    towards = np.repeat(np.eye(3), (3, 10, 20), axis=0)  # three bundles of equal vectors

    def sizes(least: int, share: float = 1.0) -> list[int]:
        return sorted(np.unique(with_clusters({"target": towards}, 3, share=share, least=least)["source"], return_counts=True)[1])

    assert sizes(1) == [3, 10, 20] and sizes(3) == [3, 10, 20]
    assert sizes(4) == [13, 20]  # three rows alone are too few for the others as well
    assert sizes(14) == [33] and sizes(100) == [33]
    for least in range(2, 17):
        assert min(sizes(least, share=0.6)) >= least


def test_batches_of_one_cluster(place: Path, tmp_path: Path) -> None:
    training = tables(place, "distillation")["training"] | {"mixing": "proportional", "batch_size": 4, "held_out": 0}
    chosen = build(tables(place, "distillation") | {"clusters": 3, "training": training}, SourcesRecipe, origin="toy")
    said: list[str] = []
    run(chosen, tmp_path / "runs", data=place / "data", log=said.append)  # it would refuse rows without a cluster
    teachers = (Teacher(str(place / "teacher")),)
    pairs = read_source_pairs(chosen.sources, place / "data")
    student = load_encoder(place / "student")
    rows = distillation_rows(teachers, pairs, student, tmp_path / "cache", said.append)
    found = with_clusters(rows, 3, seed=1)
    assert set(found) == {*rows, "source"}
    target, number = np.asarray(found["target"], dtype=np.float64), np.asarray(found["source"])
    centres = np.stack([target[number == each].mean(axis=0) for each in range(3)])
    inside, across = (target @ centres.T)[np.arange(len(number)), number], (target @ centres.T).mean(axis=1)
    assert (inside > across).mean() > 0.9
    part = np.asarray(with_clusters(rows, 3, share=0.6, seed=1)["source"])
    assert (part[part < 3] == number[part < 3]).all() and 0.4 < (part < 3).mean() < 0.8
    assert set(part) == {0, 1, 2, 3}
    in_turn = {"clusters": 3, "clustered": 0.6, "training": training | {"mixing": "round-robin"}}
    with pytest.raises(UsageError, match="as seldom as those of one cluster"):
        build(tables(place, "distillation") | in_turn, SourcesRecipe, origin="toy")
    run(
        build(tables(place, "distillation") | in_turn | {"training": training}, SourcesRecipe, origin="toy"),
        tmp_path / "runs",
        data=place / "data",
        log=said.append,
    )
    for share in (0.0, 1.5):
        with pytest.raises(UsageError, match=f"clustered is {share}"):
            build(
                tables(place, "distillation") | {"clusters": 3, "clustered": share, "training": training},
                SourcesRecipe,
                origin="toy",
            )
    with pytest.raises(UsageError, match="below 1 only with clusters"):
        build(tables(place, "distillation") | {"clustered": 0.5}, SourcesRecipe, origin="toy")
    for wrong in ({"clusters": 3}, {"training": training}, {"clusters": -1, "training": training}):
        with pytest.raises(UsageError, match="batches of one cluster need"):
            build(tables(place, "distillation") | wrong, SourcesRecipe, origin="toy")
    with pytest.raises(UsageError, match="need the objective 'distillation'"):
        build(tables(place, "pair-contrastive") | {"clusters": 3, "training": training}, SourcesRecipe, origin="toy")


def test_pair_rows(place: Path) -> None:
    pairs = read_source_pairs(recipe(place, "pair-contrastive").sources, place / "data")
    student = load_encoder(place / "student")
    found = pair_rows(pairs, student)
    assert set(found) == {"anchor", "positive", "group", "origin"}
    assert found["anchor"] == student.tokenizer.tokenize(pairs.first)
    assert found["positive"] == student.tokenizer.tokenize(pairs.second)
    assert list(found["group"]) == pairs.groups.tolist()
    own = list(zip(pairs.first, pairs.second, strict=True))
    assert [[a == b for a in found["origin"]] for b in found["origin"]] == [[a == b for a in own] for b in own]
    student.max_length = 5
    assert max(map(len, (*pair_rows(pairs, student)["anchor"], *pair_rows(pairs, student)["positive"]))) == 5


def test_what_is_missing_or_does_not_fit_is_said(place: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"lacks a\.tsv, b\.tsv"):
        run(recipe(place, "pair-contrastive"), tmp_path / "runs", data=tmp_path)
    with pytest.raises(UsageError, match=r"selection\.pairs must name"):
        run(recipe(place, "pair-contrastive", evaluate_every=1), tmp_path / "runs", data=place / "data")
    wide = tiny_encoders.build(heads=(Dense(32, 7, "linear"),))
    save_encoder(wide, place / "teacher")
    with pytest.raises(TrainingError, match=r"objective\.teacher_dim"):
        run(recipe(place, "distillation"), tmp_path / "runs", data=place / "data")
    (place / "data" / "b.tsv").write_text("一\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"b\.tsv, line 1: 1 column"):
        run(recipe(place, "pair-contrastive"), tmp_path / "runs", data=place / "data")


def test_the_log_has_the_geometry_of_the_development_pairs(place: Path, tmp_path: Path) -> None:
    rows = [(first, second, score) for (first, second), score in zip(PAIRS[:8], (5, 4.5, 3, 5, 1, 0, 2, 4), strict=True)]
    (tmp_path / "dev.tsv").write_text("".join(f"{a}\t{b}\t{score}\n" for a, b, score in rows), encoding="utf-8")
    chosen = tables(place, "pair-contrastive", evaluate_every=2) | {"selection": {"pairs": str(tmp_path / "dev.tsv")}}
    done = run(build(chosen, SourcesRecipe, origin="toy"), tmp_path / "runs", data=place / "data")
    log = [json.loads(line) for line in (done.folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    trajectory = {entry["step"]: entry for entry in log if "dev" in entry}
    assert list(trajectory) == [2, 3]  # every second step, and the last
    units = {text: row / np.linalg.norm(row) for text in {*sum(PAIRS[:8], ())} for row in done.encoder.encode([text])}
    distances = [((units[a] - units[b]) ** 2).sum() for a, b, score in rows if score > 4]
    assert len(distances) == 3
    assert trajectory[3]["dev_alignment"] == pytest.approx(np.mean(distances), abs=1e-5)
    points = np.stack(list(units.values()))
    kernel = np.exp(-2 * ((points[:, None] - points[None]) ** 2).sum(axis=2))[np.triu_indices(len(points), 1)]
    assert trajectory[3]["dev_uniformity"] == pytest.approx(np.log(kernel.mean()), abs=1e-4)
    cosines = [units[a] @ units[b] for a, b, _ in rows]
    assert trajectory[3]["dev"] == pytest.approx(100 * stats.spearmanr(cosines, [row[2] for row in rows]).statistic, abs=1e-6)
