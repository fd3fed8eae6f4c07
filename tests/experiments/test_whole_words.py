"""Whole words on the way from a recipe to the masks: sentences, pairs and packed running text."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from juyi.declarations import build
from juyi.encoder import load_encoder, save_encoder
from juyi.experiments.preparation import prepare_sources
from juyi.experiments.recipe import PretrainRecipe, SourcesRecipe, TrainRecipe
from juyi.experiments.runner import run
from juyi.experiments.running_text import pack, pack_words
from juyi.tokenization import piece_words

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))

import tiny_encoders

TEXTS = tiny_encoders.SENTENCES
MASKED = {"weight": 0.1, "rate": 0.3, "whole_words": True}


@pytest.fixture
def student(tmp_path: Path) -> Path:
    save_encoder(tiny_encoders.build(seed=1), tmp_path / "student")
    return tmp_path / "student"


def tables(student: Path, objective: dict[str, Any], **more: Any) -> dict[str, Any]:
    training = {"batch_size": 8, "steps": 2, "log_every": 1, "learning_rate": 1e-3}
    given = {"name": "toy", "source": "written for the test", "objective": objective, "masked_lm": MASKED, "training": training}
    return given | {"encoder": {"model": str(student)}} | more


@pytest.mark.parametrize(
    "objective",
    [
        {"kind": "simcse-unsupervised"},
        {"kind": "esimcse", "unit": "words"},
        {"kind": "simcse-supervised"},
        {"kind": "masked-lm", "whole_words": True},
    ],
    ids=lambda one: one["kind"],
)
def test_sentences_and_triplets(student: Path, tmp_path: Path, objective: dict[str, Any]) -> None:
    columns = {"anchor": TEXTS[:20], "positive": TEXTS[20:40], "negative": TEXTS[40:60]}
    given = columns if objective["kind"] == "simcse-supervised" else {"text": TEXTS}
    more = {"masked_lm": None} if objective["kind"] == "masked-lm" else {}
    found = run(build(tables(student, objective, **more), TrainRecipe, origin="toy"), tmp_path, examples=given)
    assert found.train_result.steps == 2


@pytest.mark.parametrize("kind", ["pair-contrastive", "distillation"])
def test_pairs_from_files(student: Path, tmp_path: Path, kind: str) -> None:
    rows = [f"{first}\t{second}" for first, second in zip(TEXTS[:28], TEXTS[30:58], strict=True)]
    (tmp_path / "a.tsv").write_text("\n".join(rows), encoding="utf-8")
    more = {"teacher": str(student)} if kind == "distillation" else {}
    made = tables(student, {"kind": kind}, sources={"files": [{"file": "a.tsv", "both": True}]}, **more)
    found = run(build(made, SourcesRecipe, origin="toy"), tmp_path / "runs", data=tmp_path)
    assert found.train_result.steps == 2


def test_texts_from_files_alone(student: Path, tmp_path: Path) -> None:
    """Masked language modelling on sources: a text counts once, and so does what a pair gives from both sides."""
    (tmp_path / "a.txt").write_text("\n".join([*TEXTS[:20], *TEXTS[:5]]), encoding="utf-8")
    (tmp_path / "b.tsv").write_text("\n".join(f"{text}\thello there" for text in TEXTS[20:30]), encoding="utf-8")
    files = [{"file": "a.txt", "columns": [1, 1]}, {"file": "b.tsv", "both": True}]
    objective = {"kind": "masked-lm", "rate": 0.3, "whole_words": True}
    made = build(tables(student, objective, sources={"files": files}, masked_lm=None), SourcesRecipe, origin="toy")
    encoder = load_encoder(student)
    prepared = prepare_sources(made, tmp_path, tmp_path / "teacher", print)
    assert set(prepared.rows) == {"text", "text_words", "origin"}
    assert list(prepared.rows["text"]) == list(encoder.tokenize([*TEXTS[:30], "hello there"]))
    found = run(made, tmp_path / "runs", data=tmp_path)
    assert found.train_result.steps == 2 and np.isfinite(loss_of(found.folder))


def loss_of(folder: Path) -> float:
    return float(json.loads((folder / "log.jsonl").read_text(encoding="utf-8").splitlines()[-1])["loss"])


@pytest.mark.parametrize("length", [5, 12, 16])
def test_packed_text_equals_the_loop(length: int) -> None:
    """Two tokens of a row have one number exactly where they are of one word of one line."""
    tokenizer = tiny_encoders.tokenizer()
    sources = [["我在银行上班", "", "the parcel", "信用卡的还款日"], ["春天"], ["火车晚点了两个小时"] * 4]
    wanted: list[list[tuple[int, int]]] = []
    for lines in sources:
        stream = []
        for number, words in enumerate(piece_words(lines, tokenizer)):
            stream += [(number, word) for word in (*words, -1)]  # -1: [SEP]
        while len(stream) >= length - 2:
            wanted.append([(-1, 0), *stream[: length - 2], (-1, 1)])
            stream = stream[length - 2 :]
    found = pack_words(tokenizer, sources, length)
    assert found.shape == pack(tokenizer, sources, length).shape == (len(wanted), length)
    for row, words in zip(found.tolist(), wanted, strict=True):
        assert [[a == b for b in row] for a in row] == [[a == b for b in words] for a in words]


def test_many_lines_are_numbered_on(student: Path) -> None:
    lines = ["银行", "春天"] * 3000  # more than are tokenized at once
    rows = pack_words(tiny_encoders.tokenizer(), [lines], 32)[:, 1:-1].ravel()
    assert np.array_equal(rows, np.repeat(np.arange(len(rows)), [2, 1] * (len(rows) // 2) + [2] * (len(rows) % 2))[: len(rows)])


def test_pre_training(tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("春天来了,花都开了。\n他在操场上跑步。\n" * 10, encoding="utf-8")
    options = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 48}
    given = {
        "name": "toy",
        "source": "written for the test",
        "vocabulary": {"size": 120, "min_frequency": 1},
        "backbone": {"model_type": "bert", "options": {**options, "max_position_embeddings": 64}},
        "objective": {"kind": "masked-lm", "rate": 0.25, "whole_words": True},
        "sources": {"sequence_length": 12, "files": [{"file": "one.txt"}]},
        "training": {"batch_size": 8, "steps": 2, "log_every": 1},
        "max_length": 32,
    }
    done = run(build(given, PretrainRecipe, origin="toy"), tmp_path / "runs", data=tmp_path)
    assert done.encoder.dim == 32 and (done.folder / "model").is_dir()
