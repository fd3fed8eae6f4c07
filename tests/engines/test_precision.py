"""The one precision of encoders that are measured beside each other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from scipy import stats

from juyi.encoder import fast_precision, load_encoder
from juyi.engines import Engine, Precision, agreed_precision, open_engine
from juyi.engines.precision import rank_agreement
from juyi.engines.torch_engine import TorchEngine
from juyi.types import Embeddings

TEXTS = [f"第{i}句话" for i in range(40)]


class Rounding:
    """Stands for an engine: random directions, with noise in bfloat16. It notes what it was asked in which precision."""

    def __init__(self, noise: float, kind: str = "torch", precision: str = "float32", asked: Any = None) -> None:
        self.noise, self.kind, self.precision = noise, kind, precision
        self.asked: list[tuple[str, list[str]]] = [] if asked is None else asked

    def at(self, precision: str) -> Rounding:
        return Rounding(self.noise, self.kind, precision, self.asked)

    def encode(self, texts: Sequence[str]) -> Embeddings:
        self.asked.append((self.precision, list(texts)))
        rows = np.stack([np.random.default_rng(list(text.encode())).normal(size=8) for text in texts])
        noise = self.noise if self.precision == "bfloat16" else 0
        return (rows + noise * np.random.default_rng(0).normal(size=rows.shape)).astype(np.float32)


def agreed(*engines: Rounding, texts: Sequence[str] = TEXTS, fast: Precision = "bfloat16") -> tuple[str, str]:
    named: Any = [(f"model {place}", engine) for place, engine in enumerate(engines)]
    found = agreed_precision(named, texts, fast=fast)
    return found.precision, found.reason


def slow_agreement(noise: float, texts: Sequence[str]) -> float:
    """Spearman's correlation of the cosines of all pairs in both precisions."""
    cosines = []
    for precision in ("float32", "bfloat16"):
        rows = Rounding(noise, precision=precision).encode(texts).astype(np.float64)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        cosines.append([rows[i] @ rows[j] for i in range(len(rows)) for j in range(i)])
    return float(stats.spearmanr(*cosines).statistic)


@pytest.mark.parametrize(("noise", "kept"), [(0.0, "bfloat16"), (0.002, "bfloat16"), (0.1, "float32"), (2.0, "float32")])
def test_bfloat16_is_taken_where_it_orders_pairs_as_float32_does(noise: float, kept: str) -> None:
    engine = Rounding(noise)
    agreement = slow_agreement(noise, TEXTS)
    assert (agreement >= 0.9995) == (kept == "bfloat16")
    precision, reason = agreed(engine)
    assert precision == kept
    assert float(re.findall(r"0\.\d+|1\.0+", reason)[0]) == pytest.approx(agreement, abs=1e-4)
    assert engine.asked == [("float32", TEXTS), ("bfloat16", TEXTS)]
    exact, rounded = Rounding(noise), Rounding(noise, precision="bfloat16")
    assert rank_agreement(exact.encode, rounded.encode, TEXTS) == pytest.approx(agreement, abs=1e-4)


@pytest.mark.parametrize(
    ("noises", "kinds", "kept", "words"),
    [
        ((0.0, 0.002), ("torch", "torch"), "bfloat16", "orders pairs as float32 does"),
        ((0.0, 0.1), ("torch", "torch"), "float32", "model 1 does not order pairs"),
        ((0.1, 0.0), ("torch", "torch"), "float32", "model 0 does not order pairs"),
        ((0.0, 0.0), ("torch", "onnx"), "float32", "model 1 runs on the engine onnx"),
        ((0.0, 0.0), ("onnx", "torch"), "float32", "model 0 runs on the engine onnx"),
    ],
)
def test_one_that_cannot_keeps_all_in_float32(noises: tuple[float, ...], kinds: tuple[str, ...], kept: str, words: str) -> None:
    precision, reason = agreed(*map(Rounding, noises, kinds))
    assert precision == kept and words in reason


def test_after_the_first_that_cannot_no_other_is_opened() -> None:
    opened: list[int] = []

    def engines() -> Iterator[tuple[str, Any]]:
        for place, noise in enumerate((0.0, 0.1, 0.0)):
            opened.append(place)
            yield str(place), Rounding(noise)

    assert agreed_precision(engines(), TEXTS, fast="bfloat16").precision == "float32"
    assert opened == [0, 1]


def test_where_bfloat16_is_emulated_nothing_is_compared() -> None:
    engine = Rounding(0.0)
    precision, reason = agreed(engine, fast="float32")
    assert (precision, engine.asked) == ("float32", []) and "slow on this machine" in reason


def test_what_is_fast_is_found_out_where_it_is_not_given() -> None:
    engine: Engine = TorchEngine(load_encoder())
    found = agreed_precision([("mini", engine)], TEXTS)
    assert found.precision == "float32" or fast_precision() == "bfloat16"


@pytest.mark.parametrize("texts", [[], TEXTS[:15], TEXTS[:15] * 20])
def test_few_different_texts_decide_nothing(texts: list[str]) -> None:
    engine = Rounding(0.0)
    precision, reason = agreed(engine, texts=texts)
    assert (precision, engine.asked) == ("float32", []) and "too little to try" in reason
    assert agreed(Rounding(0.0), texts=TEXTS[:16])[0] == "bfloat16"


@pytest.mark.parametrize("count", [256, 257, 700, 5000])
def test_of_many_texts_at_most_256_from_all_over_are_compared(count: int) -> None:
    engine = Rounding(0.0)
    agreed(engine, texts=[f"{i}" for i in range(count)])
    for _, asked in engine.asked:
        assert len(asked) == len(set(asked)) <= 256
        assert len(asked) >= 129
        assert int(asked[-1]) >= count / 2


def test_a_collapsed_encoder_decides_nothing_and_one_that_collapses_by_rounding_is_not_rounded() -> None:
    def constant(texts: Sequence[str]) -> Embeddings:
        return np.ones((len(texts), 4), dtype=np.float32)

    assert rank_agreement(constant, Rounding(0.0).encode, TEXTS) is None
    assert rank_agreement(Rounding(0.0).encode, constant, TEXTS) == 0.0


def test_the_precision_is_that_of_the_products_and_vectors_are_single_precision() -> None:
    encoder = load_encoder()
    exact, coarse = (TorchEngine(encoder, precision).encode(TEXTS[:8]) for precision in ("float32", "bfloat16"))
    assert exact.dtype == coarse.dtype == np.float32
    np.testing.assert_array_equal(exact, encoder.encode(TEXTS[:8]))
    assert 1e-6 < np.abs(exact - coarse).max() / np.abs(exact).max() < 0.1
    opened = open_engine("mini", "torch", precision="bfloat16")
    np.testing.assert_array_equal(opened.encode(TEXTS[:8]), coarse)
