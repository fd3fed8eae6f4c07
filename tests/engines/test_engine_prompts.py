"""Prompts in every engine, in what is exported, and in what is kept of vectors."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from juyi import encode
from juyi.embedding_files import OutputOptions, write_embeddings
from juyi.encoder import EncoderSettings, load_encoder, save_encoder
from juyi.engines import CachedEncode, Engine, engine_problems, open_engine, prompted_identity
from juyi.engines.export import export_model
from juyi.engines.torch_engine import TorchEngine
from juyi.errors import ModelError, UsageError
from juyi.prompts import Prompt, PromptChoice, Prompts

E5 = Prompts({"query": "query: ", "passage": "passage: ", "same": "句子："}, "same")


@pytest.fixture
def folder(stand_in: Callable[..., Path], tmp_path: Path) -> Path:
    encoder = load_encoder(EncoderSettings(model=str(stand_in("bert", pooler=False)), pooling="last-avg"))
    encoder.prompts = E5
    return save_encoder(encoder, tmp_path / "model")


@pytest.fixture
def exported(folder: Path, tmp_path: Path) -> Path:
    pytest.importorskip("onnxscript")
    export_model(folder, tmp_path / "exported", half=False)
    return tmp_path / "exported"


def test_all_engines_give_the_vectors_of_sentence_transformers(exported: Path, folder: Path, sentences: list[str]) -> None:
    library: Any = pytest.importorskip("sentence_transformers")
    model = library.SentenceTransformer(str(exported), device="cpu")
    texts = sentences[::6]
    for kind in ("openvino", "onnx", "torch"):
        engine = open_engine(exported, kind)  # type: ignore[arg-type]
        assert engine.kind == kind and engine.prompts == E5
        for given, theirs in (
            (None, {}),
            ("", {"prompt": ""}),
            ("query", {"prompt_name": "query"}),
            ("看：", {"prompt": "看："}),
            (Prompt("bare"), {"prompt": "bare"}),
        ):
            np.testing.assert_allclose(engine.encode(texts, prompt=given), model.encode(texts, **theirs), atol=1e-5)
        with pytest.raises(UsageError, match="Did you mean 'query'"):
            engine.encode(texts, prompt="qurey")
    original = load_encoder(folder)
    np.testing.assert_allclose(original.encode(texts, prompt="passage"), model.encode(texts, prompt_name="passage"), atol=1e-5)


def test_everything_that_encodes_takes_a_prompt(folder: Path, sentences: list[str]) -> None:
    engine, texts = open_engine(folder), sentences[:5]
    by_hand = engine.encode([f"query: {text}" for text in texts], prompt="")
    assert np.abs(by_hand - engine.encode(texts)).max() > 1e-2
    np.testing.assert_allclose(encode(texts, folder, prompt="query"), by_hand, atol=1e-6)
    blocks = np.concatenate(list(engine.encode_blocks(iter(texts), prompt="query", block_size=2)))
    np.testing.assert_allclose(blocks, by_hand, atol=1e-5)
    with pytest.raises(UsageError, match="Did you mean 'query'"):
        engine.encode_blocks(texts, prompt="qurey")
    stream = io.BytesIO()
    write_embeddings(engine, texts, stream, OutputOptions(format="jsonl", prompt="query"))
    rows = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [row["text"] for row in rows] == texts  # as they were given
    np.testing.assert_allclose([row["embedding"] for row in rows], by_hand, atol=1e-5)


@pytest.mark.parametrize(
    ("choice", "prompts"),
    [
        (None, ("句子：", "query: ", "passage: ")),
        (PromptChoice(""), ("", "", "")),
        (PromptChoice(query="看：", corpus=""), ("句子：", "看：", "")),
    ],
)
def test_the_sides_of_a_search(choice: PromptChoice | None, prompts: tuple[str, ...], folder: Path, sentences: list[str]) -> None:
    engine, texts = open_engine(folder), sentences[:4]
    sides = engine.prompted(choice, normalise=True)
    for part, prompt in zip((sides, sides.queries, sides.corpus), prompts, strict=True):
        wanted = engine.encode([prompt + text for text in texts], prompt="", normalise=True)
        np.testing.assert_allclose(part(texts), wanted, atol=1e-5)


def test_caches_do_not_mix_prompts(folder: Path, sentences: list[str], tmp_path: Path) -> None:
    """The identity goes with the text of the prompt, and two prompts have two files, whatever was encoded before."""
    engine, texts = open_engine(folder), sentences[:6]
    names = {
        prompted_identity(engine.identity, engine.prompts.resolve(given)) for given in ("query", "passage", "看：", None, "")
    }
    assert len(names) == 5 and engine.identity in names
    assert prompted_identity(engine.identity, Prompt("query: ")) == prompted_identity(engine.identity, Prompt("query: ", "query"))
    for _ in range(2):
        for given in ("query", "passage", ""):
            prompt = engine.prompts.resolve(given)
            kept = CachedEncode(partial(engine.encode, prompt=prompt), prompted_identity(engine.identity, prompt), tmp_path)
            np.testing.assert_allclose(kept(texts), engine.encode(texts, prompt=given), atol=1e-6)
    assert len(list(tmp_path.glob("*.sqlite"))) == 3


def test_another_default_is_another_identity(folder: Path) -> None:
    before = open_engine(folder).identity
    path = folder / "config_sentence_transformers.json"
    path.write_text(path.read_text().replace('"same",', '"query",'))
    engine = open_engine(folder)
    assert engine.prompts.default_name == "query" and engine.identity != before


def test_a_graph_cannot_leave_a_prompt_out_of_the_pooling(folder: Path, tmp_path: Path, sentences: list[str]) -> None:
    encoder = load_encoder(folder)
    encoder.prompts = Prompts(E5.texts, "same", pooled=False)
    apart = save_encoder(encoder, tmp_path / "apart")
    assert "leaves the tokens of a prompt out" in engine_problems(apart)["onnx"]
    engine: Engine = open_engine(apart)
    assert isinstance(engine, TorchEngine)
    np.testing.assert_allclose(engine.encode(sentences[:4]), encoder.encode(sentences[:4]), atol=1e-6)
    pytest.importorskip("onnxscript")
    with pytest.raises(ModelError, match=r"include_prompt is false.*--engine torch"):
        export_model(apart, tmp_path / "exported")
