"""Masked language modelling: a mean cross-entropy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from juyi.losses import masked_lm


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_equals_the_slow_loop(dtype: torch.dtype) -> None:
    logits = torch.from_numpy(np.random.default_rng(0).normal(size=(7, 11)) * 4).to(dtype)
    labels = torch.tensor([0, 10, 3, 3, 5, 7, 1])
    expected = 0.0
    for row, label in zip(logits.double().tolist(), labels.tolist(), strict=True):
        expected -= math.log(math.exp(row[label]) / sum(math.exp(value) for value in row)) / 7
    result = masked_lm(logits, labels)
    assert result.dtype == torch.float32 and float(result) == pytest.approx(expected, rel=1e-5)
