"""What a model folder says: the vectors of sentence-transformers on the same folder, also after a save, or a refusal."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from juyi.adaptation.backbone import Backbone
from juyi.adaptation.portfolio import Treatment
from juyi.compatibility import SimCSE
from juyi.encoder import EncoderSettings, load_encoder, save_encoder
from juyi.engines import open_engine
from juyi.engines.export import export_onnx
from juyi.errors import ModelError
from juyi.postprocessing import whiten_encoder

pytestmark = pytest.mark.parity

TEXTS = [
    "今天天气很好，我们去公园散步。",
    "The WEATHER is Good Today",
    "Café résumé",
    "iPhone 15 的价格是多少？",
    "今天的天气非常好，适合去公园走走。" * 6,
    "a b c d e f g h i j k l m n o p q r s t u v w x y z",
]
SENTENCE = "sentence_bert_config.json"


@dataclass(frozen=True)
class Case:
    """Changes to a folder: the content of JSON files, merged into what is there; None takes a file away."""

    name: str
    files: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    normalise: bool = False
    expects: dict[str, Any] = field(default_factory=dict)


def text(**settings: Any) -> dict[str, Any]:
    return {SENTENCE: {"processing_kwargs": {"text": settings}}}


BERT = {"tokenizer_class": "BertTokenizer"}
CASED = BERT | {"do_lower_case": False}
FORWARD = {"text": {"method": "forward", "method_output_name": "last_hidden_state"}}
CASES = [
    Case("as it is"),
    Case("a class and nothing else", {"tokenizer_config.json": BERT}),
    Case("cased", {"tokenizer_config.json": CASED}),
    Case("accents kept", {"tokenizer_config.json": BERT | {"do_lower_case": True, "strip_accents": False}}),
    Case("Chinese in one piece", {"tokenizer_config.json": BERT | {"tokenize_chinese_chars": False}}),
    Case("the class by the kind alone", {"tokenizer_config.json": {"tokenizer_class": None, "do_lower_case": False}}),
    Case("the class in config.json", {"tokenizer_config.json": {"tokenizer_class": None}, "config.json": BERT}),
    Case("generic class, do_lower_case without effect", {"tokenizer_config.json": {"do_lower_case": False}}),
    Case("lowered first", {"tokenizer_config.json": CASED, SENTENCE: {"do_lower_case": True}}),
    Case("cut on the left", {"tokenizer_config.json": {"truncation_side": "left"}}),
    Case("padded on the left", {"tokenizer_config.json": {"padding_side": "left"}}),
    Case("length of the tokenizer", {"tokenizer_config.json": {"model_max_length": 9}, SENTENCE: None}),
    Case("length before that of the tokenizer", {"tokenizer_config.json": {"model_max_length": 9}}, expects={"max_length": 16}),
    Case("length of the call", text(max_length=11), expects={"max_length": 11}),
    Case("length of the call, common", {SENTENCE: {"processing_kwargs": {"common": {"max_length": 7}}}}),
    Case("padding of the call", text(padding="max_length", truncation=True)),
    Case("side of the call's padding", text(padding_side="left", truncation="longest_first")),
    Case(
        "tokenizer settings of the backbone",
        {SENTENCE: {"processor_kwargs": {"truncation_side": "left", "model_max_length": 10}}},
        expects={"max_length": 10},
    ),
    Case(
        "tokenizer settings under the old name",
        {"tokenizer_config.json": BERT, SENTENCE: {"tokenizer_args": {"do_lower_case": False}}},
    ),
    Case(
        "keys of version 6",
        {
            SENTENCE: {
                "transformer_task": "feature-extraction",
                "modality_config": FORWARD,
                "module_output_name": "token_embeddings",
                "unpad_inputs": False,
            },
            "1_Pooling/config.json": {"pooling_mode": ["cls"], "embedding_dimension": 32, "include_prompt": True},
        },
    ),
    Case("first dimensions", {"config_sentence_transformers.json": {"truncate_dim": 8}}, expects={"dim": 8}),
    Case("first dimensions of unit rows", {"config_sentence_transformers.json": {"truncate_dim": 8}}, normalise=True),
    Case("more dimensions than there are", {"config_sentence_transformers.json": {"truncate_dim": 99}}, expects={"dim": 32}),
    Case("dot", {"config_sentence_transformers.json": {"similarity_fn_name": "dot"}}),
    Case("how it is computed", {SENTENCE: {"unpad_inputs": True, "model_args": {"attn_implementation": "eager"}}}),
    Case("harmless flags", {"config.json": {"is_decoder": False, "add_cross_attention": False, "auto_map": None}}),
    Case("stored as half, named so", {"config.json": {"dtype": "float32", "torch_dtype": "float16"}}),
]


@pytest.fixture
def folder(stand_in: Callable[..., Path], tmp_path: Path) -> Path:
    """A sentence-transformers folder that a case may change."""
    loaded = load_encoder(EncoderSettings(model=str(stand_in("bert")), pooling="cls", max_length=16))
    return save_encoder(loaded, tmp_path / "model")


def change(folder: Path, case: Case) -> None:
    for name, content in case.files.items():
        path = folder / name
        if content is None:
            path.unlink()
            continue
        before = json.loads(path.read_text()) if path.is_file() else {}
        path.write_text(json.dumps({key: value for key, value in (before | content).items() if value is not None}))
    if case.normalise:
        modules = json.loads((folder / "modules.json").read_text())
        modules.append({"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"})
        (folder / "2_Normalize").mkdir()
        (folder / "modules.json").write_text(json.dumps(modules))


def theirs(folder: Path) -> Any:
    library = pytest.importorskip("sentence_transformers")
    return library.SentenceTransformer(str(folder), device="cpu")


def one_by_one(model: Any) -> Any:
    return np.concatenate([model.encode([each]) for each in TEXTS])


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_said_and_done(case: Case, folder: Path, tmp_path: Path) -> None:
    change(folder, case)
    model, encoder = theirs(folder), load_encoder(folder)
    expected = one_by_one(model)
    np.testing.assert_allclose(one_by_one(encoder), expected, atol=1e-5)
    np.testing.assert_allclose(encoder.encode(TEXTS), expected, atol=1e-5)
    for name, value in case.expects.items():
        assert getattr(encoder, name) == value
    saved = save_encoder(encoder, tmp_path / "saved")
    again = theirs(saved)
    np.testing.assert_allclose(one_by_one(again), expected, atol=1e-5)
    np.testing.assert_allclose(again.encode(TEXTS), expected, atol=1e-5)
    np.testing.assert_allclose(load_encoder(saved).encode(TEXTS), expected, atol=1e-5)
    assert (again.truncate_dim, again.similarity_fn_name) == (model.truncate_dim, model.similarity_fn_name)


REFUSED = [
    Case("quantised", {"config.json": {"quantization_config": {"quant_method": "gptq"}}}, expects={"match": "quantised .*gpt"}),
    Case(
        "code of its own",
        {"config.json": {"model_type": "new", "auto_map": {"AutoModel": "modeling.NewModel"}}},
        expects={"match": r"names code of its own \(auto_map: AutoModel is modeling\.NewModel\); juyi runs no code"},
    ),
    Case("a decoder", {"config.json": {"is_decoder": True}}, expects={"match": "says is_decoder: as a decoder"}),
    Case("a second text", {"config.json": {"add_cross_attention": True}}, expects={"match": "says add_cross_attention"}),
    Case("another task", {SENTENCE: {"transformer_task": "fill-mask"}}, expects={"match": "transformer_task = 'fill-mask'"}),
    Case(
        "another output",
        {SENTENCE: {"modality_config": {"text": FORWARD["text"] | {"method_output_name": "logits"}}}},
        expects={"match": "modality_config = "},
    ),
    Case("no special tokens", text(add_special_tokens=False), expects={"match": r"processing_kwargs\.text\.add_special_tokens"}),
    Case("not cut", text(truncation=False), expects={"match": "text.truncation = False"}),
    Case("padding before one text", text(padding="max_length", padding_side="left"), expects={"match": "padding on the left"}),
    Case("another tokenizer", {SENTENCE: {"tokenizer_name_or_path": "x"}}, expects={"match": "tokenizer_name_or_path = 'x'"}),
    Case("fewer layers", {SENTENCE: {"config_args": {"num_hidden_layers": 1}}}, expects={"match": "config_kwargs"}),
    Case(
        "no dimension",
        {"config_sentence_transformers.json": {"truncate_dim": 0}},
        expects={"match": "truncate_dim is 0; it"},
    ),
    Case("less than none", {"config_sentence_transformers.json": {"truncate_dim": -8}}, expects={"match": "truncate_dim is -8"}),
    Case("Japanese words", {"tokenizer_config.json": {"tokenizer_class": "BertJapaneseTokenizer"}}, expects={"match": "MeCab"}),
]


@pytest.mark.parametrize("case", REFUSED, ids=[case.name for case in REFUSED])
def test_said_and_refused(case: Case, folder: Path) -> None:
    change(folder, case)
    with pytest.raises(ModelError, match=case.expects["match"]):
        load_encoder(folder)


@pytest.mark.parametrize("stored", ["float16", "bfloat16"])
def test_half_is_computed_in_float32(stored: str, folder: Path) -> None:
    """sentence-transformers computes in the precision that is named, so the reference is told to take float32."""
    weights = {name: value.to(getattr(torch, stored)) for name, value in load_file(folder / "model.safetensors").items()}
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    change(folder, Case(stored, {"config.json": {"dtype": None, "torch_dtype": stored}}))
    library = pytest.importorskip("sentence_transformers")
    model = library.SentenceTransformer(str(folder), device="cpu", model_kwargs={"dtype": torch.float32})
    encoder = load_encoder(folder)
    assert {parameter.dtype for parameter in encoder.parameters()} == {torch.float32}
    np.testing.assert_allclose(encoder.encode(TEXTS), one_by_one(model), atol=1e-5)


@pytest.mark.parametrize(
    ("word", "normalised", "said"), [("dot", False, 1), ("dot", True, 0), ("manhattan", True, 1), ("cosine", False, 0)]
)
def test_another_similarity_is_said_once(word: str, normalised: bool, said: int, folder: Path) -> None:
    change(folder, Case(word, {"config_sentence_transformers.json": {"similarity_fn_name": word}}, normalise=normalised))
    heard: list[str] = []
    open_engine(folder, log=heard.append)
    assert heard == [f"Similarity: the model names '{word}'; what juyi computes is the cosine."] * said


def test_truncation_goes_through_a_whitening_and_a_graph(folder: Path, tmp_path: Path) -> None:
    said = {"truncate_dim": 8, "similarity_fn_name": "dot"}
    change(folder, Case("first", {"config_sentence_transformers.json": said}, normalise=True))
    corpus = [*TEXTS, *(each[::-1] for each in TEXTS), "一", "二", "三"]
    whitened, _ = whiten_encoder(load_encoder(folder), corpus)
    assert whitened.dim == 8 < whitened.training_dim
    saved = save_encoder(whitened, tmp_path / "whitened")
    expected = one_by_one(theirs(saved))
    assert expected.shape == (len(TEXTS), 8)
    np.testing.assert_allclose(whitened.encode(TEXTS), expected, atol=1e-5)
    export_onnx(load_encoder(saved), saved)
    engine = open_engine(saved, "onnx")
    assert engine.dim == 8
    np.testing.assert_allclose(engine.encode(TEXTS), expected, atol=1e-4)
    unit = expected / np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(engine.encode(TEXTS, normalise=True), unit, atol=1e-4)
    np.testing.assert_allclose(open_engine(saved, "torch").encode(TEXTS, normalise=True), unit, atol=1e-4)


def test_training_sees_all_dimensions(folder: Path) -> None:
    change(folder, Case("first", {"config_sentence_transformers.json": {"truncate_dim": 8}}))
    encoder = load_encoder(folder)
    assert encoder.embed(encoder.tokenizer.tokenize(TEXTS, 16)).shape == (len(TEXTS), 32)


def checkpoint(source: Path, target: Path, architecture: str, prefix: str) -> torch.nn.Linear:
    """Write a checkpoint as the SimCSE code does: the backbone under its prefix, and the MLP, which is returned, beside it."""
    shutil.copytree(source, target)
    torch.manual_seed(3)
    mlp = torch.nn.Linear(32, 32)
    weights = {
        f"{prefix}.{name}": value for name, value in load_file(source / "model.safetensors").items() if "pooler" not in name
    }
    weights |= {f"mlp.dense.{name}": value.detach().clone() for name, value in mlp.named_parameters()}
    save_file(weights, target / "model.safetensors", {"format": "pt"})
    change(target, Case("", {"config.json": {"architectures": [architecture]}}))
    return mlp


@pytest.mark.parametrize(("kind", "architecture"), [("bert", "BertForCL"), ("roberta", "RobertaForCL")])
def test_a_checkpoint_of_the_simcse_code(kind: str, architecture: str, stand_in: Callable[..., Path], tmp_path: Path) -> None:
    folder = tmp_path / "checkpoint"
    mlp = checkpoint(stand_in(kind), folder, architecture, kind)
    heard: list[str] = []
    cls = load_encoder(folder, log=heard.append).encode(TEXTS)
    assert len(heard) == 1 and f"Pooling: cls, because the folder is a checkpoint of the SimCSE code ({architecture})" in heard[0]
    np.testing.assert_allclose(cls, load_encoder(EncoderSettings(str(stand_in(kind)), pooling="cls")).encode(TEXTS), atol=1e-6)
    through = load_encoder(EncoderSettings(model=str(folder), pooling="pooler"), log=heard.append)
    assert len(heard) == 1
    expected = torch.tanh(mlp(torch.from_numpy(cls))).detach().numpy()
    np.testing.assert_allclose(through.encode(TEXTS), expected, atol=1e-5)
    np.testing.assert_allclose(one_by_one(theirs(save_encoder(through, tmp_path / "saved"))), expected, atol=1e-5)
    for pooler, vectors in ((None, expected), ("cls", expected), ("cls_before_pooler", cls)):
        tool = SimCSE(folder, pooler=pooler).encode(TEXTS, return_numpy=True, normalize_to_unit=False)
        np.testing.assert_allclose(tool, vectors, atol=1e-5)
    unsupervised = folder.rename(tmp_path / "unsup-checkpoint")
    tool = SimCSE(unsupervised, log=heard.append).encode(TEXTS, return_numpy=True, normalize_to_unit=False)
    np.testing.assert_allclose(tool, cls, atol=1e-5)
    assert heard[1:] == ["Pooling: cls, the tool's `cls_before_pooler`, because the folder names none; `pooler` chooses another."]


@pytest.mark.parametrize(
    ("architecture", "pooling", "words"),
    [
        ("BertModel", "last-avg", "because the folder names none (as sentence-transformers does); --pooling cls for a SimCSE"),
        ("SimBertModel", "cls", "because the folder is a SimBERT (SimBertModel) that names none"),
        (None, "last-avg", "because the folder names none"),
    ],
)
def test_a_guess_is_said(
    architecture: str | None, pooling: Any, words: str, stand_in: Callable[..., Path], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(stand_in("bert"), tmp_path / "bare"))
    change(folder, Case("", {"config.json": {"architectures": architecture and [architecture]}}))
    heard: list[str] = []
    assert load_encoder(folder, log=heard.append).pooling == pooling
    assert len(heard) == 1 and heard[0].startswith(f"Pooling: {pooling}, {words}")
    open_engine(folder, log=heard.append)
    assert heard[1:] == heard[:1]
    open_engine(folder, pooling=pooling, log=heard.append)
    load_encoder(save_encoder(load_encoder(folder), tmp_path / "saved"), log=heard.append)
    assert len(heard) == 2  # what is named is not guessed


@pytest.mark.parametrize("gone", [(), ("sentence_bert_config.json",), ("1_Pooling/config.json", "sentence_bert_config.json")])
def test_an_incomplete_copy_is_refused(gone: tuple[str, ...], folder: Path) -> None:
    for name in ("modules.json", *gone):
        (folder / name).unlink()
    with pytest.raises(ModelError, match=r"but no modules\.json, which goes with it.*incomplete copy.*--pooling"):
        load_encoder(folder)
    assert load_encoder(EncoderSettings(model=str(folder), pooling="cls")).pooling == "cls"


def test_a_part_of_a_model_in_the_hubs_cache(
    stand_in: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As plain transformers fetches a model with cls pooling: modules.json was never asked for."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    model = tmp_path / "models--owner--name"
    snapshot = Path(shutil.copytree(stand_in("bert"), model / "snapshots" / ("a" * 40)))
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text("a" * 40)
    for given in ("owner/name", str(snapshot)):
        with pytest.raises(ModelError, match=r"no modules\.json of owner/name.*hf download owner/name.*--pooling last-avg"):
            load_encoder(given)
        for door in (open_engine, SimCSE):
            with pytest.raises(ModelError, match=r"no modules\.json of owner/name"):
                door(given)
        assert load_encoder(EncoderSettings(model=given, pooling="cls")).pooling == "cls"
        assert open_engine(given, pooling="cls").dim == 32
    place = model / ".no_exist" / snapshot.name / "modules.json"
    place.parent.mkdir(parents=True)
    place.touch()
    assert load_encoder("owner/name").pooling == "last-avg"


def test_what_adapt_measures_is_what_it_saves(folder: Path) -> None:
    change(folder, Case("first", {"config_sentence_transformers.json": {"truncate_dim": 8}}, normalise=True))
    texts = [*TEXTS, *(each[::-1] for each in TEXTS), "一", "二", "三"]
    backbone = Backbone(load_encoder(folder), texts)
    for treatment in (Treatment(), Treatment(whitening=0.0), Treatment(whitening=0.5), Treatment(whitening=1.0)):
        vectors = backbone.encode(TEXTS, treatment)
        assert vectors.shape == (len(TEXTS), 8)
        np.testing.assert_allclose(vectors, backbone.treated(treatment).encode(TEXTS), atol=1e-4)
