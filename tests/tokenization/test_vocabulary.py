"""A vocabulary of one's own: WordPiece, and unigram with words."""

from __future__ import annotations

import hashlib
import itertools
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from juyi.errors import DataError, UsageError
from juyi.tokenization import SubwordTokenizer, load_tokenizer, train_unigram, train_wordpiece

LINES = [
    f"{who}{what}{thing}。"
    for who, what, thing in itertools.product(
        ["我们", "你们", "老师", "学生", "医生"],
        ["喜欢", "讨论", "学习", "研究"],
        ["音乐", "历史", "数学", "天气", "电脑", "CPU 90"],
    )
]


@pytest.fixture(scope="module")
def unigram() -> SubwordTokenizer:
    return train_unigram(iter(LINES), size=512, min_frequency=2)


def tokens(tokenizer: SubwordTokenizer, text: str) -> list[str]:
    ids = tokenizer.tokenize([text])[0]
    return [str(tokenizer.backend.id_to_token(i)) for i in ids]


def test_every_chinese_character_is_a_token(small_tokenizer: SubwordTokenizer) -> None:
    assert tokens(small_tokenizer, "今天天气好") == ["[CLS]", "今", "天", "天", "气", "好", "[SEP]"]


def test_full_width_and_capitals_become_ordinary(small_tokenizer: SubwordTokenizer) -> None:
    assert small_tokenizer.tokenize(["ＣＰＵ９０，天气？"]) == small_tokenizer.tokenize(["cpu90,天气?"])
    assert small_tokenizer.tokenize(["The Weather"]) == small_tokenizer.tokenize(["the weather"])


def test_accents_go(small_tokenizer: SubwordTokenizer) -> None:
    assert small_tokenizer.tokenize(["thé wéather"]) == small_tokenizer.tokenize(["the weather"])


def test_frequent_words_become_one_token_and_unknown_characters_unknown(small_tokenizer: SubwordTokenizer) -> None:
    assert tokens(small_tokenizer, "the card") == ["[CLS]", "the", "card", "[SEP]"]
    assert tokens(small_tokenizer, "龘") == ["[CLS]", "[UNK]", "[SEP]"]


def test_the_special_tokens_come_first(small_tokenizer: SubwordTokenizer) -> None:
    special = small_tokenizer.special
    assert (special.pad, special.unknown, special.cls, special.sep, special.mask) == (0, 1, 2, 3, 4)
    assert special.ids == {0, 1, 2, 3, 4}


def test_size_is_kept(sentences: list[str]) -> None:
    for size in (120, 300):
        assert train_wordpiece(sentences, size=size, min_frequency=1).size == size


def test_a_rare_piece_is_not_learned(sentences: list[str]) -> None:
    often = train_wordpiece(sentences, size=2000, min_frequency=3)
    always = train_wordpiece(sentences, size=2000, min_frequency=1)
    assert often.size < always.size
    assert often.token_id("mathematics") is None and always.token_id("mathematics") is not None


def test_training_twice_gives_the_same_tokenizer(sentences: list[str]) -> None:
    first, second = (train_wordpiece(iter(sentences), size=400, min_frequency=1) for _ in range(2))
    assert first.backend.to_str() == second.backend.to_str()


def words_of(lines: list[str]) -> Counter[str]:
    import jieba

    return Counter(word for line in lines for word in jieba.lcut(line, HMM=False))


def chinese_pieces(tokenizer: SubwordTokenizer) -> list[str]:
    return [
        token for token in tokenizer.backend.get_vocab() if len(token) > 1 and all("一" <= letter <= "龥" for letter in token)
    ]


def test_unigram_frequent_words_are_tokens_of_their_own(unigram: SubwordTokenizer) -> None:
    frequent = [word for word, count in words_of(LINES).items() if len(word) > 1 and count >= 20 and not word.isascii()]
    assert len(frequent) >= 12
    assert [tokens(unigram, word)[1:-1] for word in frequent] == [[word] for word in frequent]
    assert tokens(unigram, "老师研究天气。") == ["[CLS]", "老师", "研究", "天气", "。", "[SEP]"]


def test_unigram_no_piece_is_longer_than_a_word_unless_one_asks_for_it(unigram: SubwordTokenizer) -> None:
    words = words_of(LINES)
    assert [piece for piece in chinese_pieces(unigram) if not any(piece in word for word in words)] == []
    free = chinese_pieces(train_unigram(LINES, size=512, words=False, min_frequency=2))
    assert [piece for piece in free if not any(piece in word for word in words)]


@pytest.mark.parametrize(("size", "words"), [(512, True), (530, True), (530, False)])
def test_unigram_size_is_kept(sentences: list[str], size: int, words: bool) -> None:
    tokenizer = train_unigram(sentences, size=size, words=words, min_frequency=1)
    assert tokenizer.size == len(tokenizer.backend.get_vocab()) == size
    special = tokenizer.special
    assert (special.pad, special.unknown, special.cls, special.sep, special.mask) == (0, 1, 2, 3, 4)


