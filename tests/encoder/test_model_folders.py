"""The models that people bring: the vectors of sentence-transformers, or a refusal that says why."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer

from juyi.encoder import EncoderSettings, load_encoder, save_encoder
from juyi.errors import ModelError

pytestmark = pytest.mark.parity


@pytest.fixture(scope="module")
def library() -> Any:
    return pytest.importorskip("sentence_transformers")


TANH = {"activation_function": "torch.nn.modules.activation.Tanh"}
LINEAR = {"activation_function": "torch.nn.modules.linear.Identity"}
GELU = {"activation_function": "torch.nn.modules.activation.GELU"}
LEFT = {"padding_side": "left"}
MEAN = {"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True, "pooling_mode_max_tokens": False}
CLS = {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}
LAST = {"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": False, "pooling_mode_lasttoken": True}
TWO_DENSE = {"dense": ({**LINEAR, "bias": False},) * 2, "widths": (32, 64, 32)}

FOLDERS: dict[str, dict[str, Any]] = {
    "bge-small-zh": {"kind": "bert", "pooling": CLS, "normalise": True},
    "e5 (bert)": {"kind": "bert", "pooling": MEAN, "normalise": True},
    "multilingual-e5": {"kind": "xlm-roberta", "tokenizer": "xlm-roberta", "pooling": MEAN, "normalise": True},
    "bge-m3": {"kind": "xlm-roberta", "tokenizer": "xlm-roberta", "pooling": CLS, "normalise": True, "weights": "bin"},
    "paraphrase-multilingual-MiniLM": {"kind": "bert", "tokenizer": "xlm-roberta", "pooling": MEAN},
    "LaBSE": {"kind": "bert", "pooling": CLS, "dense": (TANH,), "widths": (32, 32), "normalise": True},
    "text2vec (bert)": {"kind": "bert", "pooling": MEAN},
    "text2vec (ernie)": {"kind": "ernie", "pooling": MEAN},
    "distiluse": {"kind": "distilbert", "pooling": MEAN, "dense": (TANH,), "widths": (32, 16), "weights": "bin"},
    "stella": {"kind": "bert", "pooling": MEAN, "dense": (LINEAR,), "widths": (32, 48)},
    "all-mpnet-base-v2": {"kind": "mpnet", "tokenizer": "mpnet", "pooling": MEAN, "normalise": True},
    "all-distilroberta": {"kind": "roberta", "tokenizer": "roberta", "pooling": MEAN, "normalise": True, "weights": "sharded"},
    "deberta-v3": {"kind": "deberta-v2", "tokenizer": "deberta", "pooling": MEAN, "options": {"position_biased_input": False}},
    "albert": {"kind": "albert", "pooling": MEAN},
    "electra": {"kind": "electra", "pooling": {"pooling_mode_max_tokens": True}},
    "modernbert": {"kind": "modernbert", "pooling": {"pooling_mode": "cls"}, "new": True, "normalise": True},
    "Qwen3-Embedding": {
        "kind": "qwen3",
        "tokenizer": "qwen",
        "pooling": LAST,
        "normalise": True,
        "settings": LEFT,
        "max_length": None,
    },
    "Qwen3-Embedding, cut short": {"kind": "qwen3", "tokenizer": "qwen", "pooling": LAST, "weights": "bfloat16"},
    "gte-Qwen2": {"kind": "qwen2", "tokenizer": "qwen", "pooling": {"pooling_mode": "lasttoken"}, "new": True, "normalise": True},
    "qwen2 with a window": {
        "kind": "qwen2",
        "tokenizer": "qwen",
        "pooling": LAST,
        "options": {"use_sliding_window": True, "sliding_window": 6, "max_window_layers": 1},
    },
    "llama": {"kind": "llama", "tokenizer": "llama3", "pooling": MEAN, "settings": LEFT},
    "llama, last token, sharded": {"kind": "llama", "tokenizer": "llama3", "pooling": LAST, "weights": "sharded"},
    "e5-mistral": {"kind": "mistral", "tokenizer": "mistral", "pooling": LAST, "normalise": True},
    "EmbeddingGemma": {
        "kind": "gemma3_text",
        "tokenizer": "gemma",
        "pooling": MEAN,
        "normalise": True,
        "options": {"use_bidirectional_attention": True},
        "weights": "bfloat16",
        **TWO_DENSE,
    },
    "gemma that looks back": {"kind": "gemma3_text", "tokenizer": "gemma", "pooling": LAST},
    "half precision": {"kind": "bert", "pooling": MEAN, "weights": "float16"},
    "newer names": {"kind": "bert", "pooling": {"pooling_mode": ["mean"]}, "new": True, "dense": (GELU,), "widths": (32, 20)},
    "residual": {
        "kind": "bert",
        "pooling": {"pooling_mode": "max"},
        "dense": ({**TANH, "use_residual": True}, {**GELU, "use_residual": True, "bias": False}),
        "widths": (32, 32, 12),
    },
    "bare": {"kind": "bert", "pooling": None},
    "bare decoder": {"kind": "qwen3", "tokenizer": "qwen", "pooling": None},
}


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a kind with code of its own": ({"kind": "bert", "config": {"model_type": "new"}}, "type 'new', which juyi does not know"),
    "weighted by place": ({"kind": "bert", "pooling": {"pooling_mode": "weightedmean"}}, "pooling weightedmean is not one"),
    "by the root of the length": (
        {"kind": "bert", "pooling": {"pooling_mode_mean_sqrt_len_tokens": True}},
        "pooling pooling_mode_mean_sqrt_len_tokens is not one",
    ),
    "two side by side": ({"kind": "bert", "pooling": {"pooling_mode": ["cls", "mean"]}}, "and not several side by side"),
    "another activation": (
        {"kind": "bert", "pooling": CLS, "dense": ({"activation_function": "torch.nn.Softmax"},), "widths": (32, 8)},
        "the activation torch.nn.Softmax is not one",
    ),
    "a Dense on tokens": (
        {"kind": "bert", "pooling": CLS, "dense": ({**TANH, "module_input_name": "token_embeddings"},), "widths": (32, 8)},
        "works on token_embeddings",
    ),
    "a decoder's pooler": ({"kind": "qwen3", "tokenizer": "qwen", "pooling": LAST, "as": "pooler"}, "has no pretrained pooler"),
}


@pytest.fixture(scope="module")
def texts(sentences: list[str]) -> list[str]:
    return [*sentences[:3], "", "a", "The weather is good today.", " ".join(sentences[:9]), "🙂 ümlaut", "今"]


def theirs(library: Any, folder: Path, texts: list[str]) -> np.ndarray:
    """One text at a time, in the precision that juyi computes in."""
    model = library.SentenceTransformer(str(folder), device="cpu", model_kwargs={"dtype": "float32"})
    return np.stack([model.encode(text) for text in texts])


@pytest.mark.parametrize("name", FOLDERS)
def test_the_vectors_are_theirs_and_stay_so(
    name: str, library: Any, build: Callable[..., Path], texts: list[str], tmp_path: Path
) -> None:
    folder = build(**FOLDERS[name])
    wanted = theirs(library, folder, texts)
    encoder = load_encoder(folder)
    np.testing.assert_allclose(encoder.encode(texts), wanted, atol=1e-5)
    for text, vector in zip(texts, wanted, strict=True):
        np.testing.assert_allclose(encoder.encode([text])[0], vector, atol=1e-5)
    rows = encoder.tokenizer.tokenize(texts, encoder.max_length)
    np.testing.assert_allclose(encoder.embed(rows).detach().numpy(), wanted, atol=1e-5)
    assert len(rows[6]) == min(encoder.max_length, len(encoder.tokenizer.tokenize(texts[6:7])[0])) > 20
    saved = save_encoder(encoder, tmp_path / "saved")
    np.testing.assert_allclose(theirs(library, saved, texts), wanted, atol=1e-5)
    np.testing.assert_allclose(load_encoder(saved).encode(texts), wanted, atol=1e-5)


@pytest.mark.parametrize("name", REFUSED)
def test_the_others_are_refused_with_the_reason(name: str, build: Callable[..., Path]) -> None:
    described, reason = REFUSED[name]
    folder = build(**{key: value for key, value in described.items() if key != "as"})
    with pytest.raises(ModelError, match=reason):
        load_encoder(EncoderSettings(model=str(folder), pooling=described.get("as")))


def test_a_token_that_has_no_vector_is_read_as_its_letters(
    library: Any, build: Callable[..., Path], texts: list[str], tmp_path: Path
) -> None:
    """EmbeddingGemma's tokenizer knows a token for images, the last, which the backbone lacks."""
    folder = build(**FOLDERS["EmbeddingGemma"])
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text())
    image = {"id": Tokenizer.from_file(str(path)).get_vocab_size(), "content": "<image_soft_token>", "special": True}
    usual = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    path.write_text(json.dumps(content | {"added_tokens": [*content["added_tokens"], usual | image]}))
    encoder = load_encoder(folder)
    np.testing.assert_allclose(encoder.encode(texts), theirs(library, folder, texts), atol=1e-5)
    assert np.isfinite(encoder.encode(["看 <image_soft_token> 这里"])).all()
    saved = save_encoder(encoder, tmp_path / "saved")
    np.testing.assert_allclose(theirs(library, saved, texts), encoder.encode(texts), atol=1e-5)


@pytest.mark.parametrize("pooling", [MEAN, LAST])
def test_a_text_without_a_token_is_the_zero_vector(pooling: dict[str, Any], library: Any, build: Callable[..., Path]) -> None:
    """They give the same in company, and nothing for it alone."""
    folder = build("qwen3", tokenizer="plain qwen", pooling=pooling)
    texts = ["", "怎么申请信用卡", "a"]
    wanted = library.SentenceTransformer(str(folder), device="cpu").encode(texts)
    found = load_encoder(folder).encode(texts)
    assert not found[0].any() and found[1].any()
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert not load_encoder(folder).encode(["", ""]).any()
