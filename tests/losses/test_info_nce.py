"""InfoNCE against a triple loop in float64, and against sentence-transformers."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from juyi.losses import info_nce

Rows = NDArray[np.float64]


def cosine(first: Rows, second: Rows) -> float:
    dot = sum(a * b for a, b in zip(first, second, strict=True))
    return dot / math.sqrt(sum(a * a for a in first)) / math.sqrt(sum(b * b for b in second))


def slow(
    anchors: Rows,
    candidates: Rows,
    temperature: float,
    offset: int,
    hard: Rows | None,
    log_weight: float,
    extra: Rows | None,
    ignore: NDArray[np.bool_] | None = None,
) -> float:
    """-log exp(s_ii/t) / (sum_j exp(s_ij/t) + sum_j w_ij exp(n_ij/t) + sum_q exp(e_iq/t)), w_ij = alpha for the own, else 1.

    The first sum leaves out the j that row i ignores, unless it is the positive.
    """
    total = 0.0
    for row, anchor in enumerate(anchors):
        denominator = 0.0
        for index, candidate in enumerate(candidates):
            if ignore is not None and ignore[row, index] and index != offset + row:
                continue
            denominator += math.exp(cosine(anchor, candidate) / temperature)
        for index, negative in enumerate(hard if hard is not None else []):
            weight = math.exp(log_weight) if index == offset + row else 1.0
            denominator += weight * math.exp(cosine(anchor, negative) / temperature)
        for negative in extra if extra is not None else []:
            denominator += math.exp(cosine(anchor, negative) / temperature)
        total -= math.log(math.exp(cosine(anchor, candidates[offset + row]) / temperature) / denominator)
    return total / len(anchors)


def rows(count: int, seed: int) -> Rows:
    return np.random.default_rng(seed).normal(size=(count, 5)) * np.random.default_rng(seed + 1).uniform(
        0.1, 9.0, size=(count, 1)
    )


GRID = list(product([1, 4], [0, 2], [0.05, 0.5], [None, 0.0, 1.3, -0.7], [None, 0, 3]))


@pytest.mark.parametrize(("count", "offset", "temperature", "log_weight", "queue"), GRID)
def test_equals_the_slow_loop(count: int, offset: int, temperature: float, log_weight: float | None, queue: int | None) -> None:
    anchors, candidates = rows(count, 1), rows(count + offset + 1, 2)
    hard = None if log_weight is None else rows(len(candidates), 3)
    extra = None if queue is None else rows(queue, 4)
    expected = slow(anchors, candidates, temperature, offset, hard, log_weight or 0.0, extra)
    result = info_nce(
        torch.from_numpy(anchors),
        torch.from_numpy(candidates),
        temperature=temperature,
        offset=offset,
        hard_negatives=None if hard is None else torch.from_numpy(hard),
        hard_negative_log_weight=log_weight or 0.0,
        extra_negatives=None if extra is None else torch.from_numpy(extra),
    )
    assert result.shape == () and result.dtype == torch.float32
    assert float(result) == pytest.approx(expected, rel=2e-5, abs=2e-5)


@pytest.mark.parametrize(("offset", "more"), list(product([0, 2], [False, True])))
def test_ignored_candidates_are_no_negatives(offset: int, more: bool) -> None:
    anchors, candidates = rows(4, 1), rows(7, 2)
    hard, extra = (rows(7, 3), rows(3, 4)) if more else (None, None)
    ignore = np.random.default_rng(5).random((4, 7)) < 0.5
    ignore[0, offset] = True  # its own positive, which stays
    expected = slow(anchors, candidates, 0.3, offset, hard, 0.0, extra, ignore)
    result = info_nce(
        torch.from_numpy(anchors),
        torch.from_numpy(candidates),
        temperature=0.3,
        offset=offset,
        hard_negatives=None if hard is None else torch.from_numpy(hard),
        extra_negatives=None if extra is None else torch.from_numpy(extra),
        ignore=torch.from_numpy(ignore),
    )
    assert float(result) == pytest.approx(expected, rel=2e-5)
    assert float(result) < slow(anchors, candidates, 0.3, offset, hard, 0.0, extra) - 0.1


def test_without_a_negative_there_is_nothing_to_learn() -> None:
    anchors, candidates = (torch.from_numpy(rows(4, seed)).requires_grad_() for seed in (1, 2))
    loss = info_nce(anchors, candidates, ignore=torch.ones(4, 4, dtype=torch.bool))
    loss.backward()
    assert loss.item() == 0.0
    assert all(given.grad is not None and not given.grad.any() for given in (anchors, candidates))


def test_the_default_temperature_is_a_twentieth() -> None:
    anchors, candidates = torch.from_numpy(rows(4, 1)), torch.from_numpy(rows(4, 2))
    assert float(info_nce(anchors, candidates)) == pytest.approx(float(info_nce(anchors, candidates, temperature=0.05)))


def test_the_pieces_of_a_split_batch_average_to_the_whole() -> None:
    anchors, candidates, hard = (torch.from_numpy(rows(6, seed)) for seed in (1, 2, 3))
    whole = info_nce(anchors, candidates, hard_negatives=hard, hard_negative_log_weight=0.4)
    parts = [
        info_nce(anchors[i : i + 2], candidates, offset=i, hard_negatives=hard, hard_negative_log_weight=0.4) for i in (0, 2, 4)
    ]
    torch.testing.assert_close(torch.stack(parts).mean(), whole)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_inputs_are_computed_in_float32(dtype: torch.dtype) -> None:
    anchors, candidates = (torch.from_numpy(rows(5, seed)).to(dtype) for seed in (1, 2))
    result = info_nce(anchors, candidates)
    assert result.dtype == torch.float32
    torch.testing.assert_close(result, info_nce(anchors.float(), candidates.float()))


def test_gradients_reach_every_input_and_are_finite() -> None:
    anchors, candidates, hard, extra = (torch.from_numpy(rows(4, seed)).float().requires_grad_() for seed in (1, 2, 3, 4))
    info_nce(anchors, candidates, temperature=0.01, hard_negatives=hard, extra_negatives=extra).backward()
    for given in (anchors, candidates, hard, extra):
        assert given.grad is not None and torch.isfinite(given.grad).all() and given.grad.abs().max() > 0


def test_gradients_agree_with_finite_differences() -> None:
    anchors, candidates = rows(3, 1), rows(4, 2)
    leaf = torch.from_numpy(anchors).requires_grad_()
    info_nce(leaf, torch.from_numpy(candidates), temperature=0.5, offset=1).backward()
    assert leaf.grad is not None
    for i, j in product(range(3), range(5)):
        step = np.zeros_like(anchors)
        step[i, j] = 1e-5
        plus, minus = (slow(anchors + s, candidates, 0.5, 1, None, 0.0, None) for s in (step, -step))
        assert float(leaf.grad[i, j]) == pytest.approx((plus - minus) / 2e-5, abs=1e-4)


def test_equal_rows_and_zero_rows_stay_finite() -> None:
    anchors = torch.zeros(3, 4, requires_grad=True)
    loss = info_nce(anchors, torch.ones(3, 4))
    loss.backward()
    assert loss.item() == pytest.approx(math.log(3)) and anchors.grad is not None and torch.isfinite(anchors.grad).all()


@pytest.mark.parity
def test_equals_sentence_transformers(stand_in: Callable[..., Path], sentences: list[str], tmp_path: Path) -> None:
    library = pytest.importorskip("sentence_transformers")
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    from juyi.encoder import EncoderSettings, load_encoder, save_encoder

    settings = EncoderSettings(model=str(stand_in("bert")), pooling="cls", hidden_dropout=0.0, attention_dropout=0.0)
    encoder = load_encoder(settings)
    model = library.SentenceTransformer(str(save_encoder(encoder, tmp_path / "model")), device="cpu")
    columns = [sentences[:6], sentences[6:12], sentences[12:18]]
    ours = [encoder(*encoder.tensors(encoder.tokenizer.tokenize(texts, encoder.max_length))) for texts in columns]
    for count in (2, 3):
        loss = MultipleNegativesRankingLoss(model, scale=20.0)
        theirs = loss([model.preprocess(texts) for texts in columns[:count]], torch.zeros(6))
        result = info_nce(ours[0], ours[1], temperature=0.05, hard_negatives=ours[2] if count == 3 else None)
        assert result.item() == pytest.approx(theirs.item(), rel=1e-6, abs=1e-6)
