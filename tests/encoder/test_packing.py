"""Rows side by side give the vectors and the gradients of rows padded one under the other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from juyi.encoder import FAMILIES, Encoder, EncoderSettings, load_encoder
from juyi.encoder.packing import ATTENTION, pack
from juyi.poolings import POOLING_NAMES

PACKING = [kind for kind, family in FAMILIES.items() if family.packs]
POOLINGS = [name for name in POOLING_NAMES if name != "embedding-avg"]
CASES = [
    (kind, pooling)
    for kind in PACKING
    for pooling in POOLINGS
    if (pooling != "pooler" or FAMILIES[kind].pooler) and (pooling != "cls" or not FAMILIES[kind].decodes)  # sees itself alone
]

Gradients = dict[str, torch.Tensor]


def load(folder: Path, **settings: Any) -> Encoder:
    return load_encoder(EncoderSettings(model=str(folder), **settings))


def some(*lengths: int) -> list[list[int]]:
    """Rows of these lengths, [CLS] and [SEP] at the ends, no two alike."""
    numbers = np.random.default_rng(7)
    return [[2, *numbers.integers(5, 200, length - 2).tolist(), 3] for length in lengths]


UNEQUAL = some(3, 12, 2, 7, 64, 7, 5)
SHAPES = {
    "unequal": UNEQUAL,
    "equal": some(9, 9, 9),
    "one": some(11),
    "shortest": some(2),
    "sixteen": some(*range(2, 18)),
    "seventeen": some(*range(18, 1, -1)),
    "blocks, equal and not": some(*[6] * 16, *range(3, 20), 6),
}


def derived(encoder: Encoder, vectors: torch.Tensor) -> Gradients:
    """The gradient of a fixed random weighting of the vectors."""
    encoder.zero_grad(set_to_none=True)
    weights = torch.randn(vectors.shape, generator=torch.Generator().manual_seed(2))
    (vectors.float() * weights).sum().backward()
    return {name: each.grad.clone() for name, each in encoder.named_parameters() if each.grad is not None}


def distance(found: Gradients, wanted: Gradients) -> float:
    """As a share of the whole gradient."""
    errors = torch.stack([(found[name] - gradient).norm() for name, gradient in wanted.items()])
    return float(errors.norm() / torch.stack([gradient.norm() for gradient in wanted.values()]).norm())


def assert_close(found: Gradients, wanted: Gradients, tolerance: float) -> None:
    """As a share of each parameter's gradient; a key's bias, whose gradient is 0 but for rounding, as a share of the whole."""
    assert found.keys() == wanted.keys() and len(found) > 15
    length = float(torch.stack([each.norm() for each in wanted.values()]).norm())
    assert length > 1
    for name, gradient in wanted.items():
        allowed = tolerance * (float(gradient.norm()) + length / 100)
        assert float((found[name] - gradient).norm()) < allowed, name


def test_there_are_families_of_both_ways_of_counting_positions() -> None:
    assert {FAMILIES[kind].packs for kind in PACKING} == {"0", "padding + 1"}
    assert len(PACKING) < len(FAMILIES)


@pytest.mark.parametrize(("kind", "pooling"), CASES)
def test_vectors_and_gradients_are_those_of_padded_rows(kind: str, pooling: str, stand_in: Callable[..., Path]) -> None:
    encoder = load(stand_in(kind, max_position_embeddings=80), pooling=pooling)
    assert encoder.packs
    padded = encoder(*encoder.tensors(UNEQUAL))
    wanted = derived(encoder, padded)
    side_by_side = encoder.embed(UNEQUAL)
    torch.testing.assert_close(side_by_side, padded, atol=5e-6, rtol=0)
    assert float(padded.detach().std(0).mean()) > 0.1  # the rows have different vectors at all
    assert_close(derived(encoder, side_by_side), wanted, 1e-5)


@pytest.mark.parametrize("kind", ["bert", "xlm-roberta", "modernbert", "qwen3", "mistral", "gemma3_text"])
@pytest.mark.parametrize("shape", SHAPES)
def test_whatever_the_number_and_the_length_of_the_rows(kind: str, shape: str, stand_in: Callable[..., Path]) -> None:
    encoder, rows = load(stand_in(kind, max_position_embeddings=80)), SHAPES[shape]
    padded = encoder(*encoder.tensors(rows))
    wanted = derived(encoder, padded)
    side_by_side = encoder.embed(rows)
    torch.testing.assert_close(side_by_side, padded, atol=5e-6, rtol=0)
    assert_close(derived(encoder, side_by_side), wanted, 1e-5)
    blocks = pack(rows, torch.device("cpu")).blocks
    assert [block.shape[0] for block in blocks] == [min(16, len(rows) - i) for i in range(0, len(rows), 16)]
    assert sum(block.tokens for block in blocks) == sum(map(len, rows))


@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_decoder_that_looks_both_ways(bidirectional: bool, stand_in: Callable[..., Path]) -> None:
    encoder = load(stand_in("gemma3_text", max_position_embeddings=80, use_bidirectional_attention=bidirectional), pooling="cls")
    padded = encoder(*encoder.tensors(UNEQUAL))
    torch.testing.assert_close(encoder.embed(UNEQUAL), padded, atol=5e-6, rtol=0)
    assert (float(padded.detach().std(0).mean()) > 0.1) == bidirectional  # else the first token has seen nothing of the text


def test_a_row_without_a_token_is_the_zero_vector(stand_in: Callable[..., Path]) -> None:
    for pooling in ("last-avg", "last-token", "max"):
        encoder = load(stand_in("qwen3"), pooling=pooling)
        found = encoder.embed([*some(5, 9), []])
        assert not found[2].any()
        torch.testing.assert_close(found[:2], encoder.embed(some(5, 9)), atol=5e-6, rtol=0)


@pytest.mark.parametrize("kind", PACKING)
def test_no_row_sees_its_neighbours(kind: str, stand_in: Callable[..., Path]) -> None:
    encoder = load(stand_in(kind, max_position_embeddings=80))
    one = some(8)[0]
    others = some(8, 20, 3)
    with torch.no_grad():
        alone = encoder.embed([one])[0]
        for neighbours in ([others[0]], [others[1]], [others[2], others[1]]):
            torch.testing.assert_close(encoder.embed([neighbours[0], one, *neighbours[1:]])[1], alone, atol=5e-6, rtol=0)


@pytest.mark.parametrize("kind", [*PACKING, "roformer"])
def test_tokens_are_those_of_padded_rows(kind: str, stand_in: Callable[..., Path]) -> None:
    encoder = load(stand_in(kind, max_position_embeddings=80))
    positions = [np.array(each, dtype=np.intp) for each in ([1], [0, 5, 11], [], [2, 3, 4], [63], [], [4])]
    padded = encoder.tokens(*encoder.tensors(UNEQUAL), positions)
    wanted = derived(encoder, padded)
    found = encoder.embed_tokens(UNEQUAL, positions)
    assert found.shape == (9, 32)
    torch.testing.assert_close(found, padded, atol=5e-6, rtol=0)
    assert_close(derived(encoder, found), wanted, 1e-5)


@pytest.mark.parametrize("kind", [kind for kind in FAMILIES if kind not in PACKING])
def test_other_families_are_padded(kind: str, stand_in: Callable[..., Path]) -> None:
    encoder = load(stand_in(kind))
    rows = some(5, 9, 2)
    padded = encoder(*encoder.tensors(rows))
    assert not encoder.packs
    torch.testing.assert_close(encoder.embed(rows), padded, atol=0, rtol=0)


def test_a_bag_of_words_runs_no_layer(stand_in: Callable[..., Path]) -> None:
    encoder = load(stand_in("bert"), pooling="embedding-avg")
    wanted = encoder(*encoder.tensors(UNEQUAL))
    ran: list[str] = []
    for name, module in encoder.backbone.named_modules():
        if name.startswith("encoder.layer."):
            module.register_forward_pre_hook(lambda *_, name=name: ran.append(name))
    torch.testing.assert_close(encoder.embed(UNEQUAL), wanted, atol=0, rtol=0)
    assert not ran


@pytest.mark.parametrize("kind", PACKING)
def test_both_dropouts_are_on_in_training_and_off_otherwise(kind: str, stand_in: Callable[..., Path]) -> None:
    still = load(stand_in(kind, max_position_embeddings=80)).embed(UNEQUAL).detach()
    for hidden, attention in ((0.0, 0.3), (0.3, 0.0), (0.0, 0.0)):
        if hidden and not FAMILIES[kind].hidden:
            continue
        encoder = load(stand_in(kind, max_position_embeddings=80), hidden_dropout=hidden, attention_dropout=attention).train()
        with torch.no_grad():
            first, second = encoder.embed(UNEQUAL), encoder.embed(UNEQUAL)
            moved = [float((one - two).abs().amax(1).min()) for one, two in ((first, second), (first, still))]
            assert min(moved) > 1e-3 if hidden + attention else max(moved) < 5e-6
            torch.testing.assert_close(encoder.eval().embed(UNEQUAL), still, atol=5e-6, rtol=0)


def test_the_kept_attention_weighs_what_it_should_on_average(stand_in: Callable[..., Path]) -> None:
    """Over many draws the first layer's attention with dropout is that without: what stays is scaled up."""
    encoder = load(stand_in("bert", num_hidden_layers=1), hidden_dropout=0.0, attention_dropout=0.3)
    mixed: list[torch.Tensor] = []
    attention = encoder.backbone.encoder.layer[0].attention.self
    attention.register_forward_hook(lambda module, inputs, output: mixed.append(output[0].detach()))
    rows = some(6, 9)
    encoder.embed(rows)
    encoder.train()
    torch.manual_seed(0)
    for _ in range(1000):
        encoder.embed(rows)
    still, drawn = mixed[0], torch.stack(mixed[1:])
    error = drawn.std(0) / 1000**0.5
    assert float(drawn.std(0).min()) > 0
    assert float(((drawn.mean(0) - still) / error).abs().max()) < 5
    assert float(((drawn.mean(0) * 0.7 - still) / error).abs().max()) > 20


