"""A WordPiece vocabulary of one's own."""

from __future__ import annotations

from juyi.tokenization import SubwordTokenizer, train_wordpiece


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
