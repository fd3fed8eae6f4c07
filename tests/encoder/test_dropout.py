"""Dropout with cheap masks: the rate, the expectation, the gradient, the seed."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from juyi.encoder import EncoderSettings, create_encoder, load_encoder
from juyi.encoder.dropout import FastDropout, drop, quicken_dropout
from juyi.tokenization import SubwordTokenizer

LEVELS = 65536
COUNT = 200_000
RATES = [1 / LEVELS, 0.1, 0.15, 0.3, 0.5, 0.9]


def scale_of(rate: float) -> float:
    """One over the share of the 65536 levels that stay."""
    return LEVELS / (LEVELS - round(rate * LEVELS))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("rate", RATES)
def test_the_rate_is_met_and_what_stays_is_scaled(rate: float, dtype: torch.dtype) -> None:
    torch.manual_seed(1)
    rows = (torch.randn(COUNT // 100, 100) + 4 * torch.randn(100).sign()).to(dtype)
    assert rows.all()
    found = drop(rows, rate)
    assert found.dtype == dtype and found.shape == rows.shape
    kept = found != 0
    torch.testing.assert_close(found[kept], (rows[kept].float() * scale_of(rate)).to(dtype), rtol=0, atol=0)
    spread = math.sqrt(COUNT * rate * (1 - rate))
    assert abs(float((~kept).sum()) - COUNT * rate) < 4.5 * spread
    each = float((~kept).sum(0).double().var()) / (COUNT / 100 * rate * (1 - rate))  # of columns: 1 where draws are independent
    assert rate < 0.01 or 0.5 < each < 1.7


def test_the_expectation_is_exact() -> None:
    """A rate that is no multiple of 1/65536, over every level once: what is kept, times the scale, is all of it."""
    for rate in (0.1, 0.15, 1 / 3):
        dropped = round(rate * LEVELS)
        assert dropped / LEVELS != rate
        assert math.isclose((LEVELS - dropped) * scale_of(rate), LEVELS, rel_tol=1e-15)
        kept = drop(torch.ones(5, dtype=torch.float64), rate)
        while not kept.any():
            kept = drop(torch.ones(5, dtype=torch.float64), rate)
        assert float(kept.max()) == scale_of(rate) != 1 / (1 - rate)


@pytest.mark.parametrize("shape", [(7,), (3, 5), (2, 3, 4, 5), (1, 1), (0, 4)])
def test_backward_drops_what_forward_dropped(shape: tuple[int, ...]) -> None:
    torch.manual_seed(3)
    rows = torch.ones(shape, requires_grad=True)
    found = drop(rows, 0.4)
    weights = torch.rand(shape) + 1
    (found * weights).sum().backward()
    assert rows.grad is not None
    torch.testing.assert_close(rows.grad, weights * found.detach())  # found is mask times scale
    assert set(found.unique().tolist()) <= {0.0, float(torch.tensor(scale_of(0.4)))}


def test_rows_that_are_a_view_lose_their_own_elements() -> None:
    turned = torch.arange(1.0, 61.0).view(6, 10).T
    torch.manual_seed(4)
    found = drop(turned, 0.5)
    torch.manual_seed(4)
    straight = drop(turned.contiguous(), 0.5)
    torch.testing.assert_close(found, straight, rtol=0, atol=0)
    torch.testing.assert_close(turned, torch.arange(1.0, 61.0).view(6, 10).T)  # what came in stays


def test_masks_follow_torchs_generator() -> None:
    ones = torch.ones(64)

    def masks() -> list[torch.Tensor]:
        return [drop(ones, 0.5) for _ in range(3)]

    torch.manual_seed(11)
    first = masks()
    torch.manual_seed(11)
    again = masks()
    state = torch.get_rng_state()
    later = masks()
    torch.set_rng_state(state)
    replayed = masks()
    torch.manual_seed(12)
    other = masks()
    assert all(torch.equal(one, two) for one, two in zip(first, again, strict=True))
    assert all(torch.equal(one, two) for one, two in zip(later, replayed, strict=True))
    drawn = [*first, *later, *other]
    assert not any(torch.equal(one, two) for i, one in enumerate(drawn) for two in drawn[:i])


def test_without_training_or_rate_the_input_is_untouched_and_nothing_is_drawn() -> None:
    rows, state = torch.randn(5, 5), torch.get_rng_state()
    assert FastDropout(0.3).eval()(rows) is rows
    assert FastDropout(0.0).train()(rows) is rows
    assert drop(rows, 0.0) is rows
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(FastDropout(0.3).train()(rows), rows)


def test_only_plain_dropout_is_quickened() -> None:
    class Own(nn.Dropout):
        """Somebody else's."""

    model = nn.Sequential(nn.Dropout(0.2), nn.Sequential(nn.Dropout(0.3), Own(0.4)), nn.Dropout1d(0.5), nn.Linear(2, 2)).eval()
    quicken_dropout(model)
    assert [type(child) for child in model.modules()][1:] == [
        FastDropout,
        nn.Sequential,
        FastDropout,
        Own,
        nn.Dropout1d,
        nn.Linear,
    ]
    assert [child.p for child in model.modules() if isinstance(child, FastDropout)] == [0.2, 0.3]
    assert not any(child.training for child in model.modules())


def test_encoders_have_it_however_they_came_about(stand_in: Callable[..., Path], small_tokenizer: SubwordTokenizer) -> None:
    options = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    encoders = [load_encoder(EncoderSettings(model=str(stand_in(kind)))) for kind in ("bert", "roformer", "modernbert")]
    for encoder in [*encoders, create_encoder("bert", options, small_tokenizer)]:
        found = [child for child in encoder.backbone.modules() if isinstance(child, nn.Dropout)]
        assert found and all(type(child) is FastDropout for child in found)


def test_another_device_gets_torchs_own() -> None:
    assert drop(torch.empty(3, device="meta"), 0.5).device.type == "meta"


def test_a_rate_that_leaves_nothing_is_torchs_own() -> None:
    rows = torch.ones(4, 5, requires_grad=True)
    for rate in (0.999999, 1.0):
        dropped = drop(rows, rate)
        assert not dropped.isnan().any() and float((dropped == 0).float().mean()) > 0.9