def test_the_attention_of_the_configuration_is_another_in_the_pass_alone(stand_in: Callable[..., Path]) -> None:
    encoder = load(stand_in("bert"))
    seen: list[tuple[str, str]] = []

    def look(module: torch.nn.Module, inputs: object) -> None:
        seen.append((module.config._attn_implementation, encoder.config._attn_implementation))  # type: ignore[union-attr]

    encoder.backbone.register_forward_pre_hook(look)
    encoder.embed(UNEQUAL)
    encoder(*encoder.tensors(UNEQUAL))
    assert seen == [(ATTENTION, "eager"), ("eager", "eager")]


@pytest.mark.parametrize("kind", ["bert", "distilbert", "modernbert", "qwen3", "gemma3_text"])
def test_close_in_bfloat16(kind: str, stand_in: Callable[..., Path]) -> None:
    encoder = load(stand_in(kind, max_position_embeddings=80))
    exact = encoder.embed(UNEQUAL)
    wanted = derived(encoder, exact)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded, padded = encoder.embed(UNEQUAL), encoder(*encoder.tensors(UNEQUAL))
    error, length = (rounded - exact).detach().norm(), exact.detach().norm()
    assert 1e-4 < float(error / length) < 0.02
    assert float(error) < 2 * float((padded - exact).detach().norm())  # no worse than padded rows
    side_by_side, one_under_the_other = (distance(derived(encoder, vectors), wanted) for vectors in (rounded, padded))
    assert 1e-4 < side_by_side < 1.5 * one_under_the_other < 0.2
