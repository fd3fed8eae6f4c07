"""What changes the identity of an engine, and what does not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from juyi.assets import DEFAULT_ENCODER, EMBEDDED
from juyi.encoder import load_encoder, save_encoder
from juyi.engines import open_engine
from juyi.engines.identity import identity_of
from juyi.engines.torch_engine import TorchEngine
from juyi.errors import UsageError
from juyi.tokenization import WordTokenizer

PINNED = [[1.21592, -0.31372, -1.45456, -0.06984], [1.18758, 1.04411, -1.76516, -0.34922]]


def edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | changes), encoding="utf-8")


CHANGES: dict[str, tuple[Callable[[Path], object], bool]] = {
    "weights": (lambda m: (m / "model.safetensors").write_bytes((m / "model.safetensors").read_bytes()[:-1] + b"\x11"), True),
    "pooling": (lambda m: edit(m / "1_Pooling" / "config.json", pooling_mode_cls_token=True), True),
    "longest input": (lambda m: edit(m / "sentence_bert_config.json", max_seq_length=9), True),
    "configuration": (lambda m: edit(m / "config.json", layer_norm_eps=0.1), True),
    "tokenizer": (lambda m: edit(m / "tokenizer_config.json", unk_token="[MASK]"), True),
    "graph": (lambda m: (m / "model.onnx").unlink(), True),
    "words": (lambda m: (m / "juyi_words.json").write_text("{}"), True),
    "card": (lambda m: (m / "README.md").write_text("another"), False),
    "more prose": (lambda m: (m / "NOTES.md").write_text("more"), False),
    "provenance": (lambda m: (m / "juyi_training.json").write_text("{}"), False),
    "leftovers": (lambda m: (m / ".model.onnx.123.tmp").write_bytes(b"x"), False),
    "a hidden folder": (lambda m: ((m / ".cache").mkdir(), (m / ".cache" / "config.json").write_text("{}")), False),
}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return shutil.copytree(EMBEDDED[DEFAULT_ENCODER], tmp_path / "m")


@pytest.mark.parametrize("case", CHANGES)
def test_what_decides_about_the_vectors_changes_it(model: Path, case: str) -> None:
    change, counts = CHANGES[case]
    tokenizer = load_encoder().tokenizer

    def identity() -> str:
        return identity_of(model, "torch", "float32", "last-avg", tokenizer)

    before = identity()
    assert identity() == before and len(before) == 32 and int(before, 16) >= 0
    change(model)
    assert (identity() != before) == counts


def test_engine_precision_and_pooling_change_it_and_the_place_does_not(model: Path) -> None:
    own = load_encoder(model).pooling
    engines = [
        open_engine(model, "onnx"),
        open_engine(model, "torch"),
        open_engine(model, "openvino"),
        open_engine(model, "openvino").at("bfloat16"),
        open_engine(model, "openvino", pooling="cls"),
        open_engine(model, "torch", precision="bfloat16"),
        open_engine(model, "torch", pooling="cls"),
    ]
    assert len({engine.identity for engine in engines}) == len(engines)
    assert open_engine(EMBEDDED[DEFAULT_ENCODER], few=True).identity == engines[0].identity
    assert open_engine(model, "torch", pooling=own).identity == engines[1].identity


def test_the_version_of_jieba_counts_where_words_are_cut(model: Path) -> None:
    subword = load_encoder().tokenizer
    words = WordTokenizer(subword)  # type: ignore[arg-type]
    found = []
    for version in (words.jieba_version, "99"):
        words.jieba_version = version
        found.append(identity_of(model, "torch", "float32", "cls", words))
    assert len({*found, identity_of(model, "torch", "float32", "cls", subword)}) == 3


def test_an_encoder_in_memory_has_none(tmp_path: Path) -> None:
    encoder = load_encoder()
    with pytest.raises(UsageError, match=r"in memory and has no identity\. Save it"):
        _ = TorchEngine(encoder).identity
    assert open_engine(save_encoder(encoder, tmp_path / "m")).identity


def test_the_same_folder_gives_the_same_vectors_in_every_version_of_juyi() -> None:
    """Where this fails on purpose, raise `VECTORS_VERSION`: what was kept of older vectors must not be used with newer ones."""
    vectors = open_engine("mini-base").encode(["怎么还信用卡", "How can I reset my password?"])
    np.testing.assert_allclose(vectors[:, :4], PINNED, atol=2e-4)
