"""What a folder says about itself, read and written without torch."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from juyi.errors import ModelError
from juyi.layout import (
    MODULES,
    NATIVE_BACKBONE,
    NATIVE_MODULES,
    OUTPUT,
    DenseLayout,
    FolderLayout,
    Output,
    layer_weights,
    max_positions,
    read_layout,
    write_layout,
)

OLD = "sentence_transformers.models."
NEW = {
    "Transformer": "sentence_transformers.base.modules.transformer.",
    "Pooling": "sentence_transformers.sentence_transformer.modules.pooling.",
    "WeightedLayerPooling": "sentence_transformers.sentence_transformer.modules.weighted_layer_pooling.",
    "Dense": "sentence_transformers.base.modules.dense.",
    "Normalize": "sentence_transformers.base.modules.normalize.",
}


def put(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")


def folder_of(
    root: Path, *kinds: str, config: dict[str, Any] | None = None, new: bool = False, pooling: Any = None, dense: Any = None
) -> Path:
    """A folder with these modules, written by hand."""
    config = {"model_type": "bert", "num_hidden_layers": 6, "hidden_size": 8} if config is None else config
    put(root / "config.json", config)
    modules = []
    for index, kind in enumerate(kinds):
        place = "" if kind == "Transformer" else f"{index}_{kind}"
        modules.append({"idx": index, "name": str(index), "path": place, "type": (NEW[kind] if new else OLD) + kind})
        if kind == "Pooling":
            put(root / place / "config.json", pooling or {"word_embedding_dimension": 8, "pooling_mode_cls_token": True})
        if kind == "Dense":
            usual = {"in_features": 8, "out_features": 4, "bias": True, "activation_function": "torch.nn.modules.activation.Tanh"}
            put(root / place / "config.json", usual | (dense or {}))
    put(root / MODULES, modules)
    return root


def refused(folder: Path, match: str) -> None:
    with pytest.raises(ModelError, match=match):
        read_layout(folder)


@pytest.mark.parametrize("normalise", [False, True])
@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize("pooling", ["cls", "last-avg", "first-last-avg", "top2-avg", "embedding-last-avg", "max", "last-token"])
def test_read_is_what_was_written(pooling: Any, native: bool, normalise: bool, tmp_path: Path) -> None:
    layout = FolderLayout(
        pooling=pooling,
        max_length=48,
        layer_count=6,
        width=8,
        dense=(DenseLayout("7_Dense", 8, 5, "tanh"), DenseLayout("8_Dense", 5, 3, "gelu", bias=False, residual=True)),
        normalise=normalise,
        backbone=NATIVE_BACKBONE if native else "",
        native=native,
    )
    (tmp_path / layout.backbone).mkdir(exist_ok=True)
    put(tmp_path / layout.backbone / "config.json", {"model_type": "bert", "num_hidden_layers": 6, "hidden_size": 8})
    write_layout(tmp_path, layout)
    for place in tmp_path.glob("*_WeightedLayerPooling"):
        save_file({"layer_weights": np.asarray(layer_weights(layout), dtype=np.float32)}, place / "model.safetensors")
    assert read_layout(tmp_path) == layout
    assert (tmp_path / NATIVE_MODULES).is_file() == native and (tmp_path / MODULES).is_file() == (not native)


def test_the_keys_are_the_ones_that_every_tool_reads(tmp_path: Path) -> None:
    write_layout(tmp_path, FolderLayout("cls", 48, 6, 8, dense=(DenseLayout("2_Dense", 8, 5, "linear"),)))
    pooling = json.loads((tmp_path / "1_Pooling" / "config.json").read_text())
    assert pooling["pooling_mode_cls_token"] is True and pooling["pooling_mode_mean_tokens"] is False
    assert pooling["word_embedding_dimension"] == 8 and "pooling_mode_lasttoken" not in pooling
    assert json.loads((tmp_path / "sentence_bert_config.json").read_text())["max_seq_length"] == 48
    dense = json.loads((tmp_path / "2_Dense" / "config.json").read_text())
    assert dense["activation_function"] == "torch.nn.modules.linear.Identity" and dense["bias"] is True
    assert [module["idx"] for module in json.loads((tmp_path / MODULES).read_text())] == [0, 1, 2]


@pytest.mark.parametrize(
    ("pooling", "layers", "weights"),
    [
        ("first-last-avg", 4, [1.0, 0.0, 0.0, 1.0]),
        ("top2-avg", 4, [1.0, 1.0]),
        ("embedding-last-avg", 3, [1.0, 0.0, 0.0, 1.0]),
        ("first-last-avg", 2, [1.0, 1.0]),
        ("first-last-avg", 1, [1.0]),
    ],
)
def test_layer_weights(pooling: Any, layers: int, weights: list[float]) -> None:
    assert layer_weights(FolderLayout(pooling, 8, layers, 8)) == weights


def test_a_bare_folder_is_last_avg(tmp_path: Path) -> None:
    put(tmp_path / "config.json", {"model_type": "distilbert", "n_layers": 3, "dim": 12, "max_position_embeddings": 99})
    assert read_layout(tmp_path) == FolderLayout("last-avg", 99, 3, 12)


@pytest.mark.parametrize("new", [False, True])
@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "cls"),
        ({"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}, "last-avg"),
        ({"pooling_mode": "cls"}, "cls"),
        ({"pooling_mode": "mean"}, "last-avg"),
        ({"pooling_mode": ["mean"]}, "last-avg"),
        ({"pooling_mode_mean_tokens": False, "pooling_mode_lasttoken": True}, "last-token"),
        ({"pooling_mode_max_tokens": True}, "max"),
        ({"pooling_mode": "lasttoken"}, "last-token"),
        ({"pooling_mode": "max", "pooling_mode_cls_token": True}, "max"),
    ],
)
def test_poolings_in_old_and_new_keys(config: dict[str, Any], expected: str, new: bool, tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "Transformer", "Pooling", "Dense", "Normalize", new=new, pooling=config)
    layout = read_layout(folder)
    assert layout.pooling == expected and layout.normalise and not layout.native
    assert layout.dense == (DenseLayout("2_Dense", 8, 4, "tanh"),)


@pytest.mark.parametrize(
    "config",
    [
        {"pooling_mode_mean_sqrt_len_tokens": True},
        {"pooling_mode_weightedmean_tokens": True},
        {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True},
        {"pooling_mode_mean_tokens": False},
        {"pooling_mode": ["cls", "mean"]},
        {"pooling_mode": "weightedmean"},
    ],
)
def test_poolings_that_juyi_lacks(config: dict[str, Any], tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "Transformer", "Pooling", pooling=config)
    refused(folder, "is not one that juyi has; it reads cls, mean, max, lasttoken, one of them")


@pytest.mark.parametrize(
    "kind",
    ["sentence_transformers.models.LSTM", "custom_st.Transformer", "Transformer", "sentence_transformers.models.LayerNorm"],
)
def test_unknown_modules(kind: str, tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "Transformer", "Pooling")
    modules = json.loads((folder / MODULES).read_text())
    put(folder / MODULES, [{**modules[0], "type": kind}, modules[1]])
    refused(folder, f"names a module of type '{kind}', which juyi does not have; it has Transformer, ")


@pytest.mark.parametrize(
    "kinds",
    [
        (),
        ("Transformer",),
        ("Transformer", "Normalize", "Pooling"),
        ("Transformer", "Dense", "Pooling"),
        ("Transformer", "Pooling", "Normalize", "Dense"),
        ("Transformer", "Pooling", "Pooling"),
        ("Transformer", "Pooling", "WeightedLayerPooling"),
    ],
)
def test_other_orders(kinds: tuple[str, ...], tmp_path: Path) -> None:
    refused(folder_of(tmp_path, *kinds), "orders its modules .*; juyi computes Transformer")


@pytest.mark.parametrize(
    ("activation", "read"),
    [
        ("torch.nn.modules.activation.Tanh", "tanh"),
        ("torch.nn.modules.linear.Identity", "linear"),
        ("torch.nn.Identity", "linear"),
        ("torch.nn.modules.activation.GELU", "gelu"),
        ("torch.nn.modules.activation.ReLU", "relu"),
        ("torch.nn.modules.activation.SiLU", "silu"),
        ("torch.nn.modules.activation.Sigmoid", "sigmoid"),
        (None, None),
    ],
)
def test_activations(activation: str | None, read: str | None, tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "Transformer", "Pooling", "Dense", dense={"activation_function": activation})
    if read is None:
        refused(folder, "activation None is not one that juyi has")
    else:
        assert read_layout(folder).dense[0].activation == read


@pytest.mark.parametrize("name", ["torch.nn.modules.activation.Mish", "custom.Identity", "Tanh"])
def test_an_unknown_activation(name: str, tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "Transformer", "Pooling", "Dense", dense={"activation_function": name})
    refused(folder, f"the activation {name} is not one that juyi has: torch's Tanh, Identity, ")


@pytest.mark.parametrize("option", [{"module_output_name": "other"}, {"module_input_name": "token_embeddings"}])
def test_a_dense_that_does_more(option: dict[str, Any], tmp_path: Path) -> None:
    refused(folder_of(tmp_path, "Transformer", "Pooling", "Dense", dense=option), "Dense maps one sentence vector to another")


@pytest.mark.parametrize(
    ("start", "weights", "expected"),
    [
        (1, [1, 0, 0, 0, 0, 1], "first-last-avg"),
        (5, [1, 1], "top2-avg"),
        (5, [0.5, 0.5], "top2-avg"),
        (0, [1, 0, 0, 0, 0, 0, 1], "embedding-last-avg"),
        (0, [0, 0, 0, 0, 0, 1, 1], "top2-avg"),
        (5, [1, 2], None),
        (4, [1, 1, 1], None),
        (0, [1, 1, 0, 0, 0, 0, 0], None),
    ],
)
def test_layer_means(start: int, weights: list[float], expected: str | None, tmp_path: Path) -> None:
    mean = {"word_embedding_dimension": 8, "pooling_mode_mean_tokens": True}
    folder = folder_of(tmp_path, "Transformer", "WeightedLayerPooling", "Pooling", pooling=mean)
    put(folder / "1_WeightedLayerPooling" / "config.json", {"layer_start": start, "num_hidden_layers": 6})
    refused(folder, "holds no model.safetensors with the weights of the layers")
    place = folder / "1_WeightedLayerPooling" / "model.safetensors"
    place.write_bytes(b"?")
    refused(folder, "cannot be read")
    save_file({"layer_weights": np.asarray(weights, dtype=np.float32)}, place)
    if expected is None:
        refused(folder, "no pooling for the layer weights")
    else:
        assert read_layout(folder).pooling == expected


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("[", "cannot be read"),
        ("7", "damaged"),
        ('[{"idx": 0}]', "the key 'type' is missing"),
        ('["Transformer"]', "damaged"),
        ('{"0": 1}', "damaged"),
    ],
)
def test_a_damaged_list_of_modules(content: str, match: str, tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "Transformer", "Pooling")
    put(folder / MODULES, content)
    refused(folder, match)


def test_damaged_companions(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "Transformer", "Pooling", "Dense")
    put(folder / "2_Dense" / "config.json", {"activation_function": "torch.nn.Tanh"})
    refused(folder, "the key 'in_features' is missing")
    (folder / "2_Dense" / "config.json").unlink()
    refused(folder, "cannot be read.*incomplete or damaged")
    put(folder / "2_Dense" / "config.json", [])
    refused(folder, "damaged")


@pytest.mark.parametrize(
    ("files", "config", "expected"),
    [
        ({"sentence_bert_config.json": {"max_seq_length": 64}, "tokenizer_config.json": {"model_max_length": 32}}, {}, 64),
        ({"sentence_roberta_config.json": {"max_seq_length": 64}}, {}, 64),
        ({"sentence_bert_config.json": {"max_seq_length": None}, "tokenizer_config.json": {"model_max_length": 32}}, {}, 32),
        ({"tokenizer_config.json": {"model_max_length": 10**30}}, {"max_position_embeddings": 512}, 512),
        ({"tokenizer_config.json": {"model_max_length": 1024}}, {"max_position_embeddings": 512}, 512),
        ({}, {"max_position_embeddings": 514, "model_type": "roberta", "pad_token_id": 1}, 512),
        ({}, {"max_position_embeddings": 514, "model_type": "xlm-roberta", "pad_token_id": None}, 512),
        ({}, {"max_position_embeddings": 514, "model_type": "mpnet", "pad_token_id": 0}, 512),
        ({}, {}, None),
    ],
)
def test_max_length(files: dict[str, Any], config: dict[str, Any], expected: int | None, tmp_path: Path) -> None:
    put(tmp_path / "config.json", {"model_type": "bert", "num_hidden_layers": 2, "hidden_size": 8} | config)
    for name, content in files.items():
        put(tmp_path / name, content)
    assert read_layout(tmp_path).max_length == expected


def test_max_positions_of_other_families() -> None:
    assert max_positions({"model_type": "bert", "max_position_embeddings": 512, "pad_token_id": 0}) == 512
    assert max_positions({"model_type": "bert"}) is None


@pytest.mark.parametrize(
    ("content", "default"),
    [
        ({"prompts": {"query": "q: "}, "default_prompt_name": None}, ""),
        ({"prompts": {"query": "q: "}, "default_prompt_name": "query"}, "q: "),
        ({"prompts": {"p": "", "n": None}, "default_prompt_name": "p"}, ""),
        ({"prompts": {}, "default_prompt_name": "document"}, ""),  # sentence-transformers knows it everywhere
        ({"prompts": None}, ""),
        ({}, ""),
    ],
)
def test_prompts_are_read_and_written_back(content: dict[str, Any], default: str, tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "Transformer", "Pooling")
    put(folder / "config_sentence_transformers.json", content)
    layout = read_layout(folder)
    assert layout.prompts.default.text == default and layout.prompts.pooled
    assert layout.prompts.texts == {name: text or "" for name, text in (content.get("prompts") or {}).items()}
    for native in (False, True):
        again = tmp_path / f"again-{native}"
        again.mkdir()
        write_layout(again, replace(layout, native=native))
        assert read_layout(again).prompts == layout.prompts


@pytest.mark.parametrize(
    "content",
    [
        {"prompts": {"query": "q: "}, "default_prompt_name": "qurey"},
        {"prompts": {"query": 3}},
        {"prompts": ["query"]},
        {"prompts": {"query": "q: "}, "default_prompt_name": 7},
    ],
)
def test_damaged_prompts_are_refused(content: dict[str, Any], tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "Transformer", "Pooling")
    put(folder / "config_sentence_transformers.json", content)
    refused(folder, "config_sentence_transformers.json cannot be used: '(prompts|default_prompt_name)' is")


def test_without_torch(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "Transformer", "Pooling")
    code = f"import sys; from juyi.layout import read_layout; from pathlib import Path; read_layout(Path({str(folder)!r}));"
    code += "sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_is_said_about_the_vectors_is_read_and_written(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "Transformer", "Pooling")
    assert read_layout(folder).output == Output() == Output(None, "cosine")
    put(folder / OUTPUT, {"truncate_dim": 4, "similarity_fn_name": "euclidean"})
    layout = read_layout(folder)
    assert layout.output == Output(4, "euclidean")
    (tmp_path / "again").mkdir()
    put(tmp_path / "again" / "config.json", {"model_type": "bert", "num_hidden_layers": 6, "hidden_size": 8})
    write_layout(tmp_path / "again", layout)
    assert read_layout(tmp_path / "again") == layout
    put(folder / OUTPUT, {"similarity_fn_name": "maxsim"})  # sentence-transformers takes the cosine then
    assert read_layout(folder).output == Output()
    for wrong in (0, -1, 2.5, True, "8"):
        put(folder / OUTPUT, {"truncate_dim": wrong})
        refused(folder, "truncate_dim is .*; it must be a whole number from 1 on, or null")


@pytest.mark.parametrize(
    ("architecture", "pooling", "words"),
    [
        ("BertForCL", "cls", "a checkpoint of the SimCSE code"),
        ("RobertaForCL", "cls", "a checkpoint of the SimCSE code"),
        ("SimBertModel", "cls", "a SimBERT"),
        ("BertForPreTraining", "last-avg", "as sentence-transformers does"),  # a plain BERT as often as a SimBERT
        ("BertForMaskedLM", "last-avg", "as sentence-transformers does"),
    ],
)
def test_the_pooling_of_a_bare_folder_has_a_reason(architecture: str, pooling: str, words: str, tmp_path: Path) -> None:
    put(
        tmp_path / "config.json",
        {"model_type": "bert", "architectures": [architecture], "num_hidden_layers": 6, "hidden_size": 8},
    )
    layout = read_layout(tmp_path)
    assert layout.pooling == pooling and words in layout.guess and not layout.doubt
    assert layout.remarks() == [f"Pooling: {layout.guess}."] and layout.remarks(layout.pooling) == []


@pytest.mark.parametrize("name", ["1_Pooling/config.json", "sentence_bert_config.json", OUTPUT])
def test_a_folder_that_lost_its_modules_is_in_doubt(name: str, tmp_path: Path) -> None:
    put(tmp_path / "config.json", {"model_type": "bert", "num_hidden_layers": 6, "hidden_size": 8})
    put(tmp_path / name, {})
    assert f"holds {name} but no modules.json" in read_layout(tmp_path).doubt
