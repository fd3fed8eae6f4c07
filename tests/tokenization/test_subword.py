"""Sub-word tokenization: the ids of transformers, whatever the folder holds."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import AutoTokenizer, BertTokenizer

from juyi.errors import ModelError
from juyi.tokenization import SubwordTokenizer, load_tokenizer

TEXTS = [
    "今天天气很好，去公园散步。",
    "The weather is good TODAY!",
    "Thé wéather ístanbul",
    "  white \t space \n and\u3000full-width ＡＢＣ ",
    "",
    "龘 unknown 🙂 emoji",
    "iPhone 15 的价格是 5999 元？",
    "a [MASK] inside, and [SEP]",
    "don't-split_this/that",
    "\u200bzero\ufeffwidth\x00control",
    "한국어 ไทย русский",
]


@pytest.fixture(scope="module")
def vocabulary(sentences: list[str]) -> list[str]:
    letters = sorted({letter for text in [*sentences, *TEXTS] for letter in text.lower() if not letter.isspace()} - set("龘🙂"))
    pieces = [f"##{letter}" for letter in letters if letter.isascii()]
    words = ["the", "weather", "good", "to", "##day", "white", "space", "The", "TO", "##DAY"]
    return list(dict.fromkeys(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *pieces, *words]))


def folder_with(root: Path, vocabulary: list[str], **config: Any) -> Path:
    (root / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    if config:
        (root / "tokenizer_config.json").write_text(json.dumps(config))
    return root


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"do_lower_case": False},
        {"do_lower_case": True},
        {"do_lower_case": True, "strip_accents": False},
        {"tokenize_chinese_chars": False},
    ],
)
def test_a_vocabulary_alone_gives_the_ids_of_transformers(
    options: dict[str, Any], vocabulary: list[str], sentences: list[str], tmp_path: Path
) -> None:
    ours = SubwordTokenizer.load(folder_with(tmp_path, vocabulary, **options))
    theirs = BertTokenizer(vocab={token: index for index, token in enumerate(vocabulary)}, **options)
    texts = [*TEXTS, *sentences]
    assert ours.size == len(vocabulary) == len(theirs)
    assert ours.tokenize(texts) == [theirs(text)["input_ids"] for text in texts]
    assert ours.tokenize(texts, 7) == [theirs(text, truncation=True, max_length=7)["input_ids"] for text in texts]
    assert ours.tokenize(["a [MASK]"])[0][-2] == ours.special.mask


def test_line_ends_of_windows(vocabulary: list[str], tmp_path: Path) -> None:
    expected = SubwordTokenizer.load(folder_with(tmp_path, vocabulary)).tokenize(TEXTS)
    (tmp_path / "vocab.txt").write_bytes("\r\n".join(vocabulary).encode())
    assert SubwordTokenizer.load(tmp_path).tokenize(TEXTS) == expected


def test_saved_and_loaded_gives_the_same_ids_here_and_in_transformers(vocabulary: list[str], tmp_path: Path) -> None:
    first = SubwordTokenizer.load(folder_with(tmp_path, vocabulary))
    expected = first.tokenize(TEXTS)
    first.tokenize(TEXTS, 5)  # a limit in force is no part of what is saved
    (tmp_path / "saved").mkdir()
    first.save(tmp_path / "saved")
    again = load_tokenizer(tmp_path / "saved")
    assert isinstance(again, SubwordTokenizer)
    assert again.tokenize(TEXTS) == first.tokenize(TEXTS) == expected and again.special == first.special
    theirs = AutoTokenizer.from_pretrained(tmp_path / "saved")
    batch = theirs(TEXTS)
    assert batch["input_ids"] == expected and set(batch) == {"input_ids", "attention_mask"}
    assert (theirs.pad_token, theirs.cls_token, theirs.mask_token) == ("[PAD]", "[CLS]", "[MASK]")


def test_truncation_keeps_cls_and_sep(small_tokenizer: SubwordTokenizer) -> None:
    (row,) = small_tokenizer.tokenize(["今天天气很好"])
    assert len(row) == 8
    assert small_tokenizer.tokenize(["今天天气很好"], 5) == [[*row[:4], row[-1]]]
    assert small_tokenizer.tokenize(["今天天气很好"], 8) == [row]
    assert small_tokenizer.tokenize(["今天天气很好"]) == [row]  # the limit is not remembered
    small_tokenizer.tokenize(["今天天气很好"], 5)
    assert small_tokenizer.pieces(["今天天气很好"]) == [row[1:-1]]


def test_the_backends_own_padding_and_truncation_are_off(small_tokenizer: SubwordTokenizer) -> None:
    backend = Tokenizer.from_str(small_tokenizer.backend.to_str())
    backend.enable_padding(length=40)
    backend.enable_truncation(4)
    assert SubwordTokenizer(backend).tokenize(TEXTS) == small_tokenizer.tokenize(TEXTS)


def test_special_tokens_by_usual_and_by_stated_names(tmp_path: Path) -> None:
    vocabulary = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "<mask>": 4, "<start>": 5, "a": 6}
    backend = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    backend.save(str(tmp_path / "tokenizer.json"))
    special = SubwordTokenizer.load(tmp_path).special
    assert (special.cls, special.pad, special.sep, special.unknown, special.mask) == (0, 1, 2, 3, 4)
    assert special.ids == {0, 1, 2, 3, 4}
    (tmp_path / "special_tokens_map.json").write_text(json.dumps({"cls_token": {"content": "<start>"}, "mask_token": "a"}))
    named = SubwordTokenizer.load(tmp_path).special
    assert (named.cls, named.mask, named.sep) == (5, 6, 2)
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"cls_token": "<s>"}))  # the map goes before it
    assert SubwordTokenizer.load(tmp_path).special.cls == 5
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"cls_token": "<s>", "added_tokens_decoder": {}}))  # no map then
    assert SubwordTokenizer.load(tmp_path).special.cls == 0


def test_no_mask_token_is_allowed_no_other_may_be_missing(vocabulary: list[str], tmp_path: Path) -> None:
    without = SubwordTokenizer.load(folder_with(tmp_path, [token for token in vocabulary if token != "[MASK]"]))
    assert without.special.mask is None and len(without.special.ids) == 4
    for token in ("[CLS]", "[SEP]", "[PAD]", "[UNK]"):
        with pytest.raises(ModelError, match=rf"has no \w+_token: none of \[{token[1:-1]}\]"):
            SubwordTokenizer.load(folder_with(tmp_path, [other for other in vocabulary if other != token]))


def test_token_id(small_tokenizer: SubwordTokenizer) -> None:
    assert small_tokenizer.token_id("[CLS]") == 2 and small_tokenizer.token_id("不在词表") is None


def test_no_tokenizer_and_damaged_ones(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"neither tokenizer\.json nor vocab\.txt.*sentencepiece"):
        SubwordTokenizer.load(tmp_path)
    (tmp_path / "tokenizer.json").write_text('{"version": "1.0"')
    with pytest.raises(ModelError, match=r"tokenizer\.json cannot be read"):
        SubwordTokenizer.load(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text("[1, 2]")
    with pytest.raises(ModelError, match=r"tokenizer_config\.json cannot be read"):
        SubwordTokenizer.load(tmp_path)


def test_lower_casing_that_sentence_transformers_asks_for(vocabulary: list[str], tmp_path: Path) -> None:
    folder = folder_with(tmp_path, vocabulary, do_lower_case=False)
    cased = SubwordTokenizer.load(folder)
    (folder / "sentence_bert_config.json").write_text('{"do_lower_case": true}')
    lowered = SubwordTokenizer.load(folder)
    assert lowered.tokenize(["The TODAY"]) == cased.tokenize(["the today"]) != cased.tokenize(["The TODAY"])


def test_nothing_to_tokenize(small_tokenizer: SubwordTokenizer) -> None:
    assert small_tokenizer.tokenize([]) == [] and small_tokenizer.tokenize([""]) == [[2, 3]]


PROCESSORS: dict[str, Any] = {
    "bert": processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2)),
    "roberta": processors.RobertaProcessing(("[SEP]", 3), ("[CLS]", 2), trim_offsets=True, add_prefix_space=False),
    "template": processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]),
    "several before and after": processors.TemplateProcessing(
        single="[CLS] [MASK] $A [SEP] [SEP] [PAD]", special_tokens=[("[CLS]", 2), ("[SEP]", 3), ("[MASK]", 4), ("[PAD]", 0)]
    ),
    "only before": processors.TemplateProcessing(single="[CLS] $A", special_tokens=[("[CLS]", 2)]),
    "only after": processors.TemplateProcessing(single="$A [SEP]", special_tokens=[("[SEP]", 3)]),
    "none": None,
    "a sequence": processors.Sequence(
        [
            processors.ByteLevel(trim_offsets=False),
            processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]),
        ]
    ),
}


def unigram() -> Tokenizer:
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    scores = [(name, 0.0) for name in names] + [(f"\u2581{c}", -2.0) for c in "abc"] + [(c, -3.0) for c in "abc今天气"]
    backend = Tokenizer(models.Unigram(scores, 1))
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    backend.add_special_tokens(names)
    return backend


@pytest.mark.parametrize("name", PROCESSORS)
@pytest.mark.parametrize("kind", ["wordpiece", "unigram"])
def test_cut_rows_are_those_of_the_library(kind: str, name: str, small_tokenizer: SubwordTokenizer, sentences: list[str]) -> None:
    backend = Tokenizer.from_str(small_tokenizer.backend.to_str()) if kind == "wordpiece" else unigram()
    if PROCESSORS[name] is not None:
        backend.post_processor = PROCESSORS[name]
    elif kind == "wordpiece":
        content = json.loads(backend.to_str()) | {"post_processor": None}
        backend = Tokenizer.from_str(json.dumps(content))
    ours, theirs = SubwordTokenizer(backend), Tokenizer.from_str(backend.to_str())
    added = theirs.num_special_tokens_to_add(False)
    rng = np.random.default_rng(3)
    letters = [*"abcd 今天气[]🙂\n", "[SEP]", "[CLS]", " [MASK] "]
    drawn = ["".join(rng.choice(letters, rng.integers(0, 40))) for _ in range(60)]
    for length in (3, 4, 5, 7, 12, 30, 64, *rng.integers(3, 50, 5).tolist()):
        if length < added:
            continue  # not even the special tokens fit: the library raises
        theirs.enable_truncation(length)
        texts = [*drawn, *sentences, *TEXTS]
        assert ours.tokenize(texts, length) == [each.ids for each in theirs.encode_batch(texts)], length


def test_a_limit_below_the_special_tokens_leaves_them(small_tokenizer: SubwordTokenizer) -> None:
    assert [small_tokenizer.tokenize(["天气"], length) for length in (0, 1, 2)] == [[[2, 3]]] * 3


def test_threads_with_different_limits_get_their_own(small_tokenizer: SubwordTokenizer, sentences: list[str]) -> None:
    limits = [3, 5, 8, 13, None, 4, 9, 6]
    wanted = {limit: small_tokenizer.tokenize(sentences, limit) for limit in limits}

    def work(limit: int | None) -> bool:
        return all(small_tokenizer.tokenize(sentences, limit) == wanted[limit] for _ in range(20)) and bool(
            small_tokenizer.pieces(sentences[:3])
        )

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, limits))
