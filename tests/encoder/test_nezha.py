"""NEZHA, which transformers 5 does not have: the figures of transformers 4.40.2, the paper's formulas written out, folders."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from juyi.encoder import EncoderSettings, create_encoder, load_encoder, save_encoder
from juyi.encoder.nezha import NezhaConfig, NezhaModel, register_nezha
from juyi.encoder.nezha_layers import NezhaEmbeddings, NezhaResidual, NezhaSelfAttention, relative_positions
from juyi.errors import ModelError, UsageError
from juyi.layout import MODULES, NATIVE_MODULES
from juyi.poolings import POOLING_NAMES
from juyi.tokenization import SubwordTokenizer

SIZES = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}
LETTERS = "天气很好我们去公园散步信用卡怎么申请忘记密码了快递三还没有到股票市场今大幅下跌猫坐在垫子上睡觉"


class Reference:
    """What `make_nezha_reference.py` wrote with transformers 4.40.2."""

    def __init__(self) -> None:
        with safe_open(Path(__file__).with_name("nezha_reference.safetensors"), "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # it is no mapping
            metadata = file.metadata()
        assert metadata["transformers"] == "4.40.2"
        self.config: dict[str, Any] = json.loads(metadata["config"])
        self.weights = {name: tensor for name, tensor in tensors.items() if not name.startswith("reference.")}
        self.given = {name.removeprefix("reference."): t for name, t in tensors.items() if name not in self.weights}

    def model(self) -> NezhaModel:
        model = NezhaModel(NezhaConfig(**self.config)).eval()
        model.load_state_dict(self.weights)
        return model

    def inputs(self) -> dict[str, Tensor]:
        return {name: self.given[name] for name in ("input_ids", "attention_mask", "token_type_ids")}


@pytest.fixture(scope="module")
def reference() -> Reference:
    return Reference()


@pytest.fixture
def published(reference: Reference, tmp_path: Path) -> Callable[..., Path]:
    """`published(prefix, drop=…, old=…, **config)`: a folder as published, with what belongs to no encoder."""

    def make(prefix: str = "nezha.", *, drop: str = "nothing", old: bool = False, **config: Any) -> Path:
        folder = tmp_path / "published"
        folder.mkdir()
        weights = {prefix + name: value for name, value in reference.weights.items() if drop not in name}
        weights["cls.predictions.bias"] = torch.ones(50)
        weights["cls.seq_relationship.weight"] = torch.ones(2, 16)
        weights[f"{prefix}embeddings.position_ids"] = torch.arange(32)[None]
        for layer in range(2):  # versions before 4.31 saved it
            name = f"{prefix}encoder.layer.{layer}.attention.self.relative_positions_encoding.positions_encoding"
            weights[name] = torch.ones(32, 32, 8)
        if old:
            torch.save(weights, folder / "pytorch_model.bin")
        else:
            save_file(weights, folder / "model.safetensors", {"format": "pt"})
        (folder / "config.json").write_text(json.dumps(reference.config | config))
        tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *dict.fromkeys(LETTERS)][:50]
        (folder / "vocab.txt").write_text("".join(f"{token}\n" for token in tokens), encoding="utf-8")
        return folder

    return make


def filled(config: NezhaConfig, seed: int = 3) -> NezhaModel:
    """A model whose every part counts."""
    torch.manual_seed(seed)
    model = NezhaModel(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.3)
    return model


def test_the_hidden_states_of_transformers_4_40_2(reference: Reference) -> None:
    assert reference.given["input_ids"].shape[1] > 2 * reference.config["max_relative_position"]
    with torch.no_grad():
        output = reference.model()(**reference.inputs(), output_hidden_states=True)
    expected = reference.given["hidden_states"]  # up to 4
    assert len(output.hidden_states) == len(expected) == 3
    for ours, theirs in zip(output.hidden_states, expected, strict=True):
        torch.testing.assert_close(ours, theirs, atol=3e-6, rtol=0)
    assert output.last_hidden_state is output.hidden_states[-1]
    torch.testing.assert_close(output.pooler_output, reference.given["pooler_output"], atol=3e-6, rtol=0)


def test_the_configuration_of_transformers_4_40_2(reference: Reference, tmp_path: Path) -> None:
    stated = {key: value for key, value in reference.config.items() if key != "transformers_version"}
    chosen = {"vocab_size", *SIZES, "max_relative_position", "max_position_embeddings"}
    ours = NezhaConfig().to_dict()
    assert {key: ours[key] for key in stated if key not in chosen} == {k: v for k, v in stated.items() if k not in chosen}
    base = {"vocab_size": 21128, "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12}
    base |= {"intermediate_size": 3072, "max_relative_position": 64, "max_position_embeddings": 512, "classifier_dropout": 0.1}
    assert {key: ours[key] for key in base} == base
    config = NezhaConfig(**stated | {"use_cache": False, "max_relative_position": 9})
    config.save_pretrained(tmp_path)
    again = NezhaConfig.from_pretrained(tmp_path)
    assert again.to_dict() == config.to_dict() and again.use_cache is False and again.max_relative_position == 9


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("prefix", ["nezha.", "bert.", ""])
def test_a_published_folder(prefix: str, old: bool, published: Callable[..., Path], reference: Reference) -> None:
    folder = published(prefix, old=old)
    texts = ["今天很好", "我们去公园散步信用卡怎么申请忘记密码了"]
    encoder = load_encoder(EncoderSettings(model=str(folder), pooling="cls"))
    assert encoder.max_length == 32
    ids, mask = encoder.tensors(encoder.tokenizer.tokenize(texts))
    with torch.no_grad():
        expected = reference.model()(ids, mask)
    np.testing.assert_allclose(encoder.encode(texts), expected.last_hidden_state[:, 0].numpy(), atol=2e-6)
    pooled = load_encoder(EncoderSettings(model=str(folder), pooling="pooler")).encode(texts)
    np.testing.assert_allclose(pooled, expected.pooler_output.numpy(), atol=2e-6)
    linear = load_encoder(EncoderSettings(model=str(folder), pooling="pooler", pooler_activation="linear")).encode(texts)
    np.testing.assert_allclose(np.tanh(linear), pooled, atol=2e-6)


def test_missing_weights_are_named_and_never_random(published: Callable[..., Path]) -> None:
    folder = published(drop="pooler")
    load_encoder(folder)
    with pytest.raises(ModelError, match=r"lacks the pretrained pooler: .*pooler\.dense.* Choose another pooling"):
        load_encoder(EncoderSettings(model=str(folder), pooling="pooler"))


def test_a_missing_layer(published: Callable[..., Path]) -> None:
    with pytest.raises(ModelError, match=r"lacks weights: .*layer\.1\."):
        load_encoder(published("bert.", drop="layer.1.output"))


def test_the_sines_written_out() -> None:
    """Even places hold sines and odd ones cosines, of the clipped distance counted from zero."""
    length, width, limit = 11, 6, 4
    expected = np.empty((length, length, width))
    for query in range(length):
        for key in range(length):
            count = max(-limit, min(limit, key - query)) + limit
            for k in range(width // 2):
                expected[query, key, 2 * k] = np.sin(count / 10000 ** (2 * k / width))
                expected[query, key, 2 * k + 1] = np.cos(count / 10000 ** (2 * k / width))
    np.testing.assert_allclose(relative_positions(length, width, limit).numpy(), expected, atol=1e-6)


def attention_loop(attention: NezhaSelfAttention, hidden: NDArray[np.float64], relative: Any, padding: Any) -> Any:
    """Equations 3 to 5 of the paper, one query and one key at a time."""
    weights = {name: value.detach().numpy() for name, value in attention.named_parameters()}
    query, key, value = (hidden @ weights[f"{n}.weight"].T + weights[f"{n}.bias"] for n in ("query", "key", "value"))
    rows, length, wide = hidden.shape
    width = wide // attention.heads
    result = np.zeros_like(hidden)
    for row in range(rows):
        for head in range(attention.heads):
            part = slice(head * width, (head + 1) * width)
            for i in range(length):
                keys = [j for j in range(length) if not padding[row, j]]
                e = np.array([query[row, i, part] @ (key[row, j, part] + relative[i, j]) / np.sqrt(width) for j in keys])
                a = np.exp(e - e.max()) / np.exp(e - e.max()).sum()
                result[row, i, part] = sum(
                    share * (value[row, j, part] + relative[i, j]) for share, j in zip(a, keys, strict=True)
                )
    return result


@pytest.mark.parametrize(("length", "limit", "heads"), [(1, 1, 1), (4, 6, 2), (9, 3, 2), (12, 1, 4)])
def test_attention_written_out(length: int, limit: int, heads: int) -> None:
    torch.manual_seed(length)
    config = NezhaConfig(hidden_size=8 * heads, num_attention_heads=heads, max_relative_position=limit)
    attention = NezhaSelfAttention(config).double().eval()
    hidden, relative = torch.randn(3, length, 8 * heads).double(), relative_positions(length, 8, limit).double()
    padding = torch.arange(length) >= torch.tensor([[length], [max(1, length // 2)], [1]])
    with torch.no_grad():
        ours = attention(hidden, relative, padding[:, None, None, :])
        bare = attention(hidden, relative, None)
    np.testing.assert_allclose(ours.numpy(), attention_loop(attention, hidden.numpy(), relative.numpy(), padding), atol=1e-12)
    whole = attention_loop(attention, hidden.numpy(), relative.numpy(), np.zeros((3, length), bool))
    np.testing.assert_allclose(bare.numpy(), whole, atol=1e-12)


def test_no_tensor_holds_a_vector_for_every_row_head_query_and_key() -> None:
    largest = 0

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            nonlocal largest
            result = function(*args, **(kwargs or {}))
            largest = max(largest, result.numel() if isinstance(result, Tensor) else 0)
            return result

    model = filled(NezhaConfig(**SIZES, vocab_size=30))
    with torch.no_grad(), Watch():
        model(torch.randint(30, (5, 40)), torch.ones(5, 40))
    assert 5 * 2 * 40 * 40 <= largest < 5 * 2 * 40 * 40 * 8


def test_only_distances_count_and_padding_nothing() -> None:
    """There are no absolute positions: padding on either side, and none at all, give the tokens the same vectors."""
    model = filled(NezhaConfig(**SIZES, vocab_size=30, max_relative_position=3))
    ids = torch.randint(1, 30, (2, 9))
    nothing, mask = torch.zeros(2, 4, dtype=torch.long), torch.ones(2, 9, dtype=torch.long)
    with torch.no_grad():
        alone = model(ids).last_hidden_state
        left = model(torch.cat([nothing, ids], 1), torch.cat([nothing, mask], 1)).last_hidden_state[:, 4:]
        right = model(torch.cat([ids, nothing], 1), torch.cat([mask, nothing], 1).bool()).last_hidden_state[:, :9]
        turned = model(ids.flip(1)).last_hidden_state.flip(1)
    torch.testing.assert_close(left, alone, atol=1e-5, rtol=0)
    torch.testing.assert_close(right, alone, atol=1e-5, rtol=0)
    assert (turned - alone).abs().max() > 0.1  # before and after are told apart


def test_no_token_at_all_is_no_nan() -> None:
    output = filled(NezhaConfig(**SIZES, vocab_size=30))(torch.zeros(1, 4, dtype=torch.long), torch.zeros(1, 4))
    assert torch.isfinite(output.last_hidden_state).all()


def test_gradients_reach_every_weight() -> None:
    model = filled(NezhaConfig(**SIZES, vocab_size=12, max_relative_position=3)).double()
    ids = torch.arange(1, 11).view(2, 5)
    output = model(ids, token_type_ids=ids % 2)
    (output.last_hidden_state.pow(3).sum() + output.pooler_output.sum()).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        if not name.endswith("key.bias"):  # it moves all scores of a query alike, so that the softmax forgets it
            assert parameter.grad.abs().max() > 1e-6, name


def test_the_gradient_is_that_of_the_differences() -> None:
    torch.manual_seed(2)
    attention = NezhaSelfAttention(NezhaConfig(hidden_size=8, num_attention_heads=2, attention_probs_dropout_prob=0.0)).double()
    relative, padding = relative_positions(5, 4, 2).double(), (torch.arange(5) > 3)[None, None, None, :]
    assert torch.autograd.gradcheck(
        lambda hidden: attention(hidden, relative, padding), torch.randn(2, 5, 8).double().requires_grad_()
    )


def test_attention_dropout_drops_values_and_distances() -> None:
    attention = NezhaSelfAttention(NezhaConfig(hidden_size=8, num_attention_heads=2)).train()
    attention.dropout.p = 1.0
    assert not attention(torch.randn(2, 5, 8), relative_positions(5, 4, 2), None).any()


def test_hidden_dropout_drops_what_is_added_and_not_what_came_before() -> None:
    torch.manual_seed(1)
    config, vectors, before = (
        NezhaConfig(**SIZES, vocab_size=30, hidden_dropout_prob=1.0),
        torch.randn(2, 5, 24),
        torch.randn(2, 5, 16),
    )
    residual = NezhaResidual(24, config).train()
    torch.testing.assert_close(residual(vectors, before), nn.functional.layer_norm(before, (16,), eps=1e-12))
    assert not NezhaEmbeddings(config).train()(torch.ones(2, 5, dtype=torch.long)).any()


@pytest.mark.parametrize("pooling", POOLING_NAMES)
def test_every_pooling_is_saved_and_loaded(
    pooling: str, stand_in: Callable[..., Path], sentences: list[str], tmp_path: Path
) -> None:
    encoder = load_encoder(EncoderSettings(model=str(stand_in("nezha")), pooling=pooling, max_length=20))  # type: ignore[arg-type]
    folder = save_encoder(encoder, tmp_path / "model")
    again = load_encoder(folder)
    assert again.config.max_relative_position == 5 and again.max_length == 20
    np.testing.assert_allclose(again.encode(sentences), encoder.encode(sentences), atol=1e-6)
    assert np.std(encoder.encode(sentences), axis=0).mean() > 0.05


def test_other_tools_refuse_the_folder(stand_in: Callable[..., Path], tmp_path: Path) -> None:
    """They do not know the kind, so it is juyi's own folder, and not one that looks like theirs."""
    folder = save_encoder(load_encoder(stand_in("nezha")), tmp_path / "model")
    assert (folder / NATIVE_MODULES).is_file() and not (folder / MODULES).exists() and not (folder / "config.json").exists()
    library = pytest.importorskip("sentence_transformers")
    with pytest.raises((OSError, ValueError)):
        library.SentenceTransformer(str(folder), device="cpu")