def test_unigram_characters_by_frequency(sentences: list[str]) -> None:
    normal = [letter for line in sentences for letter in line.lower() if "a" <= letter <= "z" or "一" <= letter <= "龥"]
    counts = Counter(normal)
    tokenizer = train_unigram(sentences, size=2000, simplify=False, min_frequency=3)
    for letter, count in counts.items():
        assert (tokenizer.token_id(letter) is not None) == (count >= 3), letter


def test_unigram_traditional_is_read_as_simplified(unigram: SubwordTokenizer) -> None:
    traditional, simplified = ["老師喜歡音樂", "學生討論歷史、數學", "電腦"], ["老师喜欢音乐", "学生讨论历史、数学", "电脑"]
    assert unigram.tokenize(traditional) == unigram.tokenize(simplified)
    plain = train_unigram(LINES, size=512, simplify=False, min_frequency=2)
    assert plain.tokenize(simplified) != plain.tokenize(traditional)
    learned = train_unigram([line.replace("乐", "樂").replace("师", "師") for line in LINES], size=512, min_frequency=2)
    assert learned.tokenize(traditional) == learned.tokenize(simplified) == unigram.tokenize(simplified)


def test_unigram_full_width_and_capitals_become_ordinary(unigram: SubwordTokenizer) -> None:
    assert unigram.tokenize(["ＣＰＵ９０，天气？"]) == unigram.tokenize(["cpu90,天气?"])


STRANGE = ["🙂", "😀", "👩‍🚀", "龘", "𠮷", "한", "ไ", "я"]


def test_unigram_nothing_is_unknown_and_nothing_is_confused(unigram: SubwordTokenizer) -> None:
    rows = unigram.tokenize([f"天气{text}" for text in STRANGE])
    assert all(unigram.special.unknown not in row for row in rows)
    assert len({tuple(row) for row in rows}) == len(STRANGE)
    for text in ("🙂", "龘", "𠮷"):  # bytes of UTF-8, in order
        wanted = ["[CLS]", "天气", *(f"<0x{byte:02X}>" for byte in text.encode()), "[SEP]"]
        assert tokens(unigram, f"天气{text}") == wanted
        assert unigram.backend.decode(unigram.tokenize([text])[0]) == text


def test_unigram_a_byte_token_written_out_is_text(unigram: SubwordTokenizer) -> None:
    (row,) = unigram.tokenize(["<0xE4>"])
    assert unigram.token_id("<0xE4>") not in row and unigram.backend.decode(row) == "<0xe4>"


def test_unigram_no_text_gives_no_token(unigram: SubwordTokenizer) -> None:
    assert unigram.tokenize(["", "  ", "\u200b"]) == [[2, 3]] * 3


IN_ANOTHER_PROCESS = """
import hashlib, sys
from juyi.tokenization import train_unigram
lines = open(sys.argv[1], encoding="utf-8").read().splitlines()
tokenizer = train_unigram(lines, size=530, min_frequency=1)
print(hashlib.sha256(tokenizer.backend.to_str().encode()).hexdigest())
"""


def test_unigram_the_same_texts_give_the_same_file_in_another_process(sentences: list[str], tmp_path: Path) -> None:
    (tmp_path / "lines.txt").write_text("\n".join(sentences), encoding="utf-8")
    here = [train_unigram(iter(sentences), size=530, min_frequency=1).backend.to_str() for _ in range(2)]
    there = subprocess.run(
        [sys.executable, "-c", IN_ANOTHER_PROCESS, tmp_path / "lines.txt"],
        env={**os.environ, "PYTHONHASHSEED": "7", "RAYON_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert here[0] == here[1] and there.stdout.strip() == hashlib.sha256(here[0].encode()).hexdigest()


def test_unigram_in_transformers(unigram: SubwordTokenizer, tmp_path: Path) -> None:
    unigram.save(tmp_path)
    texts = [*LINES[:5], "老師喜歡音樂", "ＣＰＵ９０", "", "a [MASK] b", *STRANGE]
    expected = unigram.tokenize(texts)
    theirs = AutoTokenizer.from_pretrained(tmp_path)
    assert isinstance(theirs, PreTrainedTokenizerFast)
    for other in (theirs, PreTrainedTokenizerFast.from_pretrained(tmp_path)):
        assert other(texts)["input_ids"] == expected
        assert other(texts, truncation=True, max_length=5)["input_ids"] == unigram.tokenize(texts, 5)
        assert (other.pad_token_id, other.cls_token_id, other.sep_token_id, other.mask_token_id) == (0, 2, 3, 4)
    again = load_tokenizer(tmp_path)
    assert again.tokenize(texts) == expected and again.special == unigram.special


def test_unigram_what_cannot_be() -> None:
    with pytest.raises(UsageError, match="The size is 511; a unigram vocabulary takes at least 512"):
        train_unigram(LINES, size=511)
    for texts in (LINES[:2], [], [""]):
        with pytest.raises(DataError, match=f"No character occurs 9 times in {len(texts)} lines"):
            train_unigram(texts, size=512, min_frequency=9)
