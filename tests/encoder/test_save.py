"""Saved and loaded is the same encoder; other tools read the folder with the same vectors or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from juyi.encoder import Encoder, EncoderSettings, affine_head, layout_of, load_encoder, random_head, save_encoder
from juyi.errors import UsageError
from juyi.layout import MODULES, NATIVE_BACKBONE, NATIVE_MODULES
from juyi.poolings import POOLING_NAMES
from juyi.tokenization import SubwordTokenizer, WordTokenizer

HEADS: dict[str, dict[str, Any]] = {
    "no head": {},
    "linear": {"head": "linear"},
    "tanh": {"head": "dense-tanh"},
    "training only": {"head": "dense-tanh", "head_training_only": True},
}
CASES = [
    (kind, pooling) for kind in ("bert", "modernbert") for pooling in POOLING_NAMES if (kind, pooling) != ("modernbert", "pooler")
]


def make(folder: Path, **settings: Any) -> Encoder:
    torch.manual_seed(4)
    encoder = load_encoder(EncoderSettings(model=str(folder), **settings))
    for head in encoder.heads:
        head.linear.weight.data.mul_(10.0 if settings.get("head") == "dense-tanh" else 1.0)  # type: ignore[union-attr,operator]
        head.linear.bias.data.normal_(std=0.3)  # type: ignore[union-attr,operator]
    return encoder


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize(("model_type", "pooling"), CASES)
def test_loaded_is_what_was_saved(
    model_type: str, pooling: str, head: str, stand_in: Callable[..., Path], sentences: list[str], tmp_path: Path
) -> None:
    encoder = make(stand_in(model_type), pooling=pooling, max_length=20, **HEADS[head])
    again = load_encoder(save_encoder(encoder, tmp_path / "model"))
    assert again.max_length == 20
    assert len(again.heads) == len(encoder.kept_heads) == (head in ("linear", "tanh")) + (pooling == "pooler")
    np.testing.assert_allclose(again.encode(sentences[:9]), encoder.encode(sentences[:9]), atol=1e-6)


def test_the_saved_folder_says_what_it_is(stand_in: Callable[..., Path], tmp_path: Path) -> None:
    encoder = make(stand_in("bert"), pooling="first-last-avg", max_length=20, head="linear")
    folder = save_encoder(encoder, tmp_path / "model", card="# A card\n")
    modules = json.loads((folder / MODULES).read_text())
    assert [module["type"].rpartition(".")[2] for module in modules] == [
        "Transformer",
        "WeightedLayerPooling",
        "Pooling",
        "Dense",
    ]
    assert all(module["type"].startswith("sentence_transformers.models.") for module in modules)
    assert [module["path"] for module in modules] == ["", "1_WeightedLayerPooling", "2_Pooling", "3_Dense"]
    assert (folder / "README.md").read_text() == "# A card\n"
    config = json.loads((folder / "config.json").read_text())
    assert config["output_hidden_states"] is True and config["dtype"] == "float32" and config["architectures"] == ["BertModel"]
    assert encoder.config.output_hidden_states is False  # the encoder itself is as before
    weights = load_file(folder / "1_WeightedLayerPooling" / "model.safetensors")["layer_weights"]
    assert weights.tolist() == [1.0, 0.0, 1.0]
    assert json.loads((folder / "sentence_bert_config.json").read_text()) == {"max_seq_length": 20, "do_lower_case": False}
    assert not list(tmp_path.glob(".*"))


def test_layout_of_names_the_pooler_as_cls_and_a_dense(stand_in: Callable[..., Path]) -> None:
    layout = layout_of(make(stand_in("albert"), pooling="pooler"))
    assert layout.pooling == "cls"
    assert [(dense.path, dense.activation) for dense in layout.dense] == [("2_Dense", "tanh")]


def test_a_normalised_and_projected_encoder(stand_in: Callable[..., Path], sentences: list[str], tmp_path: Path) -> None:
    plain = make(stand_in("bert"))
    rng = np.random.default_rng(0)
    heads = [affine_head(rng.normal(size=(32, 7)), rng.normal(size=7)), random_head(7, "linear")]
    encoder = Encoder(plain.backbone, plain.tokenizer, pooling="last-avg", heads=heads, max_length=20, normalise=True)
    again = load_encoder(save_encoder(encoder, tmp_path / "model"))
    assert again.dim == 7 and again.normalise
    np.testing.assert_allclose(again.encode(sentences[:5]), encoder.encode(sentences[:5]), atol=1e-6)
    dropped = load_encoder(EncoderSettings(model=str(tmp_path / "model"), head="none"))
    np.testing.assert_allclose(dropped.encode(sentences[:5]), plain.encode(sentences[:5]), atol=1e-6)


def test_half_is_stored_in_half_and_computed_in_float32(
    stand_in: Callable[..., Path], sentences: list[str], tmp_path: Path
) -> None:
    encoder = make(stand_in("bert"), head="linear")
    folder = save_encoder(encoder, tmp_path / "model", half=True)
    for path in (folder / "model.safetensors", folder / "2_Dense" / "model.safetensors"):
        assert {value.dtype for value in load_file(path).values()} == {torch.float16}
    again = load_encoder(folder)
    assert {parameter.dtype for parameter in again.parameters()} == {torch.float32}
    assert next(iter(encoder.parameters())).dtype == torch.float32
    rounded = {key: value.half().float() for key, value in encoder.state_dict().items()}
    encoder.load_state_dict(rounded)
    np.testing.assert_allclose(again.encode(sentences[:5]), encoder.encode(sentences[:5]), atol=1e-6)


def test_words_make_a_native_folder(stand_in: Callable[..., Path], sentences: list[str], tmp_path: Path) -> None:
    plain = make(stand_in("bert"), pooling="top2-avg")
    words = WordTokenizer(plain.tokenizer, ["天气很好 1000 n"])  # type: ignore[arg-type]
    encoder = Encoder(plain.backbone, words, pooling="top2-avg", heads=[random_head(32, "linear")], max_length=20)
    folder = save_encoder(encoder, tmp_path / "model")
    assert not (folder / MODULES).exists() and not (folder / "config.json").exists() and not list(folder.glob("tokenizer*"))
    assert (folder / NATIVE_MODULES).is_file() and (folder / NATIVE_BACKBONE / "config.json").is_file()
    again = load_encoder(folder)
    assert isinstance(again.tokenizer, WordTokenizer) and again.max_length == 20 and again.pooling == "top2-avg"
    np.testing.assert_allclose(again.encode(sentences[:9]), encoder.encode(sentences[:9]), atol=1e-6)


@pytest.mark.parametrize("pooling", ["first-last-avg", "top2-avg", "embedding-last-avg"])
def test_modernberts_mean_of_layers_is_hidden_from_other_tools(
    pooling: str, stand_in: Callable[..., Path], tmp_path: Path
) -> None:
    """transformers 5.0 leaves the final norm out of `hidden_states[-1]`, 5.23 does not: vectors would depend on the reader."""
    folder = save_encoder(make(stand_in("modernbert"), pooling=pooling), tmp_path / "model")
    assert (folder / NATIVE_MODULES).is_file() and not (folder / MODULES).exists() and not (folder / "config.json").exists()
    assert layout_of(make(stand_in("modernbert"))).native is False


def test_an_older_model_is_replaced_whole(stand_in: Callable[..., Path], tmp_path: Path) -> None:
    target = tmp_path / "model"
    save_encoder(make(stand_in("bert"), pooling="first-last-avg", head="linear"), target)
    save_encoder(make(stand_in("modernbert"), pooling="first-last-avg"), target)
    save_encoder(make(stand_in("modernbert"), pooling="cls"), target)
    assert sorted(path.name for path in target.iterdir() if path.is_dir()) == ["1_Pooling"]
    assert load_encoder(target).pooling == "cls"


def test_an_interrupted_save_leaves_the_old_folder(stand_in: Callable[..., Path], sentences: list[str], tmp_path: Path) -> None:
    class Interrupting(SubwordTokenizer):
        def save(self, folder: Path) -> None:
            super().save(folder)
            raise KeyboardInterrupt

    target = tmp_path / "model"
    old, new = make(stand_in("bert")), make(stand_in("roberta"))
    save_encoder(old, target)
    new.tokenizer = Interrupting(new.tokenizer.backend)
    for folder in (target, tmp_path / "new"):
        with pytest.raises(KeyboardInterrupt):
            save_encoder(new, folder)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    np.testing.assert_allclose(load_encoder(target).encode(sentences[:3]), old.encode(sentences[:3]), atol=1e-6)


def test_what_is_no_model_is_not_replaced(stand_in: Callable[..., Path], tmp_path: Path) -> None:
    encoder = make(stand_in("bert"))
    (tmp_path / "thesis").mkdir()
    save_encoder(encoder, tmp_path / "thesis")  # an empty folder is no loss
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "mum.txt").write_text("Dear mum")
    (tmp_path / "note").write_text("a note")
    for place in ("letters", "note"):
        with pytest.raises(UsageError, match="saving would replace it"):
            save_encoder(encoder, tmp_path / place)
    assert (tmp_path / "letters" / "mum.txt").read_text() == "Dear mum"


def test_saving_in_training_mode_changes_nothing(stand_in: Callable[..., Path], sentences: list[str], tmp_path: Path) -> None:
    encoder = make(stand_in("bert"), hidden_dropout=0.3).train()
    again = load_encoder(save_encoder(encoder, tmp_path / "model"))
    assert encoder.training and not again.training
    assert again.dropout == (0.3, 0.1)
    np.testing.assert_allclose(again.encode(sentences[:3]), encoder.encode(sentences[:3]), atol=1e-6)


def test_one_layer(stand_in: Callable[..., Path], sentences: list[str], tmp_path: Path) -> None:
    """Where the first layer is the last one, the mean of the two is that layer."""
    for pooling in ("first-last-avg", "top2-avg", "embedding-last-avg"):
        encoder = make(stand_in("bert", num_hidden_layers=1), pooling=pooling)
        again = load_encoder(save_encoder(encoder, tmp_path / pooling))
        np.testing.assert_allclose(again.encode(sentences[:3]), encoder.encode(sentences[:3]), atol=1e-6)
