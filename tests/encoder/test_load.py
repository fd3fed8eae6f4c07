"""What `load_encoder` refuses, and what the settings change."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from juyi.encoder import EncoderSettings, load_encoder, save_encoder
from juyi.errors import ModelError


@pytest.fixture
def copied(stand_in: Callable[..., Path], tmp_path: Path) -> Path:
    """A stand-in that a test may damage."""
    return shutil.copytree(stand_in("bert"), tmp_path / "model")


@pytest.fixture
def saved(stand_in: Callable[..., Path], tmp_path: Path) -> Path:
    """A folder with a kept head that a test may damage."""
    torch.manual_seed(1)
    encoder = load_encoder(EncoderSettings(model=str(stand_in("bert")), pooling="cls", head="dense-tanh"))
    return save_encoder(encoder, tmp_path / "saved")


def refused(folder: Path, match: str, **settings: Any) -> None:
    with pytest.raises(ModelError, match=match):
        load_encoder(EncoderSettings(model=str(folder), **settings))


def edit(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_path_and_a_string_are_the_same(stand_in: Callable[..., Path], sentences: list[str]) -> None:
    folder = stand_in("bert")
    np.testing.assert_array_equal(load_encoder(folder).encode(sentences[:2]), load_encoder(str(folder)).encode(sentences[:2]))


def test_no_config(copied: Path) -> None:
    (copied / "config.json").unlink()
    refused(copied, r"holds no config\.json, so it is no model folder")


def test_a_damaged_config(copied: Path) -> None:
    (copied / "config.json").write_text('{"model_type": "bert",')
    refused(copied, r"config\.json cannot be read")
    (copied / "config.json").write_text("{}")
    refused(copied, "does not say its model_type")
    (copied / "config.json").write_text('{"model_type": "bert", "hidden_size": "wide"}')
    refused(copied, r"config\.json|damaged")


def test_an_unknown_kind(copied: Path) -> None:
    edit(copied / "config.json", model_type="gpt2")
    refused(copied, "'gpt2', which juyi does not know; it knows bert")


def test_no_weights(copied: Path) -> None:
    (copied / "model.safetensors").unlink()
    refused(copied, "weights in .* cannot be loaded")


def test_damaged_weights(copied: Path) -> None:
    (copied / "model.safetensors").write_bytes(b"not a tensor")
    refused(copied, "weights in .* cannot be loaded")


def test_missing_weights_are_never_random(copied: Path) -> None:
    weights = load_file(copied / "model.safetensors")
    gone = [key for key in weights if "layer.1." in key]
    save_file({key: value for key, value in weights.items() if key not in gone}, copied / "model.safetensors", {"format": "pt"})
    refused(copied, r"lacks weights: encoder\.layer\.1\..* …\. They would be random")


def test_weights_of_another_shape(copied: Path) -> None:
    edit(copied / "config.json", intermediate_size=50)
    refused(copied, "weights in .* cannot be loaded")


def test_no_tokenizer(copied: Path) -> None:
    (copied / "tokenizer.json").unlink()
    refused(copied, r"neither tokenizer\.json nor vocab\.txt")


def test_a_tokenizer_that_is_too_large(copied: Path) -> None:
    content = json.loads((copied / "tokenizer.json").read_text())
    content["model"]["vocab"] |= {f"extra{i}": len(content["model"]["vocab"]) + i for i in range(3)}
    (copied / "tokenizer.json").write_text(json.dumps(content))
    refused(copied, r"tokenizer has \d+ tokens, the backbone only \d+: they do not belong together")


@pytest.mark.parametrize(("model_type", "longest"), [("bert", 64), ("roberta", 63), ("modernbert", 64)])
def test_max_length(model_type: str, longest: int, stand_in: Callable[..., Path]) -> None:
    folder = stand_in(model_type)
    assert load_encoder(folder).max_length == longest
    encoder = load_encoder(EncoderSettings(model=str(folder), max_length=longest))
    assert np.isfinite(encoder.encode(["天气" * 100])).all()
    for wrong in (longest + 1, 2, 0, -5):
        refused(folder, f"max_length is {wrong}; this backbone takes 3 to {longest} tokens", max_length=wrong)


def test_pooler_of_a_folder_with_a_head_of_its_own(stand_in: Callable[..., Path], tmp_path: Path) -> None:
    folder = shutil.copytree(stand_in("bert"), tmp_path / "model")
    head = save_encoder(load_encoder(EncoderSettings(model=str(folder), pooling="cls", head="linear")), tmp_path / "headed")
    for name in ("modules.json", "1_Pooling", "2_Dense"):
        source = head / name
        shutil.copytree(source, folder / name) if source.is_dir() else shutil.copy(source, folder / name)
    refused(folder, "made for the pooling 'cls'; behind the pooling 'pooler'.*head = 'none'", pooling="pooler")
    assert len(load_encoder(EncoderSettings(model=str(folder), pooling="pooler", head="none")).heads) == 1


def test_the_saved_head_can_be_dropped_or_replaced(saved: Path, stand_in: Callable[..., Path], sentences: list[str]) -> None:
    plain = load_encoder(EncoderSettings(model=str(stand_in("bert")), pooling="cls")).encode(sentences[:4])
    kept = load_encoder(saved)
    assert [head.activation for head in kept.heads] == ["tanh"]
    dropped = load_encoder(EncoderSettings(model=str(saved), head="none"))
    np.testing.assert_allclose(dropped.encode(sentences[:4]), plain, atol=1e-6)
    replaced = load_encoder(EncoderSettings(model=str(saved), head="linear"))
    assert [head.activation for head in replaced.heads] == ["linear"]
    turned = replaced.encode(sentences[:4])
    np.testing.assert_allclose(turned @ turned.T, plain @ plain.T, atol=1e-3)  # an orthogonal map keeps inner products


def test_a_head_without_weights(saved: Path) -> None:
    (saved / "2_Dense" / "model.safetensors").unlink()
    refused(saved, "holds no weights: there is neither model.safetensors nor pytorch_model.bin")
    (saved / "2_Dense" / "model.safetensors").write_bytes(b"nothing")
    refused(saved, "weights in .*2_Dense cannot be loaded")


def test_a_head_in_the_older_form(saved: Path, sentences: list[str]) -> None:
    expected = load_encoder(saved).encode(sentences[:3])
    path = saved / "2_Dense" / "model.safetensors"
    torch.save(load_file(path), saved / "2_Dense" / "pytorch_model.bin")
    path.unlink()
    np.testing.assert_allclose(load_encoder(saved).encode(sentences[:3]), expected, atol=1e-6)


def test_a_head_without_bias(saved: Path, sentences: list[str]) -> None:
    expected = load_encoder(saved)
    path = saved / "2_Dense" / "model.safetensors"
    weights = load_file(path)
    save_file({"linear.weight": weights["linear.weight"]}, path)
    refused(saved, "weights in .*2_Dense cannot be loaded")
    assert not weights["linear.bias"].any()
    edit(saved / "2_Dense" / "config.json", bias=False)
    torch.testing.assert_close(load_encoder(saved).heads[0].linear.weight, expected.heads[0].linear.weight)  # type: ignore[union-attr]
    np.testing.assert_allclose(load_encoder(saved).encode(sentences[:3]), expected.encode(sentences[:3]), atol=1e-6)


def test_a_head_of_another_shape(saved: Path) -> None:
    edit(saved / "2_Dense" / "config.json", out_features=16)
    refused(saved, "weights in .*2_Dense cannot be loaded")


def test_freezing_leaves_the_head_and_the_dropout(stand_in: Callable[..., Path]) -> None:
    encoder = load_encoder(EncoderSettings(model=str(stand_in("bert")), head="linear", freeze_backbone=True, hidden_dropout=0.2))
    trained = {name for name, parameter in encoder.named_parameters() if parameter.requires_grad}
    assert trained == {"heads.0.linear.weight", "heads.0.linear.bias"}
    assert encoder.dropout[0] == 0.2


@pytest.mark.parametrize("pooling", ["last-avg", "first-last-avg", "top2-avg", "embedding-avg"])
def test_a_head_is_not_put_behind_another_pooling_than_its_own(saved: Path, pooling: str, sentences: list[str]) -> None:
    refused(saved, f"made for the pooling 'cls'; behind the pooling '{pooling}'.*head = 'none'", pooling=pooling)
    for head in ("none", "linear"):
        encoder = load_encoder(EncoderSettings(model=str(saved), pooling=pooling, head=head))  # type: ignore[arg-type]
        assert encoder.pooling == pooling and len(encoder.heads) == (head == "linear")
    own = load_encoder(EncoderSettings(model=str(saved), pooling="cls"))
    np.testing.assert_array_equal(own.encode(sentences[:2]), load_encoder(saved).encode(sentences[:2]))


def test_a_pooling_of_the_settings_goes_before_the_folders(stand_in: Callable[..., Path], tmp_path: Path) -> None:
    folder = save_encoder(load_encoder(EncoderSettings(model=str(stand_in("bert")), pooling="cls")), tmp_path / "plain")
    assert load_encoder(folder).pooling == "cls"
    assert load_encoder(EncoderSettings(model=str(folder), pooling="first-last-avg")).pooling == "first-last-avg"


def test_loading_is_silent_and_leaves_the_log_level(stand_in: Callable[..., Path], capfd: pytest.CaptureFixture[str]) -> None:
    from transformers.utils import logging as its_logging

    before = its_logging.get_verbosity()
    its_logging.set_verbosity(logging.INFO)
    capfd.readouterr()
    try:
        load_encoder(stand_in("roberta", pooler=False))
        assert its_logging.get_verbosity() == logging.INFO
    finally:
        its_logging.set_verbosity(before)
    assert "Loading weights" not in "".join(capfd.readouterr())


def test_random_weights_are_a_function_of_the_seed_and_leave_the_rest(
    stand_in: Callable[..., Path], sentences: list[str]
) -> None:
    folder = stand_in("bert")
    saved = load_encoder(folder)
    torch.manual_seed(5)
    before = torch.rand(1)
    torch.manual_seed(5)
    drawn = [load_encoder(EncoderSettings(model=str(folder), random_weights=seed)).encode(sentences[:4]) for seed in (1, 1, 2)]
    assert torch.equal(torch.rand(1), before)  # nobody else's random numbers are touched
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert np.abs(drawn[0] - drawn[2]).max() > 0.01
    assert np.abs(drawn[0] - saved.encode(sentences[:4])).max() > 0.01
    fresh = load_encoder(EncoderSettings(model=str(folder), random_weights=1))
    assert {k: v.shape for k, v in fresh.state_dict().items()} == {k: v.shape for k, v in saved.state_dict().items()}
    assert fresh.tokenizer.tokenize(sentences) == saved.tokenizer.tokenize(sentences)


def test_random_weights_have_no_pretrained_pooler(stand_in: Callable[..., Path]) -> None:
    refused(stand_in("bert"), "has no pretrained pooler", random_weights=1, pooling="pooler")
