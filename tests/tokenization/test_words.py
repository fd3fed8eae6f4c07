"""Word-level tokenization with jieba."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from juyi.errors import ModelError, UsageError
from juyi.tokenization import SubwordTokenizer, WordTokenizer, load_tokenizer
from juyi.tokenization.words import MANIFEST

jieba = pytest.importorskip("jieba")
WORDS = ["今天", "天气", "公园", "信用", "信用卡", "天气很好", "杭研", "云计算"]


@pytest.fixture(scope="module")
def subword(small_tokenizer: SubwordTokenizer) -> SubwordTokenizer:
    """The small tokenizer with a few words in its vocabulary, as WoBERT has them."""
    content = json.loads(small_tokenizer.backend.to_str())
    vocabulary = content["model"]["vocab"]
    for token in [*WORDS, *"杭研云计算"]:
        vocabulary.setdefault(token, len(vocabulary))
    return SubwordTokenizer(Tokenizer.from_str(json.dumps(content)))


@pytest.fixture(scope="module")
def words(subword: SubwordTokenizer) -> WordTokenizer:
    return WordTokenizer(subword)


def tokens(tokenizer: WordTokenizer, text: str) -> list[str]:
    (row,) = tokenizer.tokenize([text])
    assert row[0] == tokenizer.special.cls and row[-1] == tokenizer.special.sep
    return [str(tokenizer.subword.backend.id_to_token(i)) for i in row[1:-1]]


def test_a_word_of_the_vocabulary_is_one_token(words: WordTokenizer) -> None:
    assert tokens(words, "去公园，天气很好") == ["去", "公园", ",", "天气", "很", "好"]


def test_any_other_word_goes_in_pieces(words: WordTokenizer) -> None:
    assert "散步" in jieba.lcut("去公园散步", HMM=False) and words.subword.token_id("散步") is None
    assert tokens(words, "去公园散步") == ["去", "公园", "散", "步"]


def test_words_are_not_guessed(words: WordTokenizer) -> None:
    """jieba's HMM would join 杭研, which is in this vocabulary but in no dictionary."""
    assert jieba.lcut("他来到了网易杭研大厦") != jieba.lcut("他来到了网易杭研大厦", HMM=False)
    assert tokens(words, "杭研") == ["杭", "研"]


def test_equals_the_rule_written_out(words: WordTokenizer, subword: SubwordTokenizer, sentences: list[str]) -> None:
    for text in sentences:
        expected = [subword.special.cls]
        for word in jieba.lcut(text.lower(), HMM=False):
            known = subword.token_id(word)
            expected += subword.pieces([word])[0] if known is None else [known]
        assert words.tokenize([text]) == [[*expected, subword.special.sep]]


def test_latin_white_space_and_full_width(words: WordTokenizer) -> None:
    assert tokens(words, "The  WEATHER\t今天 \n") == ["the", "weather", "今天"]
    assert tokens(words, "ＣＰＵ９０") == ["c", "p", "u", "9", "0"]  # jieba cuts full-width letters apart
    assert tokens(words, "thé wéather") == ["the", "weather"]
    assert tokens(words, "") == tokens(words, " \u3000") == []
    assert tokens(words, "龘") == ["[UNK]"]


def test_special_tokens_in_the_text_are_text(words: WordTokenizer) -> None:
    (row,) = words.tokenize(["今天[SEP]天气[MASK]"])
    assert words.special.sep not in row[1:-1] and words.special.mask not in row


def test_truncation_and_order(words: WordTokenizer, sentences: list[str]) -> None:
    (row,) = words.tokenize(["今天天气很好"])
    assert words.tokenize(["今天天气很好"], 4) == [[*row[:3], row[-1]]]
    assert words.tokenize(["今天天气很好"], 2) == words.tokenize(["今天天气很好"], 1) == [[row[0], row[-1]]]
    assert words.tokenize(sentences) == [words.tokenize([text])[0] for text in sentences]
    assert words.tokenize([]) == [] and words.size == words.subword.size and words.special == words.subword.special


@pytest.mark.parametrize("line", ["天气很好 20000 n", "天气很好 20000", "天气很好 n", "天气很好"])
def test_a_user_dictionary_is_private(line: str, subword: SubwordTokenizer, words: WordTokenizer) -> None:
    own = WordTokenizer(subword, [line])
    assert tokens(own, "公园天气很好") == ["公园", "天气很好"]
    assert tokens(words, "公园天气很好") == ["公园", "天气", "很", "好"]
    assert jieba.lcut("天气很好", HMM=False) == ["天气", "很", "好"]


def test_the_frequency_of_the_user_dictionary_counts(subword: SubwordTokenizer) -> None:
    assert tokens(WordTokenizer(subword, ["信用卡 0"]), "信用卡") == ["信用", "卡"]
    assert tokens(WordTokenizer(subword, ["信用卡 9 n"]), "信用卡") == ["信用卡"]


@pytest.mark.parametrize("line", ["", "   ", "一 二 三 四"])
def test_a_line_that_is_no_entry(line: str, subword: SubwordTokenizer) -> None:
    with pytest.raises(UsageError, match="line of the user dictionary"):
        WordTokenizer(subword, [line])


def test_saved_and_loaded(subword: SubwordTokenizer, sentences: list[str], tmp_path: Path) -> None:
    own = WordTokenizer(subword, ["天气很好 20000 n"])
    own.save(tmp_path)
    again = load_tokenizer(tmp_path)
    assert isinstance(again, WordTokenizer) and again.user_dictionary == ("天气很好 20000 n",)
    assert again.tokenize(sentences) == own.tokenize(sentences)
    manifest = json.loads((tmp_path / MANIFEST).read_text(encoding="utf-8"))
    assert manifest == {"jieba": jieba.__version__, "hmm": False, "user_dictionary": ["天气很好 20000 n"]}


def test_another_version_of_jieba_is_refused(words: WordTokenizer, tmp_path: Path) -> None:
    words.save(tmp_path)
    manifest = json.loads((tmp_path / MANIFEST).read_text(encoding="utf-8"))
    (tmp_path / MANIFEST).write_text(json.dumps(manifest | {"jieba": "0.1"}))
    with pytest.raises(ModelError, match=r"made with jieba 0\.1, here is .*pip install 'jieba==0\.1'"):
        load_tokenizer(tmp_path)


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"jieba": "0.42.1"}'])
def test_a_damaged_manifest(content: str, words: WordTokenizer, tmp_path: Path) -> None:
    words.save(tmp_path)
    (tmp_path / MANIFEST).write_text(content)
    with pytest.raises(ModelError, match=r"juyi_words\.json cannot be used"):
        load_tokenizer(tmp_path)


def test_a_long_text_is_cut_where_the_folder_says(subword: SubwordTokenizer, tmp_path: Path) -> None:
    tokenizer = WordTokenizer(SubwordTokenizer(subword.backend, truncation_side="left"))
    (whole,) = tokenizer.tokenize(["去公园，天气很好"])
    tokenizer.save(tmp_path)
    for each in (tokenizer, load_tokenizer(tmp_path)):
        assert each.tokenize(["去公园，天气很好"], 5) == [[whole[0], *whole[-4:]]]
        assert each.tokenize(["去公园，天气很好"], 2) == [[whole[0], whole[-1]]]
        assert each.tokenize(["去公园，天气很好"], len(whole)) == [whole]
