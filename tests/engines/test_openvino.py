"""The engine that puts rows side by side gives the vectors of the torch encoder: every kind, every pooling, every head."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from juyi.assets import SAMPLES
from juyi.data import read_texts
from juyi.encoder import FAMILIES, Dense, EncoderSettings, load_encoder, save_encoder
from juyi.engines import engine_problems, measure_fidelity, measure_order, open_engine
from juyi.engines.export import add_graphs
from juyi.engines.openvino_engine import OpenVINOEngine
from juyi.engines.states_export import export_states
from juyi.engines.states_graph import OTHER_POOLINGS, STATES, StatesGraph
from juyi.errors import ModelError
from juyi.layout import Output
from juyi.poolings import POOLING_NAMES, PoolingName
from juyi.postprocessing import whiten_encoder

TEXTS = [*read_texts(SAMPLES / "questions.tsv", columns=["text"]).texts[:60], "", "a", "很长的一句话" * 40]
CANNOT = ("deberta-v2",)
"""Kinds that the tracer cannot follow: their distances become numbers of the example."""


@pytest.fixture(scope="session")
def with_states(stand_in: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    encoder = load_encoder(stand_in("bert", num_hidden_layers=2))
    folder = save_encoder(encoder, tmp_path_factory.mktemp("with-states") / "model")
    export_states(encoder, folder)
    return folder


def saved(kind: str, stand_in: Callable[..., Path], folder: Path) -> Path:
    layers = {} if kind == "gemma3_text" else {"num_hidden_layers": 2 if kind == "modernbert" else 1}
    return save_encoder(load_encoder(stand_in(kind, **layers)), folder)


@pytest.mark.parametrize("kind", [kind for kind in sorted(FAMILIES) if kind not in CANNOT])
def test_every_kind_gives_the_torch_vectors(kind: str, stand_in: Callable[..., Path], tmp_path: Path) -> None:
    folder = saved(kind, stand_in, tmp_path / "m")
    encoder = load_encoder(folder)
    export_states(encoder, folder)
    expected, engine = encoder.encode(TEXTS), open_engine(folder)
    assert (engine.kind, engine.precision, engine.dim) == ("openvino", "float32", encoder.dim)
    for options in ({}, {"batch_tokens": 16}):
        np.testing.assert_allclose(engine.encode(TEXTS, **options), expected, atol=2e-4)
    np.testing.assert_allclose(engine.encode(TEXTS[:1]), expected[:1], atol=2e-4)


@pytest.mark.parametrize("kind", CANNOT)
def test_a_kind_that_cannot_be_traced_is_refused_and_leaves_no_graph(
    kind: str, stand_in: Callable[..., Path], tmp_path: Path
) -> None:
    folder = saved(kind, stand_in, tmp_path / "m")
    with pytest.raises(ModelError, match="such a model cannot be exported"):
        export_states(load_encoder(folder), folder)
    assert not (folder / STATES).exists()


@pytest.mark.parametrize("pooling", [name for name in POOLING_NAMES if name not in OTHER_POOLINGS])
def test_one_graph_serves_every_pooling(pooling: PoolingName, with_states: Path) -> None:
    expected = load_encoder(EncoderSettings(model=str(with_states), pooling=pooling)).encode(TEXTS)
    engine = open_engine(with_states, "openvino", pooling=pooling)
    np.testing.assert_allclose(engine.encode(TEXTS), expected, atol=2e-4)


def test_a_pooling_that_it_has_not_is_refused_and_left_to_torch(with_states: Path) -> None:
    with pytest.raises(ModelError, match="the pooling 'max' is not among"):
        open_engine(with_states, "openvino", pooling="max")
    assert open_engine(with_states, pooling="max").kind == "torch"


@pytest.mark.parametrize("activation", ["tanh", "linear", "relu", "gelu", "silu", "sigmoid"])
@pytest.mark.parametrize("residual", [False, True])
def test_heads_are_computed_as_torch_does(activation: Any, residual: bool, with_states: Path, tmp_path: Path) -> None:
    encoder = load_encoder(with_states)
    torch.manual_seed(0)
    encoder.heads.extend([Dense(32, 32, activation, residual=residual), Dense(32, 20, activation, residual=residual, bias=False)])
    encoder.normalise = True
    folder = save_encoder(encoder, tmp_path / "m")
    export_states(load_encoder(folder), folder, start=with_states)
    assert (folder / STATES).read_bytes() == (with_states / STATES).read_bytes()
    engine = open_engine(folder)
    assert (engine.kind, engine.dim) == ("openvino", 20)
    np.testing.assert_allclose(engine.encode(TEXTS), load_encoder(folder).encode(TEXTS), atol=1e-4)


def test_whitening_and_a_cut_stand_behind_the_graph_of_the_start(with_states: Path, tmp_path: Path) -> None:
    whitened, _ = whiten_encoder(load_encoder(with_states), TEXTS, 16)
    whitened.output = Output(truncate_dim=8)
    folder = save_encoder(whitened, tmp_path / "m")
    add_graphs(folder, start=with_states)
    engine = open_engine(folder, "openvino")
    assert engine.dim == 8
    np.testing.assert_allclose(engine.encode(TEXTS), load_encoder(folder).encode(TEXTS), atol=1e-4)


@pytest.mark.parametrize("pooling", ["mean", "cls", "lasttoken"])
def test_the_tokens_of_a_prompt_can_be_left_out_of_the_pooling(pooling: str, build: Callable[..., Path], tmp_path: Path) -> None:
    described = {"pooling_mode": pooling, "include_prompt": False}
    folder = save_encoder(load_encoder(build("bert", pooling=described, options={"num_hidden_layers": 1})), tmp_path / "m")
    path = folder / "config_sentence_transformers.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"prompts": {"query": "怎么 问: "}}))
    encoder = load_encoder(folder)
    export_states(encoder, folder)
    engine = open_engine(folder)
    assert engine.kind == "openvino"
    for prompt in ("query", ""):
        expected = encoder.encode(TEXTS, prompt=prompt)
        np.testing.assert_allclose(engine.encode(TEXTS, prompt=prompt), expected, atol=1e-4)


def test_weights_that_were_exchanged_are_used(with_states: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(with_states, tmp_path / "changed")
    path = folder / "model.safetensors"
    save_file({name: value * 1.1 for name, value in load_file(path).items()}, path, metadata={"format": "pt"})
    after = open_engine(folder, "openvino").encode(TEXTS)
    assert np.abs(after - open_engine(with_states, "openvino").encode(TEXTS)).max() > 1e-2
    np.testing.assert_allclose(after, load_encoder(folder).encode(TEXTS), atol=2e-4)


def test_the_file_is_the_same_every_time(with_states: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = shutil.copytree(with_states, tmp_path / "again")
    monkeypatch.setattr("juyi.engines.states_export._MADE", {})
    export_states(load_encoder(folder), folder)
    assert (folder / STATES).read_bytes() == (with_states / STATES).read_bytes()


def test_the_weights_are_stored_once_and_nothing_says_where_the_graph_was_made(with_states: Path) -> None:
    graph = StatesGraph.read(with_states / STATES)
    stored = load_file(with_states / "model.safetensors")
    assert {name: stored[name].shape for name in graph.weights} == graph.weights
    assert len(graph.constants) < 4096
    content = (with_states / STATES).read_bytes()
    assert not any(word in content for word in (b"site-packages", b".py", b"/tmp"))


def cut_off(folder: Path) -> None:
    (folder / STATES).write_bytes((folder / STATES).read_bytes()[:-100])


def other_configuration(folder: Path) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"layer_norm_eps": 0.5}))


def without_a_weight(folder: Path) -> None:
    path = folder / "model.safetensors"
    stored = load_file(path)
    save_file({name: value for name, value in stored.items() if "word_embeddings" not in name}, path)


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda folder: (folder / STATES).unlink(), "no openvino.xml"),
    "another tool's": (lambda folder: (folder / STATES).write_text("<net></net>"), "made by another tool"),
    "empty": (lambda folder: (folder / STATES).write_bytes(b""), "made by another tool"),
    "cut off": (cut_off, "cut off"),
    "of another configuration": (other_configuration, "another configuration"),
    "without a weight": (without_a_weight, "word_embeddings"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_graph_that_cannot_serve_is_left_aside_with_a_word(case: str, with_states: Path, tmp_path: Path) -> None:
    spoil, words = BAD[case]
    folder = shutil.copytree(with_states, tmp_path / "m")
    spoil(folder)
    assert words in engine_problems(folder, opened=True)["openvino"]
    with pytest.raises(ModelError, match=words.replace(".", r"\.")):
        open_engine(folder, "openvino")
    if case != "without a weight":  # which torch cannot do without either
        said: list[str] = []
        assert open_engine(folder, log=said.append).kind == "torch"
        assert [words in line for line in said] == ([] if case == "missing" else [True])


def test_several_threads_may_encode_at_once(with_states: Path) -> None:
    engine = open_engine(with_states, "openvino")
    expected = engine.encode(TEXTS)
    with ThreadPoolExecutor(8) as pool:
        many = pool.map(lambda size: (size, engine.encode(TEXTS[:size])), [1, 2, 63, 3, 40, 1] * 8)
    for size, found in many:
        np.testing.assert_allclose(found, expected[:size], atol=1e-5)


def test_bfloat16_is_taken_where_it_is_fast_and_faithful(
    with_states: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("JUYI_CACHE", str(tmp_path))
    monkeypatch.setattr(OpenVINOEngine, "fast_precision", "bfloat16")
    for lowest, chosen in ((0.99, "bfloat16"), (1.1, "float32")):
        monkeypatch.setattr("juyi.engines.fidelity.LOWEST_COSINE", lowest)
        said: list[str] = []
        engine = open_engine(with_states, precision="auto", log=said.append)
        assert engine.precision == chosen
        assert len(said) == 1 and f"openvino in {chosen}" in said[0] and "0.99" in said[0]
    assert len(list(tmp_path.rglob("*.json"))) == 1
    monkeypatch.setattr("juyi.engines.fidelity.measure_fidelity", None)  # it is not measured again
    assert open_engine(with_states, precision="auto").precision == "float32"


def test_fidelity_and_order_are_what_the_vectors_say(with_states: Path) -> None:
    exact = open_engine(with_states, "openvino")

    def noisy(texts: Any) -> Any:
        rows, generator = exact.encode(texts), np.random.default_rng(0)
        return (rows + generator.normal(size=rows.shape) * 0.2 * np.abs(rows).mean()).astype(np.float32)

    same, other = (measure_fidelity(exact.encode, encode) for encode in (exact.encode, noisy))
    assert (same.lowest_cosine, same.mean_cosine) == pytest.approx((1, 1), abs=1e-6)
    assert same.texts == 128 + 32 and same.faithful and not other.faithful
    assert 0.9 < other.lowest_cosine < other.mean_cosine < 0.9999
    kept, lost = (measure_order(exact.encode, encode) for encode in (exact.encode, noisy))
    assert (kept.rank_agreement, kept.sts_difference, kept.pairs) == (pytest.approx(1), 0, 100)
    assert lost.rank_agreement is not None and 0.5 < lost.rank_agreement < 0.99
