"""Every engine gives the vectors of the torch encoder."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from safetensors.numpy import load_file, save_file

from juyi.assets import DEFAULT_ENCODER, EMBEDDED, SAMPLES
from juyi.data import read_texts
from juyi.encoder import load_encoder, save_encoder
from juyi.engines import open_engine
from juyi.engines.export import export_onnx
from juyi.engines.onnx_engine import OnnxEngine
from juyi.engines.torch_engine import TorchEngine
from juyi.errors import ModelError
from juyi.postprocessing import whiten_encoder

TEXTS = read_texts(SAMPLES / "questions.tsv", columns=["text"]).texts[:200]
FOLDER = EMBEDDED[DEFAULT_ENCODER]


def cosines(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return (first * second).sum(1) / np.linalg.norm(first, axis=1) / np.linalg.norm(second, axis=1)


def test_the_embedded_graph_gives_the_torch_vectors() -> None:
    assert isinstance(open_engine(), OnnxEngine)
    reference = TorchEngine.load(FOLDER).encode(TEXTS)
    assert cosines(open_engine().encode(TEXTS), reference).min() > 0.999999


@pytest.mark.parametrize("kind", ["onnx", "torch"])
def test_engines_keep_order_and_do_not_depend_on_the_batch(kind: str) -> None:
    engine = open_engine(None, kind)  # type: ignore[arg-type]
    together = engine.encode(TEXTS)
    alone = np.concatenate([engine.encode([text]) for text in TEXTS[:20]])
    np.testing.assert_allclose(together[:20], alone, atol=1e-4)
    np.testing.assert_allclose(engine.encode(TEXTS, batch_tokens=16), together, atol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(engine.encode(TEXTS, normalise=True), axis=1), 1, atol=1e-5)
    assert engine.encode([]).shape == (0, engine.dim)


def test_both_engines_read_the_same_weights(tmp_path: Path) -> None:
    folder = save_encoder(load_encoder(), tmp_path / "changed")
    export_onnx(load_encoder(folder), folder)
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


def test_whitening_goes_into_the_graph(tmp_path: Path) -> None:
    whitened, _ = whiten_encoder(load_encoder(), TEXTS, 32)
    folder = save_encoder(whitened, tmp_path / "whitened")
    export_onnx(load_encoder(folder), folder)
    engine = open_engine(folder, "onnx")
    assert engine.dim == 32
    np.testing.assert_allclose(engine.encode(TEXTS), load_encoder(folder).encode(TEXTS), atol=1e-4)


def test_a_folder_without_a_graph_is_run_by_torch_and_refused_by_onnx(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "m", ignore=shutil.ignore_patterns("*.onnx"))
    assert isinstance(open_engine(tmp_path / "m"), TorchEngine)
    with pytest.raises(ModelError, match=r"no model\.onnx"):
        open_engine(tmp_path / "m", "onnx")


def test_a_damaged_graph_is_one_clear_error(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "m")
    (tmp_path / "m" / "model.onnx").write_bytes(b"not a graph")
    with pytest.raises(ModelError, match="cannot be run"):
        open_engine(tmp_path / "m")


def test_the_onnx_path_imports_no_torch() -> None:
    code = "from juyi.engines import open_engine; open_engine().encode(['你好']); import sys; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "False"


def test_without_torch_a_folder_without_a_graph_says_what_to_install(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "m", ignore=shutil.ignore_patterns("*.onnx"))
    code = f"import sys; sys.modules['torch'] = None\nfrom juyi.engines import open_engine; open_engine({str(tmp_path / 'm')!r})"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "juyi[train]" in result.stderr
