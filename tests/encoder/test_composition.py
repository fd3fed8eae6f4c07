"""A composed token table, against the sum written out as a loop."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch

from juyi.assets import EMBEDDED
from juyi.encoder import Encoder, EncoderSettings, compose_words, create_encoder, load_encoder, merge_words, save_encoder
from juyi.errors import ModelError, UsageError
from juyi.objectives import Distillation
from juyi.tokenization import SubwordTokenizer, train_unigram
from juyi.training import TrainingSettings, fit

SHAPE = {
    "hidden_size": 8,
    "num_hidden_layers": 1,
    "intermediate_size": 8,
    "num_attention_heads": 2,
    "max_position_embeddings": 32,
    "embedding_dropout": 0.0,
    "mlp_dropout": 0.0,
}
TEXTS = ["银行卡的额度是多少", "信用卡的额度", "银行在哪里", "卡在哪里", "银行卡 card", "信用额度 credit"] * 20


@pytest.fixture(scope="module")
def tokenizer() -> SubwordTokenizer:
    return train_unigram(TEXTS, size=512, simplify=False, min_frequency=2)


def made(tokenizer: SubwordTokenizer) -> Encoder:
    return create_encoder("modernbert", SHAPE, tokenizer, max_length=16, seed=3)


def table(encoder: Encoder) -> torch.Tensor:
    return encoder.backbone.get_input_embeddings().weight


def whole(tokenizer: SubwordTokenizer, own: torch.Tensor) -> torch.Tensor:
    """The definition, a token at a time."""
    result = own.clone()
    for token, number in tokenizer.backend.get_vocab().items():
        letters = [tokenizer.token_id(letter) for letter in token if "一" <= letter <= "鿿"]
        known = [letter for letter in letters if letter is not None]
        if len(token) > 1 and known:
            result[number] += sum(own[letter] for letter in known) / len(known) ** 0.5
    return result


def test_the_vocabulary_of_this_test_has_words(tokenizer: SubwordTokenizer) -> None:
    assert tokenizer.token_id("银行") is not None and tokenizer.token_id("银") is not None


def test_fresh_words_begin_as_the_sum_of_their_parts(tokenizer: SubwordTokenizer) -> None:
    encoder = made(tokenizer)
    own = table(encoder).detach().clone()
    compose_words(encoder, fresh=True)
    torch.testing.assert_close(table(encoder), whole(tokenizer, own))
    assert not torch.equal(table(encoder)[tokenizer.token_id("银行")], own[tokenizer.token_id("银行")])


def test_learned_weights_keep_their_vectors_and_a_merged_table_is_plain(tokenizer: SubwordTokenizer) -> None:
    encoder, before = made(tokenizer), made(tokenizer)
    keys = list(encoder.state_dict())
    compose_words(encoder, fresh=False)
    torch.testing.assert_close(table(encoder), table(before))
    np.testing.assert_allclose(encoder.encode(TEXTS[:6]), before.encode(TEXTS[:6]), atol=1e-6)
    merge_words(encoder)
    assert sorted(encoder.state_dict()) == sorted(keys)
    torch.testing.assert_close(table(encoder), table(before))
    merge_words(encoder)  # a plain one is left alone


def test_a_step_on_one_word_moves_the_words_that_share_its_characters(tokenizer: SubwordTokenizer, tmp_path: Path) -> None:
    row = [tokenizer.special.cls, *tokenizer.pieces(["银行"])[0], tokenizer.special.sep]
    assert tokenizer.token_id("银行") in row
    moved = {}
    for composed in (False, True):
        encoder = made(tokenizer)
        encoder.pooling = "embedding-avg"
        if composed:
            compose_words(encoder, fresh=False)
        before = table(encoder).detach().clone()
        target = np.random.default_rng(0).standard_normal(8).astype(np.float32)
        settings = TrainingSettings(batch_size=2, steps=2, learning_rate=1e-2, precision="float32")
        rows = {"text": [row] * 4, "target": np.stack([target] * 4)}
        fit(encoder, Distillation(softmax_weight=0.0, structure_weight=0.0), rows, settings, folder=tmp_path / str(composed))
        moved[composed] = (table(encoder) - before).abs().amax(1) > 1e-6
    vocabulary = tokenizer.backend.get_vocab().items()
    other = next(number for token, number in vocabulary if len(token) > 1 and token[0] == "银" and number not in row)
    assert moved[True][other] and not moved[False][other]


def test_one_composition_a_step_and_the_gradient_of_the_whole(tokenizer: SubwordTokenizer, tmp_path: Path) -> None:
    encoder = made(tokenizer)
    compose_words(encoder, fresh=True)
    composed = encoder.backbone.get_input_embeddings().parametrizations.weight[0]
    calls: list[int] = []
    composed.register_forward_hook(lambda *_: calls.append(1))
    rows = {
        "text": tokenizer.tokenize(TEXTS[:16], 16),
        "target": np.random.default_rng(1).standard_normal((16, 8)).astype(np.float32),
    }
    fit(encoder, Distillation(), rows, TrainingSettings(batch_size=16, chunk_size=4, steps=3), folder=tmp_path)
    assert len(calls) == 3  # not one for each of the four chunks


def test_settings_compose_and_the_folder_stays_what_it_was() -> None:
    plain, composed = load_encoder("mini"), load_encoder(EncoderSettings(model="mini", compose_words=True))
    assert len(composed.state_dict()) == len(plain.state_dict())
    texts = ["我想提前还款", "how are you"]
    np.testing.assert_allclose(composed.encode(texts), plain.encode(texts), atol=1e-5)
    again = copy.deepcopy(composed)
    merge_words(again)
    np.testing.assert_allclose(again.encode(texts), plain.encode(texts), atol=1e-5)


def test_a_saved_folder_holds_a_plain_table(tmp_path: Path) -> None:
    composed = load_encoder(EncoderSettings(model="mini", compose_words=True))
    before = composed.encode(["我想提前还款"])
    save_encoder(composed, tmp_path / "model")
    np.testing.assert_allclose(load_encoder(tmp_path / "model").encode(["我想提前还款"]), before, atol=1e-6)


def test_a_frozen_table_cannot_be_composed() -> None:
    with pytest.raises(UsageError, match="Set one of them"):
        EncoderSettings(compose_words=True, freeze_backbone=True)


def test_a_vocabulary_of_characters_has_nothing_to_compose() -> None:
    with pytest.raises(ModelError, match="no token of the vocabulary is a Chinese word"):
        load_encoder(EncoderSettings(model=str(EMBEDDED["mini-base"]), compose_words=True))
