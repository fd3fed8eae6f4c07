"""Dropout: what is set takes effect, in every family, each of the two alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from transformers import AutoConfig

from juyi.encoder import FAMILIES, Encoder, EncoderSettings, change_dropout, check_dropout, dropout_of, family_of, load_encoder
from juyi.encoder.families import applied_dropout, set_dropout, stated_dropout
from juyi.errors import ModelError

RATES = [(0.0, 0.0), (0.3, 0.0), (0.0, 0.2), (0.3, 0.2), (0.1, 0.1)]
BOTH = [kind for kind, family in FAMILIES.items() if family.hidden]
ATTENTION_ALONE = [kind for kind in FAMILIES if kind not in BOTH]


def load(folder: Path, hidden: float | None, attention: float | None) -> Encoder:
    return load_encoder(EncoderSettings(model=str(folder), hidden_dropout=hidden, attention_dropout=attention))


def two_passes_differ(encoder: Encoder) -> bool:
    ids, mask = encoder.tensors(encoder.tokenizer.tokenize(["今天天气很好，我们去公园散步。", "The weather is good today."]))
    encoder.train()
    with torch.no_grad():
        return not torch.equal(encoder(ids, mask), encoder(ids, mask))


@pytest.mark.parametrize(("hidden", "attention"), RATES)
@pytest.mark.parametrize("model_type", BOTH)
def test_set_is_applied(model_type: str, hidden: float, attention: float, stand_in: Callable[..., Path]) -> None:
    encoder = load(stand_in(model_type), hidden, attention)
    check_dropout(encoder)
    assert encoder.dropout == (hidden, attention)
    assert applied_dropout(encoder.backbone) == ({hidden}, {attention})
    assert two_passes_differ(encoder) == (hidden > 0 or attention > 0)


@pytest.mark.parametrize("attention", [0.0, 0.2])
@pytest.mark.parametrize("model_type", ATTENTION_ALONE)
def test_where_there_is_no_hidden_dropout_the_other_is_applied(
    model_type: str, attention: float, stand_in: Callable[..., Path]
) -> None:
    encoder = load(stand_in(model_type), 0.0, attention)
    check_dropout(encoder)
    assert encoder.dropout == (0.0, attention)
    assert applied_dropout(encoder.backbone) == (set(), {attention})
    assert two_passes_differ(encoder) == (attention > 0)
    with pytest.raises(ModelError, match=rf"type '{model_type}' has no hidden dropout, so it cannot be set to 0\.3"):
        load(stand_in(model_type), 0.3, attention)


def test_there_are_decoders_among_them() -> None:
    assert ATTENTION_ALONE == [kind for kind, family in FAMILIES.items() if family.decodes] != []


def test_a_dropout_of_null_is_none(stand_in: Callable[..., Path]) -> None:
    encoder = load(stand_in("llama", attention_dropout=None), None, None)
    assert encoder.dropout == (0.0, 0.0)
    change_dropout(encoder, hidden=None, attention=0.2)
    assert encoder.dropout == (0.0, 0.2)


@pytest.mark.parametrize("model_type", BOTH)
def test_every_place_is_found(model_type: str, stand_in: Callable[..., Path]) -> None:
    """No dropout acts that `applied_dropout` does not see: with all its places at zero two passes are equal."""
    encoder = load(stand_in(model_type), 0.3, 0.2)
    for module in encoder.backbone.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
        if isinstance(getattr(module, "attention_dropout", None), float):
            module.attention_dropout = 0.0
    assert not two_passes_differ(encoder)
    with pytest.raises(ModelError, match=r"hidden dropout is 0\.3 .* applies 0\.0"):
        check_dropout(encoder)


@pytest.mark.parametrize("model_type", BOTH)
@pytest.mark.parametrize("kind", ["hidden", "attention"])
def test_one_ignored_key_is_caught_though_the_other_has_the_same_rate(
    model_type: str, kind: str, stand_in: Callable[..., Path]
) -> None:
    encoder = load(stand_in(model_type), 0.1, 0.1)
    changed = 0
    for name, module in encoder.backbone.named_modules():
        parent = type(encoder.backbone.get_submodule(name.rpartition(".")[0])).__name__
        on_attention = parent.endswith("SelfAttention") or name.endswith(("attention_dropout", "out_drop"))
        on_attention &= not name.endswith("pos_dropout")
        if isinstance(module, nn.Dropout) and on_attention == (kind == "attention"):
            module.p, changed = 0.0, changed + 1
        if kind == "attention" and isinstance(getattr(module, "attention_dropout", None), float):
            module.attention_dropout, changed = 0.0, changed + 1
    assert changed >= 1  # ALBERT shares one layer
    with pytest.raises(ModelError, match=rf"{kind} dropout is 0\.1 .* no effect"):
        check_dropout(encoder)


@pytest.mark.parametrize("model_type", BOTH)
def test_a_rate_that_should_be_zero_and_is_not_is_caught(model_type: str, stand_in: Callable[..., Path]) -> None:
    encoder = load(stand_in(model_type), 0.3, 0.2)
    set_dropout(encoder.config, hidden=0.0, attention=None)
    with pytest.raises(ModelError, match=r"hidden dropout is 0\.0 .* applies 0\.3"):
        check_dropout(encoder)


def test_a_dropout_that_never_acts_is_caught(stand_in: Callable[..., Path]) -> None:
    encoder = load(stand_in("bert"), 0.3, 0.0)
    for module in encoder.backbone.modules():
        if isinstance(module, nn.Dropout):
            module.forward = lambda rows: rows  # type: ignore[method-assign,assignment]
    with pytest.raises(ModelError, match="two training-mode passes over one sentence are equal"):
        check_dropout(encoder)


def test_a_model_without_dropout_that_is_random_all_the_same_is_caught(stand_in: Callable[..., Path]) -> None:
    encoder = load(stand_in("bert"), 0.0, 0.0)

    def drift(module: Any, args: tuple[Any, ...]) -> None:
        module.embeddings.LayerNorm.weight.mul_(1.01)

    encoder.backbone.register_forward_pre_hook(drift)
    with pytest.raises(ModelError, match="passes over one sentence differ"):
        check_dropout(encoder)


def test_the_check_leaves_mode_and_randomness_alone(stand_in: Callable[..., Path]) -> None:
    encoder = load(stand_in("bert"), 0.3, 0.2)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    check_dropout(encoder)
    assert not encoder.training
    torch.testing.assert_close(torch.rand(3), expected)


def test_the_check_fits_a_short_model(stand_in: Callable[..., Path]) -> None:
    folder = stand_in("bert", max_position_embeddings=5)
    assert load(folder, 0.3, 0.2).max_length == 5


@pytest.mark.parametrize("model_type", FAMILIES)
def test_nothing_set_leaves_what_the_folder_says(model_type: str, stand_in: Callable[..., Path]) -> None:
    folder = stand_in(model_type)
    config = AutoConfig.from_pretrained(folder)
    assert load(folder, None, None).dropout == dropout_of(config)
    if model_type in BOTH:
        assert load(folder, 0.4, None).dropout == (0.4, dropout_of(config)[1])
    assert load(folder, None, 0.4).dropout == (dropout_of(config)[0], 0.4)


def test_two_hidden_keys_that_differ_pass(stand_in: Callable[..., Path]) -> None:
    folder = stand_in("modernbert", embedding_dropout=0.1, mlp_dropout=0.0)
    encoder = load(folder, None, 0.2)
    assert stated_dropout(encoder.config) == ({0.0, 0.1}, {0.2})
    assert encoder.dropout == (0.1, 0.2)


@pytest.mark.parametrize("rate", [-0.1, 1.0, 1.5, float("nan")])
def test_an_impossible_rate_is_refused(rate: float, stand_in: Callable[..., Path]) -> None:
    with pytest.raises(ModelError, match=r"must lie in \[0, 1\)"):
        load(stand_in("bert"), rate, None)


def test_a_configuration_without_the_key_is_refused(stand_in: Callable[..., Path]) -> None:
    config = AutoConfig.from_pretrained(stand_in("bert"))
    config.model_type = "modernbert"
    with pytest.raises(ModelError, match="no key 'embedding_dropout'"):
        set_dropout(config, hidden=0.1, attention=None)


def test_an_unknown_kind_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ModelError, match="'gpt2', which juyi does not know; it knows bert, roberta"):
        family_of("gpt2")
