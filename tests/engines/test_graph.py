"""Which graphs are taken: ours, undamaged, made from what the folder holds."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from juyi.assets import DEFAULT_ENCODER, EMBEDDED
from juyi.encoder import Encoder, EncoderSettings, load_encoder, random_head, save_encoder
from juyi.engines import engine_of, engine_problems, open_engine
from juyi.engines.export import add_graphs, export_model, export_onnx
from juyi.engines.graph import GRAPH, graph_problem, read_properties
from juyi.engines.onnx_engine import OnnxEngine
from juyi.errors import ModelError
from juyi.poolings import POOLING_NAMES
from juyi.postprocessing import with_affine

TEXTS = ["怎么还信用卡", "今天天气不错，去公园散步吧", "a"]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return shutil.copytree(EMBEDDED[DEFAULT_ENCODER], tmp_path / "m", ignore=shutil.ignore_patterns("openvino.xml"))


def foreign_graph(path: Path, properties: dict[str, str] | None = None, weight: int = 4) -> None:
    """A graph as other exporters write it: weights inside, token vectors as its output."""
    table = numpy_helper.from_array(np.ones((50, weight), dtype=np.float32), "table")
    node = helper.make_node("Gather", ["table", "input_ids"], ["last_hidden_state"])
    ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "length"])
    states = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["batch", "length", weight])
    made = helper.make_model(helper.make_graph([node], "main", [ids], [states], [table]), producer_name="pytorch")
    helper.set_model_props(made, properties or {})
    onnx.save(made, str(path))


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def without_weights(path: Path) -> None:
    made = onnx.load(str(path), load_external_data=False)
    for entry in made.metadata_props:
        entry.value = "no.such.weight" if entry.key == "juyi.weights" else entry.value
    onnx.save(made, str(path))


def other_pooling(path: Path) -> None:
    config = path.parent / "1_Pooling" / "config.json"
    content = json.loads(config.read_text())
    cls, mean = "pooling_mode_cls_token", "pooling_mode_mean_tokens"
    config.write_text(json.dumps(content | {cls: content[mean], mean: content[cls]}))


BAD = {
    "another tool's": (foreign_graph, "exported by another tool"),
    "another tool's, with properties": (lambda path: foreign_graph(path, {"a": "b" * 300}), "exported by another tool"),
    "no graph at all": (lambda path: path.write_bytes(b"not a graph"), "damaged"),
    "empty": (lambda path: path.write_bytes(b""), "exported by another tool"),
    "cut off": (truncated, "damaged"),
    "of other weights": (without_weights, "cannot be run"),
    "of another pooling": (other_pooling, "another pooling, head or configuration"),
    "missing": (Path.unlink, "no model.onnx"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_graph_that_is_not_ours_or_cannot_be_opened_is_left_aside(model: Path, case: str) -> None:
    spoil, words = BAD[case]
    spoil(model / GRAPH)
    assert words in engine_problems(model, opened=True)["onnx"]
    said: list[str] = []
    engine = open_engine(model, log=said.append)
    assert engine.kind == "torch"
    np.testing.assert_array_equal(engine.encode(TEXTS), load_encoder(model).encode(TEXTS))
    assert len(said) == (case != "missing") and all(words in line for line in said)
    with pytest.raises(ModelError, match=words.replace(".", r"\.")) as error:
        open_engine(model, "onnx")
    assert "engine torch" in str(error.value)


def test_ours_is_taken(model: Path) -> None:
    said: list[str] = []
    assert open_engine(model, log=said.append).kind == engine_of(model) == "onnx"
    assert (engine_problems(model, opened=True)["onnx"], said) == ("", [])
    (model / "README.md").write_text("another card")
    config = model / "sentence_bert_config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"max_seq_length": 20}))  # the engine cuts, not the graph
    assert engine_of(model) == "onnx"
    long = ["今天天气很好" * 20]
    np.testing.assert_allclose(open_engine(model).encode(long), load_encoder(model).encode(long), atol=1e-4)


def test_properties_are_those_that_onnx_reads(tmp_path: Path) -> None:
    for place, properties in enumerate(({}, {"": ""}, {"键": "值" * 200, "b": "x\ny"})):
        foreign_graph(tmp_path / f"{place}.onnx", properties, weight=100)
        assert read_properties(tmp_path / f"{place}.onnx") == properties


KINDS = {
    "mpnet": {"tokenizer": "mpnet"},
    "ernie": {},
    "deberta-v2": {"tokenizer": "deberta"},
    "qwen3": {"tokenizer": "qwen"},
    "mistral": {"tokenizer": "mistral"},
    "gemma3_text": {
        "tokenizer": "gemma",
        "options": {"use_bidirectional_attention": True, "layer_types": ["sliding_attention"]},
    },
}
ONE_LAYER, TWO_LAYERS = {"num_hidden_layers": 1}, {"num_hidden_layers": 2}
"""An export takes seconds, the more the more layers there are."""


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_exported_and_gives_the_torch_vectors(kind: str, build: Callable[..., Path], tmp_path: Path) -> None:
    described: dict[str, Any] = KINDS[kind]
    described = {**described, "options": {**ONE_LAYER, **described.get("options", {})}}
    pooling = "lasttoken" if kind in ("qwen3", "mistral") else "mean"
    report = export_model(build(kind, pooling={"pooling_mode": pooling}, **described), tmp_path / "out", half=False)
    assert report.lowest_cosine > 0.999999
    texts = [*TEXTS, ""]
    found = open_engine(tmp_path / "out", "onnx").encode(texts)
    np.testing.assert_allclose(found, load_encoder(tmp_path / "out").encode(texts), atol=2e-5)


def test_what_the_exporter_cannot_follow_is_refused(
    build: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise NotImplementedError

    folder = build("bert", pooling={"pooling_mode": "mean"})
    monkeypatch.setattr("torch.onnx.export", stop)
    with pytest.raises(ModelError, match=r"type 'bert' cannot be exported: .* NotImplementedError\. The torch engine runs it"):
        export_onnx(load_encoder(folder), folder)
    assert not (folder / GRAPH).exists()


@pytest.mark.parametrize(("kind", "pooling"), [*(("bert", name) for name in POOLING_NAMES), ("modernbert", "first-last-avg")])
def test_every_pooling_is_exported_and_gives_the_torch_vectors(
    kind: str, pooling: str, stand_in: Callable[..., Path], sentences: list[str], tmp_path: Path
) -> None:
    layers = ONE_LAYER if pooling in ("cls", "pooler", "last-avg", "max", "last-token") else TWO_LAYERS
    encoder = load_encoder(EncoderSettings(model=str(stand_in(kind, **layers)), pooling=pooling))  # type: ignore[arg-type]
    folder = save_encoder(encoder, tmp_path / "m")
    before = encoder.training, encoder.normalise, {name: value.clone() for name, value in encoder.state_dict().items()}
    export_onnx(encoder, folder)
    assert (encoder.training, encoder.normalise) == before[:2]
    assert all(value.equal(before[2][name]) for name, value in encoder.state_dict().items())
    engine = open_engine(folder)
    assert isinstance(engine, OnnxEngine)
    np.testing.assert_allclose(engine.encode(sentences), encoder.encode(sentences), atol=1e-4)


def test_a_graph_that_gives_other_vectors_is_not_kept(tmp_path: Path, stand_in: Callable[..., Path]) -> None:
    encoder = load_encoder(stand_in("bert", **ONE_LAYER))
    folder = save_encoder(encoder, tmp_path / "m")
    norm = encoder.backbone.encoder.layer[0].output.LayerNorm
    for values in (norm.weight, norm.bias):
        values.data *= 2  # no longer what was saved
    with pytest.raises(ModelError, match=r"gives other vectors than the encoder \(off by 0\.5 of"):
        export_onnx(encoder, folder)
    assert not list(folder.glob("*.onnx*")) and not list(folder.glob(".*"))
    assert open_engine(folder).kind == "torch"


@pytest.fixture
def exports(monkeypatch: pytest.MonkeyPatch) -> Mock:
    """Every export is one call of it."""
    calls = Mock(wraps=export_onnx)
    monkeypatch.setattr("juyi.engines.export.export_onnx", calls)
    return calls


def test_linear_layers_are_put_behind_the_graph_of_the_start(
    tmp_path: Path, with_graph: Path, sentences: list[str], exports: Mock
) -> None:
    rng = np.random.default_rng(0)
    mapped = with_affine(load_encoder(with_graph), rng.normal(size=(32, 32)), rng.normal(size=32))
    twice = with_affine(mapped, rng.normal(size=(32, 8)), np.zeros(8))
    curved = Encoder(
        mapped.backbone, mapped.tokenizer, pooling=mapped.pooling, heads=[random_head(32, "tanh")], max_length=mapped.max_length
    )
    for name, encoder, count in (("mapped", mapped, 0), ("twice", twice, 0), ("curved", curved, 1)):
        folder = save_encoder(encoder, tmp_path / name, half=name == "twice")
        add_graphs(folder, start=with_graph)
        assert exports.call_count == count
        assert not graph_problem(folder)
        found = open_engine(folder, "onnx").encode(sentences)
        np.testing.assert_allclose(found, load_encoder(folder).encode(sentences), atol=1e-4)


def test_the_graph_of_the_start_serves_where_nothing_but_weights_changed(
    tmp_path: Path, with_graph: Path, sentences: list[str], exports: Mock
) -> None:
    trained = load_encoder(with_graph)
    with torch.no_grad():
        for weight in trained.backbone.parameters():
            weight.mul_(1.1)
    model = save_encoder(trained, tmp_path / "trained")
    other = save_encoder(load_encoder(EncoderSettings(model=str(with_graph), pooling="max")), tmp_path / "other")
    add_graphs(model, start=with_graph)
    export_model(with_graph, tmp_path / "again")
    assert not exports.called
    add_graphs(other, start=with_graph)
    assert exports.call_count == 1
    assert (model / "model.onnx").read_bytes() == (with_graph / "model.onnx").read_bytes()
    for folder in (model, other, tmp_path / "again"):
        np.testing.assert_allclose(
            open_engine(folder, "onnx").encode(sentences), load_encoder(folder).encode(sentences), atol=1e-4
        )
    assert not np.allclose(
        open_engine(model, "onnx").encode(sentences), open_engine(with_graph, "onnx").encode(sentences), atol=1e-2
    )
