from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from juyi.encoder import load_encoder
from juyi.errors import TrainingError, UsageError
from juyi.experiments import pretrain as module
from juyi.experiments.load import build, fingerprint, resolved
from juyi.experiments.pretrain import pretrain
from juyi.experiments.recipe import PretrainRecipe

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
    "corpus": {"sequence_length": 12, "sources": [{"file": "one.txt"}, {"file": "two.txt"}]},
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


def recipe() -> PretrainRecipe:
    return build(TABLES, PretrainRecipe, origin="toy")


def model_hash(folder: Path) -> str:
    return hashlib.sha256((folder / "model" / "model.safetensors").read_bytes()).hexdigest()


def test_text_becomes_an_encoder(data: Path, tmp_path: Path) -> None:
    said: list[str] = []
    steps: list[int] = []
    encoder, folder = pretrain(
        recipe(), data, tmp_path / "runs", say=said.append, watch=lambda step, steps_, report: steps.append(step)
    )
    digests = {name: hashlib.sha256((data / name).read_bytes()).hexdigest() for name in ("one.txt", "two.txt")}
    assert folder == tmp_path / "runs" / "pretrain" / "toy" / fingerprint(recipe(), *digests.values())
    assert steps == [1, 2, 3, 4, 5, 6] and len(said) == 3
    assert {"recipe.json", "environment.json", "summary.json", "log.jsonl", "model", "tokenizer"} <= {
        p.name for p in folder.iterdir()
    }
    assert json.loads((folder / "recipe.json").read_text()) == json.loads(json.dumps(resolved(recipe())))
    assert {"juyi", "python", "packages"} <= set(json.loads((folder / "environment.json").read_text()))
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["steps"] == 6 and summary["tokens"] == 6 * 8 * 12
    assert summary["lines"] == {"one.txt": 30, "two.txt": 20} and summary["warnings"] == []
    assert summary["sha256"] == digests and not (folder / "checkpoint").exists()
    assert summary["parameters"] == sum(p.numel() for p in encoder.parameters())
    loaded = load_encoder(folder / "model")
    texts = ["春天来了", "the train"]
    assert loaded.tokenizer.tokenize(texts) == encoder.tokenizer.tokenize(texts)
    np.testing.assert_allclose(loaded.encode(texts), encoder.encode(texts), atol=5e-3)  # saved in half precision
    assert loaded.max_length == 32 and next(loaded.parameters()).dtype == torch.float32


def test_a_stopped_pretraining_goes_on_as_if_it_had_not(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_add_graph", lambda model, say: None)  # it takes seconds, and the first test has it

    def stop(step: int, steps: int, report: Any) -> None:
        if step == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pretrain(recipe(), data, tmp_path / "stopped", watch=stop)
    (folder,) = (tmp_path / "stopped" / "pretrain" / "toy").iterdir()
    assert not (folder / "model").exists()
    tokenizer = (folder / "tokenizer" / "tokenizer.json").read_bytes()
    straight = tmp_path / "straight" / folder.relative_to(tmp_path / "stopped")
    pretrain(recipe(), data, tmp_path / "straight")
    steps: list[int] = []
    said: list[str] = []
    pretrain(recipe(), data, tmp_path / "stopped", say=said.append, watch=lambda step, steps_, report: steps.append(step))
    assert steps == [5, 6]
    assert not [words for words in said if "Learning a vocabulary" in words]
    assert (folder / "tokenizer" / "tokenizer.json").read_bytes() == tokenizer
    assert model_hash(folder) == model_hash(straight)


def test_other_text_is_another_run(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_add_graph", lambda model, say: None)
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
