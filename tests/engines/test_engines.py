"""Every engine gives the vectors of the torch encoder."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from safetensors.numpy import load_file, save_file

from juyi.assets import DEFAULT_ENCODER, EMBEDDED, SAMPLES
from juyi.data import read_texts
from juyi.encoder import EncoderSettings, load_encoder, save_encoder
from juyi.engines import ENGINE_KINDS, EngineKind, open_engine
from juyi.engines.export import export_onnx
from juyi.engines.onnx_engine import OnnxEngine
from juyi.engines.openvino_engine import OpenVINOEngine
from juyi.engines.torch_engine import TorchEngine
from juyi.errors import ModelError, UsageError
from juyi.postprocessing import whiten_encoder

TEXTS = read_texts(SAMPLES / "questions.tsv", columns=["text"]).texts[:200]
FOLDER = EMBEDDED[DEFAULT_ENCODER]


def cosines(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return (first * second).sum(1) / np.linalg.norm(first, axis=1) / np.linalg.norm(second, axis=1)


def test_the_embedded_graphs_give_the_torch_vectors() -> None:
    assert isinstance(open_engine(), OpenVINOEngine) and isinstance(open_engine(few=True), OnnxEngine)
    reference = TorchEngine.load(FOLDER).encode(TEXTS)
    for engine in (open_engine(), open_engine(few=True)):
        assert cosines(engine.encode(TEXTS), reference).min() > 0.999999


@pytest.mark.parametrize("kind", ["openvino", "onnx", "torch"])
def test_engines_keep_order_and_do_not_depend_on_the_batch(kind: str) -> None:
    engine = open_engine(None, kind)  # type: ignore[arg-type]
    together = engine.encode(TEXTS)
    alone = np.concatenate([engine.encode([text]) for text in TEXTS[:20]])
    np.testing.assert_allclose(together[:20], alone, atol=1e-4)
    np.testing.assert_allclose(engine.encode(TEXTS, batch_tokens=16), together, atol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(engine.encode(TEXTS, normalise=True), axis=1), 1, atol=1e-5)
    assert engine.encode([]).shape == (0, engine.dim)


def test_both_engines_read_the_same_weights(tmp_path: Path, with_graph: Path) -> None:
    folder = shutil.copytree(with_graph, tmp_path / "changed")
    before = open_engine(folder, "onnx").encode(TEXTS[:5])
    path = folder / "model.safetensors"
    save_file({name: value * 1.1 for name, value in load_file(path).items()}, path, metadata={"format": "pt"})
    after = open_engine(folder, "onnx").encode(TEXTS[:5])
    assert np.abs(after - before).max() > 1e-2
    np.testing.assert_allclose(after, load_encoder(folder).encode(TEXTS[:5]), atol=1e-4)


def test_another_runtime_refuses_the_graph_rather_than_run_it_without_weights() -> None:
    with pytest.raises(Exception, match="given-by-the-engine"):
        onnxruntime.InferenceSession(FOLDER / "model.onnx", providers=["CPUExecutionProvider"])


def test_the_graph_does_not_tell_where_it_was_made() -> None:
    content = (FOLDER / "model.onnx").read_bytes()
    assert b"site-packages" not in content
    assert b".py" not in content


def test_whitening_goes_into_the_graph(tmp_path: Path, with_graph: Path) -> None:
    whitened, _ = whiten_encoder(load_encoder(with_graph), TEXTS, 16)
    folder = save_encoder(whitened, tmp_path / "whitened")
    export_onnx(load_encoder(folder), folder)
    engine = open_engine(folder, "onnx")
    assert engine.dim == 16
    np.testing.assert_allclose(engine.encode(TEXTS), load_encoder(folder).encode(TEXTS), atol=1e-4)


def test_a_folder_without_a_graph_is_run_by_torch_and_refused_by_onnx(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "m", ignore=shutil.ignore_patterns("*.onnx", "*.xml"))
    assert isinstance(open_engine(tmp_path / "m"), TorchEngine)
    with pytest.raises(ModelError, match=r"no model\.onnx"):
        open_engine(tmp_path / "m", "onnx")


KINDS_OF_ENGINE = [kind for kind in ENGINE_KINDS if kind != "auto"]


def test_what_can_be_asked_for_is_one_list() -> None:
    assert ENGINE_KINDS[0] == "auto" and set(KINDS_OF_ENGINE) == {"openvino", "onnx", "torch"}
    for kind in KINDS_OF_ENGINE:
        engine = open_engine(None, kind)
        assert (engine.kind, engine.precision, engine.dim) == (kind, "float32", 384)
    words = {
        "kind": ({"kind": "abacus"}, "'abacus' is no engine. There are auto, openvino, onnx, torch"),
        "precision": ({"precision": "int3"}, "'int3' is no precision. There are auto, float32, bfloat16"),
        "pooling": ({"pooling": "mean"}, "'mean' is no pooling. The poolings are cls"),
    }
    for options, expected in words.values():
        with pytest.raises(UsageError, match=expected):
            open_engine("mini", **options)  # type: ignore[arg-type]


def test_precision_and_pooling_are_asked_for_and_never_ignored() -> None:
    assert open_engine("mini", "torch", precision="bfloat16").precision == "bfloat16"
    assert open_engine("mini", precision="bfloat16").precision == "bfloat16"
    with pytest.raises(UsageError, match="runs on the engine onnx, which computes in float32; with --engine torch it can bfl"):
        open_engine("mini", "onnx", precision="bfloat16")
    own, other = load_encoder("mini").pooling, "cls"
    assert own != other
    assert isinstance(open_engine("mini", pooling=own, few=True), OnnxEngine)
    engine = open_engine("mini", "torch", pooling="cls")
    expected = load_encoder(EncoderSettings(model="mini", pooling="cls")).encode(TEXTS[:5])
    np.testing.assert_array_equal(engine.encode(TEXTS[:5]), expected)
    assert np.abs(expected - open_engine("mini").encode(TEXTS[:5])).max() > 0.01
    with pytest.raises(UsageError, match="The pooling 'cls' does not go with --engine onnx"):
        open_engine("mini", "onnx", pooling="cls")


@pytest.mark.parametrize("kind", ["openvino", "onnx", "torch"])
def test_blocks_are_the_rows_of_encode_and_texts_are_taken_as_they_are_needed(kind: EngineKind) -> None:
    engine = open_engine("mini", kind)
    taken: list[str] = []

    def some() -> Iterator[str]:
        for text in TEXTS[:23]:
            taken.append(text)
            yield text

    blocks = engine.encode_blocks(some(), normalise=True, block_size=10)
    assert taken == []
    first = next(blocks)
    assert len(taken) == len(first) == 10
    rest = list(blocks)
    assert [len(block) for block in rest] == [10, 3]
    np.testing.assert_allclose(np.concatenate([first, *rest]), engine.encode(TEXTS[:23], normalise=True), atol=1e-5)
    assert list(engine.encode_blocks([])) == []
    with pytest.raises(UsageError, match="one string"):
        engine.encode_blocks("天气")
    broken = engine.encode_blocks(iter(["a", "b", "c", None]), block_size=2)  # type: ignore[list-item]
    assert next(broken).shape == (2, 384)
    with pytest.raises(UsageError, match="from number 2 on, has None at place 1"):
        next(broken)


@pytest.mark.parametrize("kind", ["openvino", "onnx", "torch"])
@pytest.mark.parametrize(
    ("texts", "words"),
    [("天气", "one string"), ([None], "None at place 0"), (["a", float("nan")], "nan at place 1"), ([3], "'3'")],
)
def test_what_is_no_list_of_texts_is_told(kind: EngineKind, texts: Any, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        open_engine("mini", kind).encode(texts)


@pytest.mark.parametrize("kind", ["openvino", "onnx", "torch"])
def test_threads_share_an_engine(kind: EngineKind) -> None:
    engine = open_engine("mini", kind)
    parts = [TEXTS[i::8][:10] for i in range(8)]
    alone = [engine.encode(part) for part in parts]
    with ThreadPoolExecutor(8) as pool:
        for found, wanted in zip(pool.map(engine.encode, parts * 2), alone * 2, strict=True):
            np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_an_engine_leaves_the_mode_of_its_encoder() -> None:
    encoder = load_encoder().train()
    found = TorchEngine(encoder).encode(TEXTS[:3])
    assert encoder.training
    np.testing.assert_array_equal(found, load_encoder().encode(TEXTS[:3]))


def test_the_onnx_path_imports_no_torch() -> None:
    code = "from juyi.engines import open_engine; open_engine().encode(['你好']); import sys; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "False"


def test_without_torch_a_folder_without_a_graph_says_what_to_install(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "m", ignore=shutil.ignore_patterns("*.onnx", "*.xml"))
    code = f"import sys; sys.modules['torch'] = None\nfrom juyi.engines import open_engine; open_engine({str(tmp_path / 'm')!r})"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "juyi[train]" in result.stderr