def test_half_is_stored_and_loaded(stand_in: Callable[..., Path], sentences: list[str], tmp_path: Path) -> None:
    encoder = load_encoder(stand_in("nezha"))
    again = load_encoder(save_encoder(encoder, tmp_path / "model", half=True))
    assert again.backbone.dtype == torch.float32
    np.testing.assert_allclose(again.encode(sentences[:9]), encoder.encode(sentences[:9]), atol=0.05)


def test_fresh_weights(small_tokenizer: SubwordTokenizer) -> None:
    options = SIZES | {"hidden_size": 64, "initializer_range": 0.05}
    backbone: Any = create_encoder("nezha", options, small_tokenizer, max_length=24).backbone
    assert backbone.pooler is None and backbone.get_input_embeddings() is backbone.embeddings.word_embeddings
    for name, parameter in backbone.state_dict().items():
        if parameter.ndim > 1 and "token_type" not in name:
            assert abs(float(parameter.std()) - 0.05) < 0.005, name
        elif parameter.ndim == 1:
            assert (parameter == float(name.endswith("LayerNorm.weight"))).all(), name


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"num_attention_heads": 3}, "hidden_size is 16 and num_attention_heads 3: a head .* must have an even whole width"),
        ({"num_attention_heads": 16}, "an even whole width"),
        ({"num_attention_heads": 0}, "an even whole width"),
        ({"max_relative_position": 0}, "max_relative_position is 0; it must be 1 or more"),
    ],
)
def test_sizes_that_do_not_fit(
    wrong: dict[str, int], match: str, small_tokenizer: SubwordTokenizer, published: Callable[..., Path]
) -> None:
    with pytest.raises(ModelError, match=match):
        create_encoder("nezha", SIZES | wrong, small_tokenizer)
    with pytest.raises(ModelError, match=match):
        load_encoder(published(**wrong))


def test_an_unknown_setting(small_tokenizer: SubwordTokenizer) -> None:
    with pytest.raises(UsageError, match="no setting max_relative_positions"):
        create_encoder("nezha", SIZES | {"max_relative_positions": 8}, small_tokenizer)


LOAD = "from juyi.encoder import load_encoder; print(load_encoder({folder!r}).config.model_type)"
CREATE = """
from pathlib import Path
from juyi.encoder import create_encoder
from juyi.tokenization import SubwordTokenizer
print(create_encoder("nezha", {sizes!r}, SubwordTokenizer.load(Path({folder!r}))).config.model_type)
"""


@pytest.mark.parametrize("code", [LOAD, CREATE])
def test_a_new_process_knows_the_kind_without_being_told(code: str, stand_in: Callable[..., Path]) -> None:
    code = code.format(folder=str(stand_in("nezha")), sizes=SIZES)
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "nezha", done.stderr


def test_transformers_knows_the_kind_once_told() -> None:
    from transformers import AutoConfig, AutoModel

    register_nezha()
    register_nezha()
    config = AutoConfig.for_model("nezha", **SIZES)
    assert type(config) is NezhaConfig
    assert type(AutoModel.from_config(config)) is NezhaModel
