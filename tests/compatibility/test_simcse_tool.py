"""The simcse tool's interface: argument names and return shapes."""

from __future__ import annotations

import inspect
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from juyi import SimCSE
from juyi.encoder import EncoderSettings, load_encoder, save_encoder
from juyi.errors import JuyiError, UsageError
from juyi.poolings import PoolingName

TEXTS = ["怎么还信用卡", "信用卡如何还款", "今天天气不错", "宽带断网了怎么报修"]


@pytest.fixture(scope="module")
def tool() -> SimCSE:
    return SimCSE()


def test_encode_shapes(tool: SimCSE) -> None:
    assert isinstance(tool.encode(TEXTS[0]), torch.Tensor)
    assert tool.encode(TEXTS[0]).ndim == 1
    assert tool.encode(TEXTS[0], keepdim=True).shape[0] == 1
    vectors = tool.encode(TEXTS, return_numpy=True)
    assert isinstance(vectors, np.ndarray)
    assert vectors.shape[0] == 4
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert not np.allclose(np.linalg.norm(tool.encode(TEXTS, return_numpy=True, normalize_to_unit=False), axis=1), 1)


def test_similarity_shapes_and_values(tool: SimCSE) -> None:
    single = tool.similarity(TEXTS[0], TEXTS[1])
    assert isinstance(single, float)
    row = tool.similarity(TEXTS[0], TEXTS)
    matrix = tool.similarity(TEXTS, TEXTS)
    assert isinstance(row, np.ndarray)
    assert isinstance(matrix, np.ndarray)
    assert row.shape == (4,)
    assert matrix.shape == (4, 4)
    np.testing.assert_allclose(matrix[0], row, atol=1e-6)
    np.testing.assert_allclose(np.diag(matrix), 1, atol=1e-5)
    assert matrix[0, 1] == pytest.approx(single, abs=1e-6)
    np.testing.assert_allclose(tool.similarity(TEXTS, tool.encode(TEXTS, return_numpy=True)), matrix, atol=1e-6)
    assert matrix[0, 1] > matrix[0, 2]


def test_search_finds_threshold_and_never_pads(tool: SimCSE, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="build_index"):
        SimCSE().search("a")
    tool.build_index(TEXTS)
    hits = tool.search(TEXTS[1], top_k=10, threshold=-1.0)
    assert hits[0][0] == TEXTS[1]
    assert len(hits) == 4
    assert hits == sorted(hits, key=lambda hit: -hit[1])
    assert tool.search(TEXTS[1], threshold=0.9999, top_k=10) == [hits[0]]
    assert [len(row) for row in tool.search(TEXTS[:2], top_k=2, threshold=-1.0)] == [2, 2]
    path = tmp_path / "texts.txt"
    path.write_text("\n".join(TEXTS), encoding="utf-8")
    tool.build_index(str(path))
    tool.add_to_index(["转账限额是多少"])
    assert tool.search("转账限额是多少", top_k=1)[0][0] == "转账限额是多少"


def test_a_missing_model_is_one_clear_error() -> None:
    with pytest.raises(JuyiError, match="no folder"):
        SimCSE("/nowhere/at/all")


def test_the_argument_names_are_the_tools() -> None:
    assert list(inspect.signature(SimCSE).parameters)[:5] == [
        "model_name_or_path", "device", "num_cells", "num_cells_in_search", "pooler",
    ]  # fmt: skip
    assert list(inspect.signature(SimCSE.encode).parameters)[1:] == [
        "sentence", "device", "return_numpy", "normalize_to_unit", "keepdim", "batch_size",
    ]  # fmt: skip
    assert list(inspect.signature(SimCSE.search).parameters)[1:] == ["queries", "device", "threshold", "top_k"]
    assert list(inspect.signature(SimCSE.similarity).parameters)[1:] == ["queries", "keys", "device"]
    assert list(inspect.signature(SimCSE.build_index).parameters)[1:] == [
        "sentences_or_file_path", "use_faiss", "faiss_fast", "device", "batch_size",
    ]  # fmt: skip


def test_what_is_no_text_is_told(tool: SimCSE) -> None:
    for call in (
        lambda given: tool.encode(given, return_numpy=True),
        tool.build_index,
        lambda given: tool.similarity(given, "a"),
    ):
        for given, words in ((None, "is None"), (["a", None], "None at place 1"), ([float("nan")], "nan at place 0")):
            with pytest.raises(UsageError, match=words):
                call(given)  # type: ignore[no-untyped-call]
    assert tool.encode([], return_numpy=True).shape == (0, 384)
    tool.build_index(TEXTS)
    with pytest.raises(UsageError, match="None at place 0"):
        tool.search([None])  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("pooler", "pooling"),
    [
        *(("cls", "pooler"), ("cls_before_pooler", "cls"), ("avg", "last-avg"), ("avg_top2", "top2-avg")),
        *(("avg_first_last", "first-last-avg"), ("first-last-avg", "first-last-avg"), ("pooler", "pooler")),
    ],
)
def test_the_poolers_of_the_tool(pooler: str, pooling: PoolingName, stand_in: Callable[..., Path]) -> None:
    folder = stand_in("bert")
    expected = load_encoder(EncoderSettings(model=str(folder), pooling=pooling)).encode(TEXTS)
    heard: list[str] = []
    tool = SimCSE(folder, pooler=pooler, log=heard.append)
    np.testing.assert_allclose(tool.encode(TEXTS, return_numpy=True, normalize_to_unit=False), expected, atol=1e-5)
    assert heard == []


@pytest.mark.parametrize(("name", "pooling"), [("sup-simcse", "pooler"), ("my-unsup-simcse", "cls")])
def test_without_a_pooler_the_name_decides_as_in_the_tool(
    name: str, pooling: PoolingName, stand_in: Callable[..., Path], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(stand_in("bert"), tmp_path / name))
    expected = load_encoder(EncoderSettings(model=str(folder), pooling=pooling)).encode(TEXTS)
    heard: list[str] = []
    tool = SimCSE(str(folder), log=heard.append)
    np.testing.assert_allclose(tool.encode(TEXTS, return_numpy=True, normalize_to_unit=False), expected, atol=1e-5)
    assert len(heard) == 1 and heard[0].startswith(f"Pooling: {pooling}, the tool's `cls")
    saved = save_encoder(load_encoder(EncoderSettings(model=str(folder), pooling="top2-avg")), tmp_path / "unsup-saved")
    own = load_encoder(saved).encode(TEXTS)  # a folder that names its pooling keeps it, whatever its name
    np.testing.assert_allclose(SimCSE(saved).encode(TEXTS, return_numpy=True, normalize_to_unit=False), own, atol=1e-5)


def test_an_unknown_pooler() -> None:
    with pytest.raises(
        UsageError, match=r"'mean' is no pooler\. There are the tool's cls, cls_before_pooler, .*, and cls, pooler"
    ):
        SimCSE(pooler="mean")
