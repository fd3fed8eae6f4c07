"""Copies of an encoder: their own weights, and the formula by which one follows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from juyi.encoder import Encoder, EncoderSettings, compose_words, follow, load_encoder, merge_words, random_head, twin
from juyi.tokenization import train_unigram


@pytest.fixture
def encoder(stand_in: Callable[..., Path]) -> Encoder:
    bare = load_encoder(EncoderSettings(model=str(stand_in("bert")), hidden_dropout=0.3))
    head = random_head(32, "tanh", training_only=True)
    made = Encoder(bare.backbone, bare.tokenizer, pooling="cls", heads=(head,), max_length=30)
    made.backbone.register_buffer("counter", torch.zeros(3))
    return made


def test_a_twin_encodes_alike_with_weights_of_its_own(encoder: Encoder, sentences: list[str]) -> None:
    copied = twin(encoder)
    np.testing.assert_array_equal(copied.encode(sentences[:5]), encoder.encode(sentences[:5]))
    assert (copied.pooling, copied.max_length, copied.dropout) == (encoder.pooling, encoder.max_length, encoder.dropout)
    assert [head.training_only for head in copied.heads] == [True]
    assert copied.tokenizer is encoder.tokenizer
    theirs, ours = dict(copied.named_parameters()), dict(encoder.named_parameters())
    assert theirs.keys() == ours.keys()
    assert not {each.data_ptr() for each in theirs.values()} & {each.data_ptr() for each in ours.values()}
    before = encoder.encode(sentences[:5])
    with torch.no_grad():
        for each in theirs.values():
            each.add_(0.1 * torch.randn_like(each))
    np.testing.assert_array_equal(encoder.encode(sentences[:5]), before)
    assert not np.allclose(copied.encode(sentences[:5]), before, atol=1e-3)


@pytest.mark.parametrize("momentum", [0.0, 0.25, 0.995, 1.0])
def test_parameters_follow_by_the_formula_and_buffers_at_once(encoder: Encoder, momentum: float) -> None:
    copied = twin(encoder)
    with torch.no_grad():
        for each in copied.parameters():
            each.normal_()
        encoder.backbone.get_buffer("counter").fill_(7.0)
    wanted = {
        name: momentum * each.detach().double().numpy() + (1 - momentum) * encoder.get_parameter(name).detach().double().numpy()
        for name, each in copied.named_parameters()
    }
    live = {name: each.clone() for name, each in encoder.state_dict().items()}
    follow(copied, encoder, momentum)
    assert len(wanted) > 30 and "heads.0.linear.weight" in wanted
    for name, each in copied.named_parameters():
        np.testing.assert_allclose(each.detach().double().numpy(), wanted[name], atol=1e-6, err_msg=name)
    assert copied.backbone.get_buffer("counter").tolist() == [7.0] * 3
    assert all(torch.equal(each, live[name]) for name, each in encoder.state_dict().items())
    assert all(each.grad is None for each in (*copied.parameters(), *encoder.parameters()))


def test_a_twin_that_needs_no_gradient_can_follow(encoder: Encoder) -> None:
    copied = twin(encoder).requires_grad_(False)
    with torch.no_grad():
        encoder.heads[0].linear.weight.add_(1.0)
    follow(copied, encoder, 0.5)
    torch.testing.assert_close(copied.heads[0].linear.weight + 0.5, encoder.heads[0].linear.weight.detach())
    assert not any(each.requires_grad for each in copied.parameters())
    assert all(each.requires_grad for each in encoder.parameters())


def test_a_composed_token_table_lives_on_in_a_twin(stand_in: Callable[..., Path]) -> None:
    learned = ["银行卡的额度是多少", "信用卡的额度", "银行在哪里", "卡在哪里"] * 30
    words = train_unigram(learned, size=512, simplify=False, min_frequency=2)
    bare = load_encoder(EncoderSettings(model=str(stand_in("bert", vocab_size=512))))
    encoder = Encoder(bare.backbone, words, pooling="last-avg", max_length=30)
    texts = ["银行卡的额度", "卡在哪里"]
    compose_words(encoder, fresh=True)
    copied = twin(encoder)
    np.testing.assert_array_equal(copied.encode(texts), encoder.encode(texts))
    word, letter = words.token_id("银行"), words.token_id("银")
    assert word is not None and letter is not None

    def table(of: Encoder) -> nn.Parameter:
        return of.backbone.get_input_embeddings().parametrizations.weight.original

    before = encoder.encode(texts)
    with torch.no_grad():
        table(copied)[letter] += 1.0
    whole = copied.backbone.get_input_embeddings().weight[word] - encoder.backbone.get_input_embeddings().weight[word]
    torch.testing.assert_close(whole.detach(), torch.full((32,), 2**-0.5), atol=1e-5, rtol=0)  # the copy composes by itself
    np.testing.assert_array_equal(encoder.encode(texts), before)
    follow(copied, encoder, 0.75)
    torch.testing.assert_close(table(copied)[letter] - table(encoder)[letter], torch.full((32,), 0.75), atol=1e-5, rtol=0)
    follow(copied, encoder, 0.0)
    np.testing.assert_array_equal(copied.encode(texts), before)
    merge_words(encoder)  # as at the end of a run
    np.testing.assert_allclose(encoder.encode(texts), before, atol=1e-6)
