"""Low-rank adapters: what is trained, what is saved, and that other tools read it."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from juyi.encoder import Encoder, EncoderSettings, LoRA, check_dropout, load_encoder, merge_lora, random_head, save_encoder, twin
from juyi.engines import open_engine
from juyi.errors import MissingExtraError, ModelError, UsageError
from juyi.hub import folder_digest
from juyi.objectives import AnyObjective, MaskedLM, SimCSEUnsupervised
from juyi.training import TrainingSettings, fit

KINDS: dict[str, dict[str, Any]] = {
    "bert": {"pooling": {"pooling_mode_cls_token": True}, "normalise": True},
    "albert": {"pooling": {"pooling_mode_mean_tokens": True}},
    "qwen3": {"tokenizer": "qwen", "pooling": {"pooling_mode": "lasttoken"}},
    "gemma3_text": {"tokenizer": "gemma", "pooling": {"pooling_mode": "mean"}},
}


def load(folder: Path, *, save: Any = "merged", targets: tuple[str, ...] = (), **settings: Any) -> Encoder:
    lora = LoRA(rank=4, alpha=8, dropout=0.1, save=save, targets=targets)
    return load_encoder(EncoderSettings(model=str(folder), lora=lora, attention_dropout=0.1, **settings))


def train(
    encoder: Encoder, sentences: list[str], folder: Path, objective: AnyObjective | None = None, **settings: Any
) -> dict[str, torch.Tensor]:
    rows = {"text": encoder.tokenizer.tokenize(sentences, encoder.max_length)}
    usual = {"batch_size": 8, "chunk_size": 4, "learning_rate": 1e-2, "steps": 6, "seed": 3}
    fit(encoder, objective or SimCSEUnsupervised(), rows, TrainingSettings(**(usual | settings)), folder=folder, device="cpu")
    return {name: tensor.clone() for name, tensor in encoder.state_dict().items()}


def moved(encoder: Encoder, sentences: list[str], folder: Path) -> np.ndarray:
    train(encoder, sentences, folder)
    return encoder.encode(sentences)


@pytest.mark.parametrize("kind", KINDS)
def test_it_starts_where_the_model_was_and_trains_the_adapters_alone(
    kind: str, build: Callable[..., Path], sentences: list[str], tmp_path: Path
) -> None:
    folder = build(kind, **KINDS[kind])
    plain, encoder = load_encoder(folder), load(folder)
    check_dropout(encoder)
    np.testing.assert_allclose(encoder.encode(sentences), plain.encode(sentences), atol=1e-6)
    trained = {name for name, each in encoder.named_parameters() if each.requires_grad}
    assert trained and all(".lora_" in name for name in trained)
    before = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    after = train(encoder, sentences, tmp_path)
    assert {name for name, tensor in after.items() if not torch.equal(tensor, before[name])} == trained
    assert float(np.abs(encoder.encode(sentences) - plain.encode(sentences)).max()) > 1e-2


@pytest.mark.parametrize("kind", KINDS)
def test_merged_is_a_plain_folder_with_the_vectors_of_the_adapters(
    kind: str, build: Callable[..., Path], sentences: list[str], tmp_path: Path
) -> None:
    folder = build(kind, **KINDS[kind])
    encoder = load(folder)
    wanted = moved(encoder, sentences, tmp_path / "run")
    saved = save_encoder(encoder, tmp_path / "model")
    assert not [*saved.rglob("adapter*")] and encoder.lora is None
    assert all(parameter.requires_grad for parameter in encoder.parameters())
    names = {name for name, _ in load_encoder(folder).named_parameters()}
    assert {name for name, _ in encoder.named_parameters()} == names
    for found in (encoder, load_encoder(saved)):
        np.testing.assert_allclose(found.encode(sentences), wanted, atol=1e-5)


@pytest.mark.parity
@pytest.mark.parametrize("kind", KINDS)
def test_adapters_alone_are_read_by_others_and_by_us(
    kind: str, build: Callable[..., Path], sentences: list[str], tmp_path: Path
) -> None:
    library = pytest.importorskip("sentence_transformers")
    folder = build(kind, **KINDS[kind])
    encoder = load(folder, save="adapters")
    wanted = moved(encoder, sentences, tmp_path / "run")
    saved = save_encoder(encoder, tmp_path / "model")
    assert {path.name for path in saved.glob("*.safetensors")} == {"adapter_model.safetensors"}
    assert json.loads((saved / "adapter_config.json").read_text())["base_model_name_or_path"] == str(folder)
    again = load_encoder(saved)
    assert again.lora is None and again.pooling == encoder.pooling and again.max_length == encoder.max_length
    np.testing.assert_allclose(again.encode(sentences), wanted, atol=1e-5)
    theirs = library.SentenceTransformer(str(saved), device="cpu").encode(sentences)
    np.testing.assert_allclose(theirs, wanted, atol=1e-5)
    plain = save_encoder(again, tmp_path / "plain")
    np.testing.assert_allclose(load_encoder(plain).encode(sentences), wanted, atol=1e-5)


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing")  # peft's own
def test_adapters_that_peft_wrote_beside_nothing_else(build: Callable[..., Path], sentences: list[str], tmp_path: Path) -> None:
    peft, library = pytest.importorskip("peft"), pytest.importorskip("sentence_transformers")
    from transformers import AutoModel

    folder = build("bert", pooling=None)
    config = peft.LoraConfig(r=4, target_modules=["query", "value"], use_rslora=True, init_lora_weights=False)
    model = peft.get_peft_model(AutoModel.from_pretrained(folder), config)
    model.save_pretrained(tmp_path / "adapters")
    found = load_encoder(tmp_path / "adapters").encode(sentences)
    assert float(np.abs(found - load_encoder(folder).encode(sentences)).max()) > 1e-2
    shutil.copy(folder / "tokenizer.json", tmp_path / "adapters")
    shutil.copy(folder / "tokenizer_config.json", tmp_path / "adapters")
    theirs = library.SentenceTransformer(str(tmp_path / "adapters"), device="cpu").encode(sentences)
    np.testing.assert_allclose(theirs, found, atol=1e-5)


def test_the_identity_of_adapters_is_that_of_their_base_too(
    build: Callable[..., Path], sentences: list[str], tmp_path: Path
) -> None:
    base = shutil.copytree(build("bert", **KINDS["bert"]), tmp_path / "base")
    saved = save_encoder(load(base, save="adapters"), tmp_path / "model")
    before, engine = folder_digest(saved), open_engine(saved)
    assert engine.encode(sentences[:2]).shape == (2, 32)
    (base / "config.json").write_text((base / "config.json").read_text() + "\n")
    assert folder_digest(saved) != before
    shutil.rmtree(base)
    with pytest.raises(ModelError, match=r"holds adapters of the model .*base, which is needed too\. There is no folder"):
        load_encoder(saved)


def test_adapters_of_another_kind_are_refused(build: Callable[..., Path], tmp_path: Path) -> None:
    saved = save_encoder(load(build("bert", **KINDS["bert"]), save="adapters"), tmp_path / "model")
    config = saved / "adapter_config.json"
    other = str(build("ernie", pooling=None, options={"num_hidden_layers": 2}))
    config.write_text(json.dumps(json.loads(config.read_text()) | {"base_model_name_or_path": other}))
    with pytest.raises(ModelError, match=r"do not fit their base .*encoder\.layer\.2"):
        load_encoder(saved)
    config.write_text("{}")
    with pytest.raises(ModelError, match="must name the model that the adapters are of"):
        load_encoder(saved)


def test_adapters_of_adapters_are_saved_merged_or_not_at_all(build: Callable[..., Path], tmp_path: Path) -> None:
    saved = save_encoder(load(build("bert", **KINDS["bert"]), save="adapters"), tmp_path / "model")
    with pytest.raises(ModelError, match="adapters of adapters"):
        load(saved, save="adapters")
    assert load(saved).lora is not None


def test_targets(build: Callable[..., Path]) -> None:
    folder = build("bert", **KINDS["bert"])
    names = {name for name, each in load(folder, targets=("query", "value")).named_parameters() if each.requires_grad}
    assert len(names) == 3 * 2 * 2 and all("query" in name or "value" in name for name in names)
    with pytest.raises(ModelError, match=r"encoder\.lora\.targets is q_proj; .*'bert' are dense, key, query, value"):
        load(folder, targets=("q_proj",))


def test_a_head_is_trained_too(build: Callable[..., Path], sentences: list[str], tmp_path: Path) -> None:
    encoder = load(build("bert", pooling={"pooling_mode": "mean"}), head="dense-tanh")
    before = encoder.heads[0].linear.weight.clone()  # type: ignore[union-attr, operator]
    train(encoder, sentences, tmp_path)
    assert not torch.equal(encoder.heads[0].linear.weight, before)  # type: ignore[union-attr, arg-type]


@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.parametrize("kind", ["bert", "qwen3"])
def test_resumed_is_bit_identical(
    kind: str, cached: bool, build: Callable[..., Path], sentences: list[str], tmp_path: Path
) -> None:
    folder = build(kind, **KINDS[kind])
    straight = train(load(folder), sentences, tmp_path / "straight", cached=cached)

    class Stop(Exception):
        pass

    def stop(done: int, *_: object) -> None:
        if done == 4:
            raise Stop

    encoder = load(folder)
    rows = {"text": encoder.tokenizer.tokenize(sentences, encoder.max_length)}
    settings = TrainingSettings(
        batch_size=8, chunk_size=4, learning_rate=1e-2, steps=6, seed=3, checkpoint_every=3, cached=cached
    )
    with pytest.raises(Stop):
        fit(encoder, SimCSEUnsupervised(), rows, settings, folder=tmp_path / "stopped", device="cpu", progress=stop)
    resumed = train(load(folder), sentences, tmp_path / "stopped", cached=cached)
    assert resumed.keys() == straight.keys() and all(torch.equal(resumed[name], straight[name]) for name in straight)


def test_other_objectives_and_a_twin(build: Callable[..., Path], sentences: list[str], tmp_path: Path) -> None:
    encoder = load(build("bert", **KINDS["bert"]))
    train(encoder, sentences, tmp_path, MaskedLM())
    copied = twin(encoder)
    merge_lora(copied)
    assert encoder.lora is not None and copied.lora is None
    np.testing.assert_allclose(copied.encode(sentences), encoder.encode(sentences), atol=1e-5)


def test_without_peft_the_extra_is_named(build: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    folder = build("bert", **KINDS["bert"])
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(MissingExtraError, match=r"Training with encoder\.lora needs the package 'peft'.*juyi\[lora\]"):
        load(folder)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"freeze_backbone": True}, "freeze_backbone trains the head alone"),
        ({"compose_words": True}, "compose_words trains the token table"),
        ({"random_weights": 1}, "Save them merged"),
    ],
)
def test_what_does_not_go_together(settings: dict[str, Any], match: str) -> None:
    with pytest.raises(UsageError, match=match):
        EncoderSettings(lora=LoRA(save="adapters"), **settings)


@pytest.mark.parametrize("settings", [{"rank": 0}, {"alpha": 0}, {"dropout": 1.0}])
def test_impossible_settings(settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"encoder\.lora"):
        LoRA(**settings)


def test_the_backbone_behind_other_heads_keeps_its_adapters(
    build: Callable[..., Path], sentences: list[str], tmp_path: Path
) -> None:
    for save in ("merged", "adapters"):
        encoder = load(build("bert", **KINDS["bert"]), save=save)
        moved(encoder, sentences, tmp_path / f"{save}-run")
        other = Encoder(encoder.backbone, encoder.tokenizer, pooling="last-avg", heads=[random_head(32, "linear")], max_length=20)
        wanted = other.eval().encode(sentences)
        saved = save_encoder(other, tmp_path / save)
        assert (saved / "adapter_config.json").is_file() == (save == "adapters")
        np.testing.assert_allclose(load_encoder(saved).encode(sentences), wanted, atol=1e-5)
