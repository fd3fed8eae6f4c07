"""Decoders and adapters on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from juyi.encoder import load_encoder


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    path = tmp_path / "texts.txt"
    things, asked = ["信用卡", "密码", "快递", "退款", "发票", "火车票"], ["怎么申请", "如何修改", "什么时候到", "可以取消吗"]
    path.write_text("\n".join(f"{thing}{each}{end}" for thing in things for each in asked for end in ("", "？", "，谢谢")))
    return path


def test_a_decoder_is_trained_with_settings_that_fit_it(
    run: Callable[..., Any], build: Callable[..., Path], texts: Path, tmp_path: Path
) -> None:
    folder = build("qwen3", tokenizer="qwen", pooling={"pooling_mode": "lasttoken"}, normalise=True)
    done = run("train", "--texts", texts, "-m", folder, "--runs", tmp_path / "runs", "-o", "training.steps=3")
    assert done.returncode == 0, done.stderr
    model = Path(done.stdout.strip())
    recipe = (model.parent / "recipe.toml").read_text()
    assert "hidden_dropout" not in recipe and "attention_dropout = 0.1" in recipe
    assert load_encoder(model).pooling == "last-token"
    refused = run("train", "--texts", texts, "-m", folder, "--runs", tmp_path / "runs", "-o", "encoder.hidden_dropout=0.1")
    assert refused.returncode == 1 and "has no hidden dropout" in refused.stderr
    still = run(
        *("train", "--texts", texts, "-m", folder, "--runs", tmp_path / "runs"),
        *("-o", "training.steps=3", "-o", "encoder.attention_dropout=0"),
    )
    assert still.returncode == 0 and "dropout is off" in still.stderr


def test_adapters_by_an_override_and_by_the_recipe_of_the_run(
    run: Callable[..., Any], build: Callable[..., Path], texts: Path, tmp_path: Path
) -> None:
    folder = build("bert", pooling={"pooling_mode": "mean"})
    usual = ("--texts", texts, "--runs", tmp_path / "runs", "-o", "training.steps=3")
    done = run("train", "-m", folder, *usual, "-o", "encoder.lora.rank=4", "-o", "encoder.lora.save=adapters")
    assert done.returncode == 0, done.stderr
    model = Path(done.stdout.strip())
    assert (model / "adapter_config.json").is_file() and not (model / "model.safetensors").exists()
    again = run("train", model.parent / "recipe.toml", "--texts", texts, "--runs", tmp_path / "runs")
    assert "finished already" in again.stderr and again.stdout == done.stdout
    shown = json.loads(run("models", "show", model, "--format", "json").stdout)
    assert shown["type"] == f"bert, adapters of {folder}" and shown["pooling"] == "last-avg"
    exported = run("export", "-m", model, "-o", tmp_path / "exported")
    assert exported.returncode == 0, exported.stderr
    whole = load_encoder(tmp_path / "exported")
    np.testing.assert_allclose(whole.encode(["怎么申请"]), load_encoder(model).encode(["怎么申请"]), atol=1e-2)
    misspelt = run("train", "-m", folder, *usual, "-o", "encoder.lora.rnk=4")
    assert misspelt.returncode != 0 and "rank" in misspelt.stderr
