from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from juyi.declarations import build
from juyi.encoder import Encoder, load_encoder
from juyi.errors import TrainingError, UsageError
from juyi.experiments.identity import run_hash, what_is_read
from juyi.experiments.load import load_recipe
from juyi.experiments.recipe import PretrainRecipe
from juyi.experiments.runner import run
from juyi.tokenization import SubwordTokenizer

TABLES: dict[str, Any] = {
    "name": "pretrain/toy",
    "source": "written for the test",
    "max_length": 32,
    "vocabulary": {"size": 120, "min_frequency": 1},
    "backbone": {
        "model_type": "modernbert",
        "options": {
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "intermediate_size": 48,
            "max_position_embeddings": 64,
            "local_attention": 8,
            "layer_types": ["full_attention", "sliding_attention"],
        },
    },
    "objective": {"kind": "masked-lm", "rate": 0.25},
    "sources": {"sequence_length": 12, "files": [{"file": "one.txt"}, {"file": "two.txt"}]},
    "training": {
        "batch_size": 8,
        "chunk_size": 4,
        "steps": 6,
        "log_every": 1,
        "checkpoint_every": 2,
        "learning_rate": 2e-3,
        "seed": 3,
    },
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "one.txt").write_text("春天来了,花都开了。\n他在操场上跑步。\n明天会下雨吗?\n" * 10, encoding="utf-8")
    (folder / "two.txt").write_text("how do I change my password?\nthe train leaves at nine\n" * 10, encoding="utf-8")
    return folder


def recipe(**changes: Any) -> PretrainRecipe:
    return build(TABLES | {"graph": False} | changes, PretrainRecipe, origin="toy")  # a graph takes seconds


def pretrain(chosen: PretrainRecipe, data: Path, runs: Path, **more: Any) -> tuple[Encoder, Path]:
    result = run(chosen, runs, data=data, **more)
    return result.encoder, result.folder


def model_hash(folder: Path) -> str:
    return hashlib.sha256((folder / "model" / "model.safetensors").read_bytes()).hexdigest()


def test_text_becomes_an_encoder(data: Path, tmp_path: Path) -> None:
    said: list[str] = []
    steps: list[int] = []
    encoder, folder = pretrain(
        recipe(graph=True), data, tmp_path / "runs", log=said.append, progress=lambda step, steps_, report: steps.append(step)
    )
    digests = {name: hashlib.sha256((data / name).read_bytes()).hexdigest() for name in ("one.txt", "two.txt")}
    assert folder == tmp_path / "runs" / "pretrain" / "toy" / run_hash(
        recipe(graph=True), what_is_read(recipe(graph=True), data=data)
    )
    assert steps == [1, 2, 3, 4, 5, 6] and len(said) == 5
    files = {"recipe.toml", "environment.json", "log.jsonl", "tokenizer", "model", "finished.json"}
    assert {path.name for path in folder.iterdir()} == files
    assert load_recipe(str(folder / "recipe.toml")) == recipe(graph=True)
    assert {"juyi", "python", "packages"} <= set(json.loads((folder / "environment.json").read_text()))
    finished = json.loads((folder / "finished.json").read_text())
    assert finished["train_result"]["steps"] == 6 and finished["train_result"]["warnings"] == []
    assert finished["read"] == digests
    counts = finished["counts"]
    assert counts["lines"] == {"one.txt": 30, "two.txt": 20} and counts["left_out"] == 0 and counts["sequences"] > 6
    assert counts["parameters"] == sum(p.numel() for p in encoder.parameters())
    loaded = load_encoder(folder / "model")
    texts = ["春天来了", "the train"]
    assert loaded.tokenizer.tokenize(texts) == encoder.tokenizer.tokenize(texts)
    np.testing.assert_allclose(loaded.encode(texts), encoder.encode(texts), atol=5e-3)  # saved in half precision
    assert (folder / "model" / "model.onnx").is_file()
    assert loaded.max_length == 32 and next(loaded.parameters()).dtype == torch.float32


def test_a_stopped_pretraining_goes_on_as_if_it_had_not(data: Path, tmp_path: Path) -> None:
    def stop(step: int, steps: int, report: Any) -> None:
        if step == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pretrain(recipe(), data, tmp_path / "stopped", progress=stop)
    (folder,) = (tmp_path / "stopped" / "pretrain" / "toy").iterdir()
    assert not (folder / "model").exists()
    tokenizer = (folder / "tokenizer" / "tokenizer.json").read_bytes()
    straight = tmp_path / "straight" / folder.relative_to(tmp_path / "stopped")
    pretrain(recipe(), data, tmp_path / "straight")
    steps: list[int] = []
    said: list[str] = []
    pretrain(recipe(), data, tmp_path / "stopped", log=said.append, progress=lambda step, steps_, report: steps.append(step))
    assert steps == [5, 6]
    assert not [words for words in said if "Learning a vocabulary" in words]
    assert (folder / "tokenizer" / "tokenizer.json").read_bytes() == tokenizer
    assert model_hash(folder) == model_hash(straight)


