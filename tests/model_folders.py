"""Small folders laid out as the models that people bring: tokenizer, keys and weights as their makers wrote them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

_QWEN_WORDS = (  # as transformers' Qwen2Tokenizer cuts
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


@dataclass(frozen=True)
class Built:
    """A model folder to be built.

    Attributes:
        kind: The `model_type`.
        tokenizer: One of `_TOKENIZERS`.
        pooling: The file of the Pooling; None: a bare folder of transformers.
        dense: The files of the Dense layers, without their widths: those run from one to the next of `widths`.
        widths: Of the Dense layers.
        normalise: Normalize comes last.
        weights: How they are stored: `safetensors`, `bin`, `sharded`, `float16`, `bfloat16`.
        new: The types of the modules as version 6 names them.
        max_length: In sentence_bert_config.json, where it is there at all.
        options: Of the configuration, when the backbone is made.
        config: Changes of config.json afterwards.
        settings: Further keys of tokenizer_config.json.
    """

    kind: str
    tokenizer: str = "bert"
    pooling: dict[str, Any] | None = None
    dense: tuple[dict[str, Any], ...] = ()
    widths: tuple[int, ...] = ()
    normalise: bool = False
    weights: str = "safetensors"
    new: bool = False
    max_length: int | None = 24
    options: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)


def _framed(backend: Tokenizer, template: str) -> Tokenizer:
    special = [(token, backend.token_to_id(token)) for token in template.split() if token != "$A"]
    backend.post_processor = processors.TemplateProcessing(single=template, special_tokens=special)
    return backend


def _byte_level(sentences: list[str], special: list[str], words: str | None = None, first: Sequence[str] = ()) -> Tokenizer:
    backend, steps = Tokenizer(models.BPE()), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=words is None)
    split = [pre_tokenizers.Split(Regex(words), "isolated")] if words else []
    backend.pre_tokenizer = pre_tokenizers.Sequence([*split, steps]) if split else steps
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    options = {"initial_alphabet": alphabet, "special_tokens": [*first], "show_progress": False}
    backend.train_from_iterator(sentences, trainers.BpeTrainer(vocab_size=400, **options))
    backend.add_special_tokens(special)
    return backend


def _byte_fallback(sentences: list[str], special: list[str], *, normalizer: Any, cut: Any) -> Tokenizer:
    known = [*special, *(f"<0x{byte:02X}>" for byte in range(256))]
    backend = Tokenizer(models.BPE(byte_fallback=True, fuse_unk=True, unk_token="<unk>"))
    backend.normalizer, backend.pre_tokenizer = normalizer, cut
    trainer = trainers.BpeTrainer(vocab_size=600, special_tokens=known, limit_alphabet=200, show_progress=False)
    backend.train_from_iterator(sentences, trainer)
    content = json.loads(backend.to_str())
    content["added_tokens"] = [token for token in content["added_tokens"] if token["content"] in special]
    return Tokenizer.from_str(json.dumps(content))


def _unigram(sentences: list[str], special: list[str], unknown: str) -> Tokenizer:
    backend = Tokenizer(models.Unigram())
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=500, special_tokens=special, unk_token=unknown, show_progress=False)
    backend.train_from_iterator(sentences, trainer)
    return backend


def _qwen(sentences: list[str]) -> tuple[Tokenizer, dict[str, Any]]:
    backend = _byte_level(sentences, ["<|endoftext|>", "<|im_start|>", "<|im_end|>"], _QWEN_WORDS)
    backend.normalizer = normalizers.NFC()
    last = ("<|endoftext|>", backend.token_to_id("<|endoftext|>"))
    ends = processors.TemplateProcessing(single="$A <|endoftext|>", special_tokens=[last])
    backend.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), ends])
    names = {"bos_token": None, "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", "unk_token": None}
    return backend, {"tokenizer_class": "Qwen2Tokenizer", "add_bos_token": False, "model_max_length": 131072, **names}


def _plain_qwen(sentences: list[str]) -> tuple[Tokenizer, dict[str, Any]]:
    backend, settings = _qwen(sentences)
    backend.post_processor = processors.ByteLevel(trim_offsets=False)
    return backend, settings


def _llama3(sentences: list[str]) -> tuple[Tokenizer, dict[str, Any]]:
    backend = _framed(_byte_level(sentences, ["<|begin_of_text|>", "<|end_of_text|>"]), "<|begin_of_text|> $A")
    names = {"bos_token": "<|begin_of_text|>", "eos_token": "<|end_of_text|>", "pad_token": "<|end_of_text|>"}
    return backend, {"tokenizer_class": "PreTrainedTokenizerFast", **names}


def _mistral(sentences: list[str]) -> tuple[Tokenizer, dict[str, Any]]:
    cut = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    backend = _byte_fallback(sentences, ["<unk>", "<s>", "</s>"], normalizer=None, cut=cut)
    names = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "</s>"}
    return _framed(backend, "<s> $A </s>"), {"tokenizer_class": "LlamaTokenizer", "legacy": False, **names}


def _gemma(sentences: list[str]) -> tuple[Tokenizer, dict[str, Any]]:
    space, cut = normalizers.Replace(" ", "▁"), pre_tokenizers.Split(" ", "merged_with_previous")
    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
    backend = _framed(_byte_fallback(sentences, special, normalizer=space, cut=cut), "<bos> $A <eos>")
    return backend, {"tokenizer_class": "GemmaTokenizer", **{f"{token[1:4]}_token": token for token in special[:4]}}


def _xlm_roberta(sentences: list[str]) -> tuple[Tokenizer, dict[str, Any]]:
    backend = _framed(_unigram(sentences, ["<s>", "<pad>", "</s>", "<unk>", "<mask>"], "<unk>"), "<s> $A </s>")
    names = {"cls_token": "<s>", "sep_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>", "mask_token": "<mask>"}
    return backend, {"tokenizer_class": "PreTrainedTokenizerFast", **names}


def _deberta(sentences: list[str]) -> tuple[Tokenizer, dict[str, Any]]:
    backend = _framed(_unigram(sentences, ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"], "[UNK]"), "[CLS] $A [SEP]")
    names = {"cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "unk_token": "[UNK]", "mask_token": "[MASK]"}
    return backend, {"tokenizer_class": "PreTrainedTokenizerFast", **names}


def _roberta(sentences: list[str]) -> tuple[Tokenizer, dict[str, Any]]:
    backend = _framed(_byte_level(sentences, ["<mask>"], first=["<s>", "<pad>", "</s>", "<unk>"]), "<s> $A </s>")
    names = {"cls_token": "<s>", "sep_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>", "mask_token": "<mask>"}
    return backend, {"tokenizer_class": "RobertaTokenizer", "bos_token": "<s>", "eos_token": "</s>", **names}


def _bert(sentences: list[str]) -> tuple[Tokenizer, dict[str, Any]]:
    backend = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    backend.normalizer, backend.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    backend.train_from_iterator(sentences, trainers.WordPieceTrainer(vocab_size=480, special_tokens=special, show_progress=False))
    names = {f"{role}_token": f"[{role[:4].upper()}]" for role in ("pad", "unk", "cls", "sep", "mask")}
    return _framed(backend, "[CLS] $A [SEP]"), {"tokenizer_class": "BertTokenizer", "do_lower_case": True, **names}


def _mpnet(sentences: list[str]) -> tuple[Tokenizer, dict[str, Any]]:
    backend = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    backend.normalizer, backend.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    special = ["<s>", "<pad>", "</s>", "<unk>", "[UNK]", "<mask>"]
    backend.train_from_iterator(sentences, trainers.WordPieceTrainer(vocab_size=480, special_tokens=special, show_progress=False))
    names = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "[UNK]", "mask_token": "<mask>"}
    names |= {"cls_token": "<s>", "sep_token": "</s>"}
    return _framed(backend, "<s> $A </s>"), {"tokenizer_class": "MPNetTokenizer", "do_lower_case": True, **names}


_TOKENIZERS = {
    "bert": _bert,
    "qwen": _qwen,
    "plain qwen": _plain_qwen,
    "llama3": _llama3,
    "mistral": _mistral,
    "gemma": _gemma,
    "xlm-roberta": _xlm_roberta,
    "deberta": _deberta,
    "roberta": _roberta,
    "mpnet": _mpnet,
}


def _store_otherwise(folder: Path, form: str) -> None:
    path = folder / "model.safetensors"
    weights = load_file(path)
    if form == "bin":
        torch.save(weights, folder / "pytorch_model.bin")
        path.unlink()
    elif form == "sharded":
        parts = {f"model-0000{i}-of-00002.safetensors": [*weights][i - 1 :: 2] for i in (1, 2)}
        for name, keys in parts.items():
            save_file({key: weights[key] for key in keys}, folder / name, metadata={"format": "pt"})
        places = {key: name for name, keys in parts.items() for key in keys}
        (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": places}))
        path.unlink()
    else:
        save_file({key: value.to(getattr(torch, form)) for key, value in weights.items()}, path, metadata={"format": "pt"})
        _edit(folder / "config.json", {"dtype": form})


def _edit(path: Path, changes: dict[str, Any]) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def _write_modules(folder: Path, built: Built) -> None:
    kinds = ["Transformer", "Pooling", *(["Dense"] * len(built.dense)), *(["Normalize"] if built.normalise else [])]
    newer = {"Pooling": "sentence_transformer.modules.pooling", "Transformer": "base.modules.transformer"}
    modules = []
    for number, kind in enumerate(kinds):
        package = newer.get(kind, f"base.modules.{kind.lower()}") if built.new else "models"
        place = "" if number == 0 else f"{number}_{kind}"
        modules.append({"idx": number, "name": str(number), "path": place, "type": f"sentence_transformers.{package}.{kind}"})
        if place:
            (folder / place).mkdir()
    width = json.loads((folder / "config.json").read_text()).get("hidden_size", 32)
    known = "embedding_dimension" if built.new else "word_embedding_dimension"
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({known: width} | (built.pooling or {})))
    generator = torch.Generator().manual_seed(5)
    for number, (dense, inputs, outputs) in enumerate(zip(built.dense, built.widths, built.widths[1:], strict=False), start=2):
        place = folder / f"{number}_Dense"
        weights = {"linear.weight": torch.randn(outputs, inputs, generator=generator) / inputs**0.5}
        if dense.get("bias", True):
            weights["linear.bias"] = torch.randn(outputs, generator=generator)
        if dense.get("use_residual") and inputs != outputs:
            weights["residual.weight"] = torch.randn(outputs, inputs, generator=generator) / inputs**0.5
        (place / "config.json").write_text(json.dumps({"in_features": inputs, "out_features": outputs} | dense))
        if built.weights == "bin":
            torch.save(weights, place / "pytorch_model.bin")
        else:
            save_file(weights, place / "model.safetensors")
    (folder / "modules.json").write_text(json.dumps(modules))
    if built.max_length:
        sizes = {"max_seq_length": built.max_length, "do_lower_case": False}
        (folder / "sentence_bert_config.json").write_text(json.dumps(sizes))


def build(built: Built, folder: Path, *, sentences: list[str], stand_in: Callable[..., Path]) -> Path:
    """Build it.

    Args:
        built: What.
        folder: Where; nothing is there yet.
        sentences: What the tokenizer is learnt from.
        stand_in: Gives the folder of a small random backbone.
    """
    backend, settings = _TOKENIZERS[built.tokenizer](sentences)
    ids = {f"{role}_token_id": backend.token_to_id(settings.get(f"{role}_token") or "") for role in ("pad", "bos", "eos")}
    shutil.copytree(stand_in(built.kind, vocab_size=backend.get_vocab_size(), **ids, **built.options), folder)
    backend.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(settings | built.settings))
    _edit(folder / "config.json", built.config)
    if built.weights != "safetensors":
        _store_otherwise(folder, built.weights)
    if built.pooling is not None:
        _write_modules(folder, built)
    return folder
