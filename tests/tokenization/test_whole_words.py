"""Which tokens are one word, in every kind of vocabulary; hidden, a word is hidden whole."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import groupby, pairwise

import numpy as np
import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import models, pre_tokenizers, processors, trainers

from juyi.assets import EMBEDDED
from juyi.tokenization import (
    SubwordTokenizer,
    WordTokenizer,
    load_tokenizer,
    mask_tokens,
    piece_words,
    row_words,
    train_wordpiece,
)

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LINES = ["我在银行上班", "北京大学生在哪里", "the cat sat on the mat", "playing flowers", "手机卡丢了怎么办?", "3.5"] * 9
Tokenizer = SubwordTokenizer | WordTokenizer


def _bpe(pre_tokenizer: pre_tokenizers.PreTokenizer, size: int, **options: object) -> SubwordTokenizer:
    backend = tokenizers.Tokenizer(models.BPE(unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizer
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=SPECIAL, show_progress=False, **options)
    backend.train_from_iterator(LINES, trainer)
    backend.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return SubwordTokenizer(backend)


@cache
def tokenizer(kind: str) -> Tokenizer:
    match kind:
        case "unigram":  # Chinese words as pieces, bytes for what is lacking, Traditional read as Simplified
            return load_tokenizer(EMBEDDED["mini"])
        case "wordpiece":
            return load_tokenizer(EMBEDDED["mini-base"])
        case "tiny-wordpiece":
            return train_wordpiece(LINES, size=90, min_frequency=1)
        case "byte-level":
            pre = pre_tokenizers.ByteLevel(add_prefix_space=False)
            return _bpe(pre, 290, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
        case "metaspace":
            return _bpe(pre_tokenizers.Metaspace(), 70)
        case _:
            return WordTokenizer(SubwordTokenizer(tokenizer("wordpiece").backend), ["上班族 9000"])  # type: ignore[union-attr]


KINDS = ["unigram", "wordpiece", "tiny-wordpiece", "byte-level", "metaspace", "words"]


def shown(kind: str, text: str) -> list[str]:
    """The words of a text, the tokens of each joined by a hyphen."""
    made = tokenizer(kind)
    (row,), backend = made.tokenize([text]), getattr(made, "subword", made).backend
    (numbers,) = row_words([text], [row], made)
    assert len(numbers) == len(row)
    runs = groupby(zip(numbers, row, strict=True), key=lambda pair: pair[0])
    words = ["-".join(str(backend.id_to_token(token)) for _, token in run) for _, run in runs]
    return [word for word in words if word not in ("[CLS]", "[SEP]")]


@pytest.mark.parametrize(
    ("kind", "text", "words"),
    [
        ("wordpiece", "我在银行上班", ["我", "在", "银-行", "上-班"]),
        ("unigram", "我在银行上班", ["我", "在", "银行", "上班"]),
        ("unigram", "我在銀行上班", ["我", "在", "银行", "上班"]),  # Traditional
        ("unigram", "中國人民銀行", ["中国-人民-银行"]),  # one of jieba's words, in three pieces
        ("wordpiece", "北京大学生", ["北-京", "大-学-生"]),
        ("wordpiece", "北京 大学生", ["北-京", "大-学-生"]),
        ("wordpiece", "银 行", ["银", "行"]),  # a space ends a word
        ("unigram", "银 行", ["银", "行"]),
        ("unigram", "好😀👍", ["好", "<0xF0>-<0x9F>-<0x98>-<0x80>", "<0xF0>-<0x9F>-<0x91>-<0x8D>"]),  # emoji: bytes
        ("unigram", "我靐齉", ["我", "<0xE9>-<0x9D>-<0x90>", "<0xE9>-<0xBD>-<0x89>"]),  # characters that are lacking
        ("wordpiece", "我靐齉 手机", ["我", "[UNK]", "[UNK]", "手-机"]),
        ("wordpiece", "the café", ["the", "ca-##fe"]),
        ("unigram", "the cat sat", ["the", "cat", "s-at"]),  # no mark says that s begins a word and at does not
        ("tiny-wordpiece", "flowering pots", ["flo-##wer-##ing", "p-##o-##t-##s"]),
        ("wordpiece", "don't", ["do-##n", "'", "t"]),
        ("wordpiece", "iPhone15手机", ["iphone-##15", "手-机"]),
        ("unigram", "Ｉphone１５手机", ["i-phone-15", "手机"]),  # full width
        ("unigram", "12345元", ["12-3-45", "元"]),
        ("wordpiece", "3.5", ["3", ".", "5"]),
        ("wordpiece", "。。", ["。", "。"]),
        ("byte-level", "my flowers", ["m-y", "Ġ", "fl-ow-er-s"]),
        ("metaspace", "我在银行", ["▁我", "在", "银-行"]),
        ("words", "上班族在银行", ["上-班-族", "在", "银-行"]),  # the user dictionary's word
        ("words", "iPhone15 手机", ["iphone-##15", "手-机"]),
        *((kind, text, []) for kind in ("unigram", "wordpiece", "words") for text in ("", "  ")),
    ],
)
def test_words(kind: str, text: str, words: list[str]) -> None:
    assert shown(kind, text) == words


@pytest.mark.parametrize("kind", ["byte-level", "metaspace"])
def test_bytes_and_pieces_of_a_character_stay_with_its_word(kind: str) -> None:
    """Of 银行 and 😀 there are single bytes in a byte-level vocabulary."""
    made = tokenizer(kind)
    text = "班银行😀龘"
    encoding = made.backend.encode(text, add_special_tokens=False)  # type: ignore[union-attr]
    (numbers,) = piece_words([text], made)
    words: dict[int, set[int]] = {}
    for number, (start, stop) in zip(numbers, encoding.offsets, strict=True):
        words.setdefault(number, set()).update(range(start, stop))
    assert list(words.values()) == [{0}, {1, 2}, {3}, {4}]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("max_length", [2, 3, 5, 9, None])
def test_numbers_fit_rows_that_are_cut_off(kind: str, max_length: int | None) -> None:
    texts = ["我在银行上班", "", "the cat sat 好😀👍 on the mat, 北京大学生", "playing"]
    made = tokenizer(kind)
    whole, rows = row_words(texts, made.tokenize(texts), made), made.tokenize(texts, max_length)
    for numbers, row, all_numbers in zip(row_words(texts, rows, made), rows, whole, strict=True):
        assert len(numbers) == len(row)
        assert numbers[:-1] == all_numbers[: len(row) - 1]
        assert row[-1] == made.special.sep and numbers[-1] == numbers[-2] + 1
    assert made.tokenize(texts, max_length) == rows  # the tokenizer is as it was


@settings(max_examples=60, deadline=None)
@given(st.text(st.sampled_from("我在银行上班北京大学生 ab1.，😀龘銀é한ﬁ㎏\u3000\t")), st.sampled_from(KINDS))
def test_numbers_rise_by_one_and_never_part_a_word_of_letters(text: str, kind: str) -> None:
    made = tokenizer(kind)
    rows = made.tokenize([text])
    (numbers,) = row_words([text], rows, made)
    assert len(numbers) == len(rows[0])
    assert all(after - before in (0, 1) for before, after in pairwise(numbers))


def hidden_words(kind: str, text: str, rate: float, draws: int) -> tuple[list[int], list[set[int]], list[int]]:
    made = tokenizer(kind)
    (row,) = made.tokenize([text])
    (words,) = row_words([text], [row], made)
    masked = mask_tokens(
        [row] * draws, np.random.default_rng(5), rate=rate, special=made.special, size=made.size, words=[words] * draws
    )
    return words, [set(chosen.tolist()) for chosen in masked.positions], row


@pytest.mark.parametrize("kind", ["wordpiece", "unigram", "byte-level", "metaspace", "words"])
@pytest.mark.parametrize("text", ["我在银行上班", "手机卡丢了，在银行the cat怎么办3.5😀?"])
@pytest.mark.parametrize("rate", [0.15, 0.4])
def test_a_word_is_hidden_whole_or_not_at_all(kind: str, text: str, rate: float) -> None:
    words, draws, row = hidden_words(kind, text, rate, 600)
    able = {place for place, token in enumerate(row) if token not in tokenizer(kind).special.ids}
    wholes = [{place for place in able if words[place] == number} for number in {words[place] for place in able}]
    for chosen in draws:
        assert chosen and all(whole <= chosen or not whole & chosen for whole in wholes)
    for whole in wholes:
        assert any(whole <= chosen for chosen in draws) and not all(whole <= chosen for chosen in draws)


def test_the_rate_is_met_and_long_words_are_hidden_as_often_as_short_ones() -> None:
    text = "我在北京的中国人民银行上班，手机卡丢了怎么办？请问附近有没有自动取款机和停车场"
    words, draws, _ = hidden_words("wordpiece", text, 0.15, 6000)
    count = len(words) - 2
    sizes = {number: words.count(number) for number in words[1:-1]}
    assert max(sizes.values()) == 6 and min(sizes.values()) == 1
    assert np.mean([len(chosen) for chosen in draws]) == pytest.approx(round(0.15 * count), rel=0.02)
    for number, size in sizes.items():
        place = words.index(number)
        share = np.mean([place in chosen for chosen in draws])
        assert 0.1 < share < 0.2, (number, size, share)


@pytest.mark.parametrize("change", [lambda words: words[:-1], lambda words: [[*words[0], 9]]])
def test_numbers_of_other_rows_are_refused(change: Callable[[list[list[int]]], list[list[int]]]) -> None:
    made = tokenizer("wordpiece")
    rows = made.tokenize(["银行"])
    words = row_words(["银行"], rows, made)
    with pytest.raises(Exception, match="not those of these rows"):
        mask_tokens(rows, np.random.default_rng(0), rate=0.5, special=made.special, size=made.size, words=change(words))
