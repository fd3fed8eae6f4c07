"""The Encoder: the same vector alone and in a batch, for every family and pooling."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModel

from juyi.encoder import FAMILIES, Encoder, EncoderSettings, load_encoder, random_head
from juyi.errors import ModelError, UsageError
from juyi.poolings import POOLING_NAMES

WITH_POOLER = ("bert", "nezha", "roberta", "xlm-roberta", "albert", "mpnet", "ernie")


def load(folder: Path, **settings: Any) -> Encoder:
    return load_encoder(EncoderSettings(model=str(folder), **settings))


@pytest.mark.parametrize("pooling", POOLING_NAMES)
@pytest.mark.parametrize("model_type", FAMILIES)
def test_alone_as_in_a_batch(model_type: str, pooling: str, stand_in: Callable[..., Path], sentences: list[str]) -> None:
    if pooling == "pooler" and model_type not in WITH_POOLER:
        with pytest.raises(ModelError, match="no pretrained pooler"):
            load(stand_in(model_type), pooling=pooling)
        return
    encoder = load(stand_in(model_type), pooling=pooling)
    texts = sentences[::6]
    together = encoder.encode(texts, batch_tokens=10_000)
    alone = np.concatenate([encoder.encode([text]) for text in texts])
    assert together.shape == (len(texts), 32) and together.dtype == np.float32
    if pooling != "cls" or not FAMILIES[model_type].decodes:  # whose first token has seen itself alone
        assert float(np.abs(together - together.mean(0)).mean()) > 0.01  # the sentences have different vectors at all
    np.testing.assert_allclose(together, alone, atol=1e-5)


@pytest.mark.parametrize("model_type", FAMILIES)
def test_the_layers_are_those_of_transformers(model_type: str, stand_in: Callable[..., Path], sentences: list[str]) -> None:
    folder = stand_in(model_type)
    backbone = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    for pooling, first in (("first-last-avg", 1), ("top2-avg", 2), ("embedding-last-avg", 0), ("embedding-avg", 0)):
        encoder = load(folder, pooling=pooling)
        ids, mask = encoder.tensors(encoder.tokenizer.tokenize(sentences[:1]))
        with torch.no_grad():
            output = backbone(input_ids=ids, attention_mask=mask, output_hidden_states=True)
        last = output.hidden_states[0] if pooling == "embedding-avg" else output.last_hidden_state
        expected = ((output.hidden_states[first] + last) / 2).mean(1)
        np.testing.assert_allclose(encoder.encode(sentences[:1]), expected.numpy(), atol=1e-5)


@pytest.mark.parametrize("model_type", WITH_POOLER)
def test_pooler_is_the_pretrained_dense(model_type: str, stand_in: Callable[..., Path], sentences: list[str]) -> None:
    folder = stand_in(model_type)
    backbone = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    encoder = load(folder, pooling="pooler")
    ids, mask = encoder.tensors(encoder.tokenizer.tokenize(sentences[:5]))
    with torch.no_grad():
        output = backbone(input_ids=ids, attention_mask=mask)
        dense = getattr(backbone.pooler, "dense", backbone.pooler)
        linear = dense(output.last_hidden_state[:, 0])
    np.testing.assert_allclose(encoder.encode(sentences[:5]), output.pooler_output.numpy(), atol=1e-5)
    without_tanh = load(folder, pooling="pooler", pooler_activation="linear")
    np.testing.assert_allclose(without_tanh.encode(sentences[:5]), linear.numpy(), atol=1e-5)
    assert float(linear.abs().max()) > 1.0  # so that tanh and linear could not be confused


@pytest.mark.parametrize("model_type", WITH_POOLER)
def test_a_pooler_that_is_not_in_the_checkpoint_is_refused(model_type: str, stand_in: Callable[..., Path]) -> None:
    folder = stand_in(model_type, pooler=False)
    assert load(folder, pooling="cls").pooling == "cls"
    with pytest.raises(ModelError, match=r"lacks the pretrained pooler.*random"):
        load(folder, pooling="pooler")


def test_encode_keeps_the_order_whatever_the_chunks(stand_in: Callable[..., Path], sentences: list[str]) -> None:
    encoder = load(stand_in("modernbert"))
    whole = encoder.encode(sentences, batch_tokens=100_000)
    for batch_tokens in (1, 40, 300):
        np.testing.assert_allclose(encoder.encode(sentences, batch_tokens=batch_tokens), whole, atol=1e-5)
    np.testing.assert_allclose(encoder.encode(sentences[::-1]), whole[::-1], atol=1e-5)


def test_encode_of_nothing(stand_in: Callable[..., Path]) -> None:
    assert load(stand_in("bert")).encode([]).shape == (0, 32)


def test_an_empty_sentence_is_cls_and_sep(stand_in: Callable[..., Path]) -> None:
    assert np.isfinite(load(stand_in("bert")).encode(["", " "])).all()


def test_encode_is_without_dropout_and_leaves_the_mode(stand_in: Callable[..., Path], sentences: list[str]) -> None:
    encoder = load(stand_in("bert"), hidden_dropout=0.3)
    expected = encoder.encode(sentences[:4])
    encoder.train()
    np.testing.assert_array_equal(encoder.encode(sentences[:4]), expected)
    assert encoder.training and encoder.backbone.training
    encoder.eval()
    encoder.encode(sentences[:4])
    assert not encoder.training


def test_the_mode_is_never_another_while_it_encodes(stand_in: Callable[..., Path]) -> None:
    encoder = load(stand_in("bert"), hidden_dropout=0.3).train()
    seen: list[tuple[bool, bool]] = []

    def look(module: torch.nn.Module, inputs: object) -> None:
        seen.append((module.training, encoder.training and encoder.backbone.training))

    encoder.backbone.register_forward_pre_hook(look)
    encoder.encode(["a"])
    assert seen == [(False, True)]


@pytest.mark.parametrize("pooling", ["last-avg", "first-last-avg"])
@pytest.mark.parametrize("kind", ["bert", "modernbert"])
def test_threads_encode_with_one_encoder_while_another_trains_it(
    kind: str, pooling: str, stand_in: Callable[..., Path], sentences: list[str]
) -> None:
    encoder = load(stand_in(kind), pooling=pooling, hidden_dropout=0.3, attention_dropout=0.3)
    parts = [sentences[i::8] for i in range(8)]
    alone = [encoder.encode(part) for part in parts]
    rows = encoder.tokenizer.tokenize(sentences[:12], 32)
    stop = threading.Event()
    losses: list[float] = []

    def train() -> None:
        while not stop.is_set():
            encoder.train()
            encoder.embed(rows).square().sum().backward()  # packed: another attention; no step, so that the weights stay
            losses.append(float(encoder(*encoder.tensors(rows)).detach()[:, :3].sum()))
            encoder.eval()

    trainer = threading.Thread(target=train)
    trainer.start()
    try:
        with ThreadPoolExecutor(8) as pool:
            together = []
            while len(losses) < 4 or len(together) < 3 * len(parts):
                together += pool.map(encoder.encode, parts)
    finally:
        stop.set()
        trainer.join()
    for found, wanted in zip(together, itertools.cycle(alone), strict=False):
        np.testing.assert_allclose(found, wanted, atol=1e-6)
    assert len(set(losses)) == len(losses) > 1  # dropout was on all the time


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ("天气", r"one string, and each of its characters would be a text\. Put it into a list: \[text\]"),
        (["天气", None], "None at place 1"),
        ([float("nan")], "nan at place 0"),
        (["a", "b", 3], "'3' of the type int at place 2"),
        (None, "texts is None"),
    ],
)
def test_what_is_no_list_of_texts_is_told(stand_in: Callable[..., Path], texts: Any, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        load(stand_in("bert")).encode(texts)


def test_long_text_is_cut_to_max_length(stand_in: Callable[..., Path]) -> None:
    encoder = load(stand_in("bert"), max_length=8)
    np.testing.assert_allclose(encoder.encode(["今天天气很好今天天气很好"]), encoder.encode(["今天天气很好"]), atol=1e-6)


def test_a_training_only_head_is_out_of_the_encoding(stand_in: Callable[..., Path], sentences: list[str]) -> None:
    plain = load(stand_in("bert"), pooling="cls")
    torch.manual_seed(0)
    headed = load(stand_in("bert"), pooling="cls", head="dense-tanh", head_training_only=True)
    np.testing.assert_array_equal(headed.encode(sentences[:3]), plain.encode(sentences[:3]))
    ids, mask = headed.tensors(headed.tokenizer.tokenize(sentences[:3]))
    for module in headed.backbone.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    in_training = headed.train()(ids, mask)
    assert not np.allclose(in_training.detach().numpy(), plain.encode(sentences[:3]), atol=1e-3)
    assert headed.kept_heads == [] and headed.dim == 32


def test_normalise_is_the_last_step(stand_in: Callable[..., Path], sentences: list[str]) -> None:
    plain = load(stand_in("bert"))
    unit = Encoder(plain.backbone, plain.tokenizer, pooling="last-avg", max_length=32, normalise=True)
    vectors = plain.encode(sentences[:4])
    np.testing.assert_allclose(unit.encode(sentences[:4]), vectors / np.linalg.norm(vectors, axis=1, keepdims=True), atol=1e-6)


def test_dim_follows_the_kept_heads(stand_in: Callable[..., Path], sentences: list[str]) -> None:
    from juyi.encoder import Dense

    plain = load(stand_in("bert"))
    heads = [Dense(32, 12, "linear"), random_head(12, "tanh", training_only=True)]
    encoder = Encoder(plain.backbone, plain.tokenizer, pooling="cls", heads=heads, max_length=32)
    assert encoder.dim == 12 and encoder.encode(sentences[:2]).shape == (2, 12)
    assert plain.dim == 32 and load(stand_in("distilbert")).dim == 32


def test_tokens_are_the_last_layer_at_the_chosen_positions(stand_in: Callable[..., Path], sentences: list[str]) -> None:
    encoder = load(stand_in("bert"))
    ids, mask = encoder.tensors(encoder.tokenizer.tokenize(sentences[:3]))
    positions = [np.array([1, 3]), np.array([], dtype=np.intp), np.array([2])]
    with torch.no_grad():
        last = encoder.hidden_states(ids, mask)[-1]
        chosen = encoder.tokens(ids, mask, positions)
    torch.testing.assert_close(chosen, torch.stack([last[0, 1], last[0, 3], last[2, 2]]))


def test_tensors_pad_with_the_tokenizers_padding(stand_in: Callable[..., Path]) -> None:
    ids, mask = load(stand_in("bert")).tensors([[2, 7, 3], [2, 3]])
    assert ids.tolist() == [[2, 7, 3], [2, 3, 0]] and mask.tolist() == [[1, 1, 1], [1, 1, 0]]