def test_what_will_be_measured_on_is_left_out_and_a_column_is_read(data: Path, tmp_path: Path) -> None:
    (data / "sts.dev.tsv").write_text("明天会下雨吗？\t今天呢\t2\n", encoding="utf-8")
    (data / "three.tsv").write_text("x\t她在看书\n" * 5 + "x\t明天，会下雨吗\n" * 4, encoding="utf-8")
    files = [{"file": "one.txt", "licence": "CC0"}, {"file": "three.tsv", "column": 2}]
    texts = {"sequence_length": 12, "files": files, "exclude": ["*.dev.tsv"]}
    said: list[str] = []
    held_out = {"training": TABLES["training"] | {"steps": 2, "held_out": 4, "held_out_every": 1}}
    chosen = recipe(sources=texts, **held_out)
    encoder, folder = pretrain(chosen, data, tmp_path / "runs", log=said.append)
    counts = json.loads((folder / "finished.json").read_text())["counts"]
    assert counts["lines"] == {"one.txt": 20, "three.tsv": 5} and counts["left_out"] == 14
    assert any("25 lines; 14 were left out" in words for words in said)
    assert encoder.tokenizer.token_id("看") is not None and encoder.tokenizer.token_id("吗") is None
    log = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert all(record["held_out_loss"] > 0 for record in log) and len(log) == 2
    assert "| one.txt | all | CC0 |" in (folder / "model" / "README.md").read_text(encoding="utf-8")


def test_a_unigram_vocabulary(data: Path, tmp_path: Path) -> None:
    lines = [f"{who}在操场上{what}。" for who in ("我们", "他们", "老师", "学生") for what in ("跑步", "唱歌", "跳舞")]
    (data / "one.txt").write_text("\n".join(lines * 2), encoding="utf-8")
    vocabulary = {"kind": "unigram", "size": 512, "min_frequency": 10}
    short = {"training": TABLES["training"] | {"steps": 1}}

    def learn(**changes: Any) -> tuple[Encoder, Path]:
        chosen = recipe(vocabulary=vocabulary | changes, **short)
        return pretrain(chosen, data, tmp_path / "runs")

    encoder, folder = learn()
    traditional, simplified = encoder.tokenizer.tokenize(["操場上", "操场上"])
    assert traditional == simplified
    assert encoder.tokenizer.token_id("<0xE4>") is not None
    assert encoder.tokenizer.token_id("跑") is None and encoder.tokenizer.token_id("在") is not None  # 8 times, and 24
    np.testing.assert_allclose(load_encoder(folder / "model").encode(["操场"]), encoder.encode(["操场"]), atol=5e-3)
    cut = {word for line in lines for word in pytest.importorskip("jieba").lcut(line, HMM=False)}
    for words in (True, False):
        tokenizer = learn(simplify=False, words=words)[0].tokenizer
        assert isinstance(tokenizer, SubwordTokenizer)
        assert len({tuple(row) for row in tokenizer.tokenize(["操場上", "操场上"])}) == 2
        chinese = [token for token in tokenizer.backend.get_vocab() if "一" <= token[0] <= "龥"]
        beyond = [token for token in chinese if not any(token in word for word in cut)]
        assert bool(beyond) == (not words)


def test_other_text_is_another_run(data: Path, tmp_path: Path) -> None:
    _, first = pretrain(recipe(), data, tmp_path / "runs")
    (data / "two.txt").write_text("she is reading a book\n" * 20, encoding="utf-8")
    _, second = pretrain(recipe(), data, tmp_path / "runs")
    assert first != second and model_hash(first) != model_hash(second)


def test_too_little_text(data: Path, tmp_path: Path) -> None:
    (data / "one.txt").write_text("春天\n", encoding="utf-8")
    (data / "two.txt").write_text("春天\n", encoding="utf-8")
    with pytest.raises(TrainingError, match="There are 0 rows, too few"):
        pretrain(recipe(), data, tmp_path / "runs")


def test_missing_text(data: Path, tmp_path: Path) -> None:
    (data / "two.txt").unlink()
    with pytest.raises(UsageError, match=r"lacks two\.txt"):
        pretrain(recipe(), data, tmp_path / "runs")
