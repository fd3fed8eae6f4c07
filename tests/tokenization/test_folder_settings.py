"""What the files around a vocabulary say: the tokens of transformers' AutoTokenizer, or a refusal."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import AutoTokenizer

from juyi.errors import ModelError
from juyi.tokenization import SubwordTokenizer, load_tokenizer

TEXTS = [
    "今天天气很好",
    "The weather is GOOD today!",
    "Thé wéather",
    "a  中文b <new> text [MASK] and <mask> here </s>",
    "``quoted'' TEXT",
    "",
    "one two three four five six seven eight nine ten",
    " leading",
]
LETTERS = sorted({letter for text in TEXTS for letter in text.lower() + text if not letter.isspace()})


def wordpiece() -> Tokenizer:
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words = ["the", "weather", "The", "good", "GOOD", "one", "two", "<new>"]
    pieces = [*names, *LETTERS, *(f"##{letter}" for letter in LETTERS), *words]
    vocabulary = {piece: index for index, piece in enumerate(dict.fromkeys(pieces))}
    backend = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer(lowercase=True)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    backend.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in names])
    return backend


def byte_level() -> Tokenizer:
    names = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {piece: index for index, piece in enumerate([*names, *alphabet, "th", "the", "Ġt", "Ġth"])}
    backend = Tokenizer(models.BPE(vocabulary, [("t", "h"), ("th", "e"), ("Ġ", "t"), ("Ġt", "h")]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    special = [AddedToken(name, special=True, normalized=False, lstrip=name == "<mask>") for name in names]
    backend.add_special_tokens(special)
    return backend


def unigram(names: list[str], unknown: int) -> Tokenizer:
    scores = [(name, 0.0) for name in names] + [(f"▁{c}", -2.0) for c in LETTERS] + [(c, -3.0) for c in [*LETTERS, "▁"]]
    backend = Tokenizer(models.Unigram(scores, unknown))
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    backend.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in names])
    first, last = names[0], names[2]
    backend.post_processor = processors.TemplateProcessing(single=f"{first} $A {last}", special_tokens=[(first, 0), (last, 2)])
    return backend


def mpnet() -> Tokenizer:
    content = wordpiece().to_str()
    for bracketed, angled in (("[PAD]", "<pad>"), ("[CLS]", "<s>"), ("[SEP]", "</s>"), ("[MASK]", "<mask>")):
        content = content.replace(f'"{bracketed}"', f'"{angled}"')
    return Tokenizer.from_str(content)


BACKENDS: dict[str, Callable[[], Tokenizer]] = {
    "bert": wordpiece,
    "mpnet": mpnet,
    "roberta": byte_level,
    "xlm-roberta": lambda: unigram(["<s>", "<pad>", "</s>", "<unk>", "<mask>"], 3),
    "albert": lambda: unigram(["[CLS]", "<unk>", "[SEP]", "<pad>", "[MASK]"], 1),
}


def put(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")


def folder_of(root: Path, kind: str, settings: dict[str, Any], backend: Tokenizer | None = None, **files: Any) -> Path:
    put(root / "config.json", {"model_type": kind})
    put(root / "tokenizer_config.json", settings)
    (backend or BACKENDS[kind]()).save(str(root / "tokenizer.json"))
    for name, content in files.items():
        put(root / f"{name}.json", content)
    return root


def same_tokens(folder: Path) -> None:
    """Ours are theirs, whole and cut, before and after a save."""
    ours, theirs = load_tokenizer(folder), AutoTokenizer.from_pretrained(folder)
    expected = [theirs(text)["input_ids"] for text in TEXTS]
    cut = [theirs(text, truncation=True, max_length=5)["input_ids"] for text in TEXTS]
    assert ours.tokenize(TEXTS) == expected
    assert ours.tokenize(TEXTS, 5) == cut
    saved = folder / "saved"
    saved.mkdir()
    ours.save(saved)
    put(saved / "config.json", json.loads((folder / "config.json").read_text()))
    again, reread = load_tokenizer(saved), AutoTokenizer.from_pretrained(saved)
    assert again.tokenize(TEXTS) == expected and again.tokenize(TEXTS, 5) == cut
    assert [reread(text)["input_ids"] for text in TEXTS] == expected
    assert [reread(text, truncation=True, max_length=5)["input_ids"] for text in TEXTS] == cut


@pytest.mark.parametrize("name", [None, "BertTokenizer", "BertTokenizerFast", "DistilBertTokenizer", "PreTrainedTokenizerFast"])
@pytest.mark.parametrize(
    "settings",
    [
        dict(zip(("do_lower_case", "strip_accents", "tokenize_chinese_chars"), values, strict=True))
        for values in product((True, False), (True, False, None), (True, False))
    ]
    + [{}, {"do_lower_case": False}, {"strip_accents": False}],
)
@pytest.mark.parametrize("lowers", [True, False])
def test_bert(name: str | None, settings: dict[str, Any], lowers: bool, tmp_path: Path) -> None:
    backend = wordpiece()
    backend.normalizer = normalizers.BertNormalizer(lowercase=lowers, handle_chinese_chars=not lowers)
    same_tokens(folder_of(tmp_path, "bert", settings | ({"tokenizer_class": name} if name else {}), backend))


CASES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    *(("roberta", {"add_prefix_space": value}, {}) for value in (True, False)),
    ("roberta", {"tokenizer_class": "PreTrainedTokenizerFast", "add_prefix_space": True}, {}),
    ("roberta", {"tokenizer_class": "TokenizersBackend"}, {}),
    *(
        ("xlm-roberta", settings, {})
        for settings in ({}, {"add_prefix_space": False}, {"tokenizer_class": "XLMRobertaTokenizer"})
    ),
    ("xlm-roberta", {"tokenizer_class": "PreTrainedTokenizerFast"}, {}),
    *(("albert", settings, {}) for settings in ({}, {"do_lower_case": False}, {"keep_accents": True})),
    *(("mpnet", settings, {}) for settings in ({}, {"do_lower_case": False}, {"mask_token": "the"})),
    ("albert", {"cls_token": "[MASK]"}, {}),  # of this class the file decides what stands around a text
    *(("bert", {"truncation_side": side}, {}) for side in ("left", "right")),
    *(("roberta", {"truncation_side": side, "tokenizer_class": "PreTrainedTokenizerFast"}, {}) for side in ("left", "right")),
    ("bert", {"padding_side": "left", "model_max_length": 7}, {}),
    ("bert", {"add_bos_token": True, "add_eos_token": False, "bos_token": "[CLS]"}, {}),
    ("bert", {"tokenizer_class": "PreTrainedTokenizerFast", "add_bos_token": False, "add_eos_token": True}, {}),
    ("bert", {"tokenizer_class": "NezhaTokenizer", "do_lower_case": True}, {}),  # a class that transformers does not have
    ("bert", {"split_special_tokens": True}, {}),
    ("bert", {"unk_token": "[PAD]"}, {}),
    ("bert", {"additional_special_tokens": ["<new>", "weather"]}, {}),
    ("bert", {"extra_special_tokens": ["<other>"]}, {}),
    ("bert", {"cls_token": "[MASK]"}, {}),
    ("bert", {}, {"added_tokens": {"<plus>": 140, "seven": 141}}),
    ("bert", {}, {"special_tokens_map": {"cls_token": "[MASK]", "unk_token": {"content": "[PAD]", "lstrip": False}}}),
    ("bert", {"cls_token": "[CLS]"}, {"special_tokens_map": {"cls_token": "[MASK]"}}),
    ("bert", {"mask_token": {"__type": "AddedToken", "content": "weather", "lstrip": True}}, {}),
    ("bert", {"mask_token": {"__type": "AddedToken", "content": "GOOD"}}, {}),
    ("bert", {"x_token": "two"}, {}),
    ("bert", {}, {"special_tokens_map": {"additional_special_tokens": ["seven"], "mask_token": {"content": "GOOD"}}}),
]


@pytest.mark.parametrize(("kind", "settings", "files"), CASES)
def test_other_settings(kind: str, settings: dict[str, Any], files: dict[str, Any], tmp_path: Path) -> None:
    if "added_tokens" in files:
        first = BACKENDS[kind]().get_vocab_size()
        files["added_tokens"] = {token: first + place for place, token in enumerate(files["added_tokens"])}
    same_tokens(folder_of(tmp_path, kind, settings, **files))


@pytest.mark.parametrize("kind", ["xlm-roberta", "albert"])
@pytest.mark.parametrize("among_others", [True, False])
def test_the_normalisation_of_sentencepiece(kind: str, among_others: bool, tmp_path: Path) -> None:
    from juyi.tokenization.sentencepieces import train_sentencepiece

    pytest.importorskip("sentencepiece")
    trained = train_sentencepiece(["今天 天气 很 好"] * 5, purpose="Test", vocab_size=16, normalization_rule_name="nmt_nfkc_cf")
    backend, charsmap = BACKENDS[kind](), normalizers.Precompiled(trained.normalizer_spec.precompiled_charsmap)
    assert charsmap.normalize_str("Ａ") == "a"
    backend.normalizer = normalizers.Sequence([normalizers.NFC(), charsmap]) if among_others else charsmap
    same_tokens(folder_of(tmp_path, kind, {}, backend))


@pytest.mark.parametrize("name", ["BertTokenizer", "PreTrainedTokenizerFast"])
def test_added_tokens_decoder(name: str, tmp_path: Path) -> None:
    backend = wordpiece()
    size = backend.get_vocab_size()
    tokens = {name: {"content": name, "normalized": False, "special": True} for name in ("[PAD]", "[UNK]", "[CLS]", "[SEP]")}
    decoder = {str(index): token for index, token in enumerate(tokens.values())}
    decoder[str(size)] = {"content": "Seven", "normalized": False, "special": False}
    decoder[str(size + 2)] = {"content": "nine"}
    decoder[str(size + 1)] = {"content": "eight", "normalized": True, "special": False, "lstrip": True}
    settings = {"tokenizer_class": name, "added_tokens_decoder": decoder}
    same_tokens(folder_of(tmp_path, "bert", settings, backend, special_tokens_map={"cls_token": "[MASK]"}))  # not looked at


def test_added_tokens_with_other_ids_are_refused(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "bert", {}, added_tokens={"<plus>": 999})
    with pytest.raises(ModelError, match=r"gives the added token '<plus>' the id 999, but by its vocabulary it is \d+"):
        load_tokenizer(folder)


@pytest.mark.parametrize("side", ["Left", "Right"])
def test_the_truncation_of_the_file_itself(side: str, tmp_path: Path) -> None:
    backend = wordpiece()
    backend.enable_truncation(6, direction=side.lower())
    same_tokens(folder_of(tmp_path, "bert", {"tokenizer_class": "PreTrainedTokenizerFast"}, backend))


@pytest.mark.parametrize("prefix", [True, False])
def test_robertas_older_files(prefix: bool, tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "roberta", {"add_prefix_space": prefix})
    content = json.loads((folder / "tokenizer.json").read_text())["model"]
    (folder / "tokenizer.json").unlink()
    put(folder / "vocab.json", content["vocab"])
    lines = [merge if isinstance(merge, str) else " ".join(merge) for merge in content["merges"]]
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *lines]) + "\n", encoding="utf-8")
    same_tokens(folder)


def test_a_vocabulary_with_tokens_beyond_it(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "bert", {"do_lower_case": False})
    vocabulary = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    put(folder / "added_tokens.json", {"<plus>": len(vocabulary), "Seven": len(vocabulary) + 1})
    same_tokens(folder)
    assert load_tokenizer(folder).size == len(vocabulary) + 2


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("bert", {"tokenizer_class": "BertJapaneseTokenizer"}, "BertJapaneseTokenizer, which cuts Japanese words first, with MeCab"),
    ("roberta", {"tokenizer_class": "BertweetTokenizer"}, "BertweetTokenizer, which rewrites tweets first"),
    ("albert", {"tokenizer_class": "CpmTokenizerFast"}, "CpmTokenizer, which cuts Chinese words first"),
    ("bert", {"auto_map": {"AutoTokenizer": ["tokenization_x.XTokenizer", None]}}, "code of its own .*juyi runs no code"),
    ("bert", {"truncation_side": "middle"}, "truncation_side is 'middle'; it must be left or right"),
    ("bert", {"tokenizer_class": "RobertaTokenizer"}, "RobertaTokenizer, whose vocabulary is a BPE, .*holds a WordPiece"),
    ("roberta", {"tokenizer_class": "BertTokenizer"}, "BertTokenizer, whose vocabulary is a WordPiece, .*holds a BPE"),
    ("bert", {"tokenizer_class": "FunnelTokenizer", "do_lower_case": False}, "do_lower_case false, .* set it to true"),
    (
        "roberta",
        {"tokenizer_class": "GPT2Tokenizer", "add_prefix_space": True},
        "add_prefix_space true, .* set it to false",
    ),
    ("bert", {"added_tokens_decoder": {"first": "<x>"}}, "adds to its vocabulary cannot be read"),
]


@pytest.mark.parametrize(("kind", "settings", "match"), REFUSED)
def test_refused(kind: str, settings: dict[str, Any], match: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=match):
        load_tokenizer(folder_of(tmp_path, kind, settings))


@pytest.mark.parametrize("name", ["sentencepiece.bpe.model", "spiece.model"])
def test_a_sentencepiece_model_alone_is_refused(name: str, tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "xlm-roberta", {})
    (folder / "tokenizer.json").unlink()
    (folder / name).write_bytes(b"model")
    with pytest.raises(ModelError, match=r"neither tokenizer\.json nor vocab\.txt.*sentencepiece model must be converted"):
        SubwordTokenizer.load(folder)


@pytest.mark.parametrize("content", ['{"version": "1.0"', "[]", '{"added_tokens": []}', '{"model": {"type": "WordPiece"}}', "7"])
@pytest.mark.parametrize("kind", ["bert", "roberta", "albert", "modernbert"])
def test_a_damaged_file(kind: str, content: str, tmp_path: Path) -> None:
    folder = folder_of(tmp_path, kind, {}, wordpiece())
    (folder / "tokenizer.json").write_text(content)
    with pytest.raises(ModelError, match=r"damaged|holds a WordPiece"):
        load_tokenizer(folder)
