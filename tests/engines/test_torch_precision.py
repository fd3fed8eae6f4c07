"""The precision that the torch engine chooses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from scipy import stats

from juyi.encoder import load_encoder
from juyi.engines import torch_engine
from juyi.engines.torch_engine import TorchEngine
from juyi.types import Embeddings

TEXTS = [f"第{i}句话" for i in range(40)]


class Rounding:
    """Stands for an encoder: random directions, with noise in bfloat16. It notes what it was asked in which precision."""

    dim, device = 8, torch.device("cpu")

    def __init__(self, noise: float) -> None:
        self.noise = noise
        self.asked: list[tuple[bool, list[str]]] = []

    def eval(self) -> Rounding:
        return self

    def encode(self, texts: Sequence[str], *, batch_tokens: int) -> Embeddings:
        coarse = torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") == torch.bfloat16
        self.asked.append((coarse, list(texts)))
        return self.vectors(texts, coarse)

    def vectors(self, texts: Sequence[str], coarse: bool) -> Embeddings:
        rows = np.stack([np.random.default_rng(list(text.encode())).normal(size=8) for text in texts])
        return (rows + coarse * self.noise * np.random.default_rng(0).normal(size=rows.shape)).astype(np.float32)


def engine_of(encoder: Rounding) -> TorchEngine:
    return TorchEngine(encoder)  # type: ignore[arg-type]


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_engine, "fast_precision", lambda: "bfloat16")


def slow_agreement(encoder: Rounding, texts: Sequence[str]) -> float:
    """Spearman's correlation of the cosines of all pairs in both precisions."""
    cosines = []
    for coarse in (False, True):
        rows = encoder.vectors(texts, coarse).astype(np.float64)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        cosines.append([rows[i] @ rows[j] for i in range(len(rows)) for j in range(i)])
    return float(stats.spearmanr(*cosines).statistic)


@pytest.mark.usefixtures("fast")
@pytest.mark.parametrize(("noise", "kept"), [(0.0, "bfloat16"), (0.002, "bfloat16"), (0.1, "float32"), (2.0, "float32")])
def test_bfloat16_is_taken_where_it_orders_pairs_as_float32_does(noise: float, kept: str) -> None:
    encoder = Rounding(noise)
    engine = engine_of(encoder)
    agreement = engine.choose_precision(TEXTS)
    assert agreement == pytest.approx(slow_agreement(encoder, TEXTS), abs=1e-4)
    assert agreement is not None and (agreement >= 0.9995) == (kept == "bfloat16")
    assert engine.precision == kept
    assert encoder.asked == [(False, TEXTS), (True, TEXTS)]
    # What is encoded from now on is encoded so.
    engine.encode(["天气"])
    assert encoder.asked[-1] == (kept == "bfloat16", ["天气"])


@pytest.mark.usefixtures("fast")
@pytest.mark.parametrize("agreement", [0.9995, 0.99949999])
def test_the_limit_itself_is_enough(monkeypatch: pytest.MonkeyPatch, agreement: float) -> None:
    monkeypatch.setattr(torch_engine, "spearman", lambda x, y: agreement)
    engine = engine_of(Rounding(0.0))
    assert engine.choose_precision(TEXTS) == agreement
    assert engine.precision == ("bfloat16" if agreement == 0.9995 else "float32")


def test_where_bfloat16_is_emulated_nothing_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_engine, "fast_precision", lambda: "float32")
    encoder = Rounding(0.0)
    engine = TorchEngine(encoder, "bfloat16")  # type: ignore[arg-type]
    assert engine.choose_precision(TEXTS) is None
    assert (engine.precision, encoder.asked) == ("float32", [])


@pytest.mark.usefixtures("fast")
@pytest.mark.parametrize("texts", [[], TEXTS[:15], TEXTS[:15] * 20])
def test_few_different_texts_decide_nothing(texts: list[str]) -> None:
    encoder = Rounding(0.0)
    engine = engine_of(encoder)
    assert engine.choose_precision(texts) is None
    assert (engine.precision, encoder.asked) == ("float32", [])
    assert engine.choose_precision(TEXTS[:16]) == 1


@pytest.mark.usefixtures("fast")
@pytest.mark.parametrize("count", [256, 257, 700, 5000])
def test_of_many_texts_at_most_256_from_all_over_are_compared(count: int) -> None:
    encoder = Rounding(0.0)
    texts = [f"{i}" for i in range(count)]
    engine_of(encoder).choose_precision(texts)
    for _, asked in encoder.asked:
        assert len(asked) == len(set(asked)) <= 256
        assert len(asked) >= 129
        assert int(asked[-1]) >= count / 2


def test_the_precision_is_that_of_the_products_and_vectors_are_single_precision() -> None:
    encoder = load_encoder()
    exact, coarse = (TorchEngine(encoder, precision).encode(TEXTS[:8]) for precision in ("float32", "bfloat16"))
    assert exact.dtype == coarse.dtype == np.float32
    np.testing.assert_array_equal(exact, encoder.encode(TEXTS[:8]))
    assert 1e-6 < np.abs(exact - coarse).max() / np.abs(exact).max() < 0.1
