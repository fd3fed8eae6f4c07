"""Traditional characters, against OpenCC itself."""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

import pytest
from tokenizers import Tokenizer, models, normalizers

from juyi.errors import MissingExtraError
from juyi.tokenization.traditional import simplifier


@pytest.fixture(scope="module")
def ours() -> normalizers.Normalizer:
    return simplifier()


@cache
def opencc() -> Any:
    import opencc

    return opencc.OpenCC("t2s")


def by_opencc(text: str) -> str:
    converted = [opencc().convert(letter) for letter in text]
    return "".join(new if len(new) == 1 else old for old, new in zip(text, converted, strict=True))


def test_characters_become_what_opencc_makes_of_them(ours: normalizers.Normalizer) -> None:
    characters = [chr(code) for code in range(0x3400, 0xA000, 31)]
    wanted = [by_opencc(character) for character in characters]
    assert sum(new != old for new, old in zip(wanted, characters, strict=True)) > 50
    assert [ours.normalize_str(character) for character in characters] == wanted


@pytest.mark.parametrize(
    "text", ["軟體與硬體。", "這個月的帳單什麼時候出來？", "乾杯 abc，ABC 123", "한국어 🙂 é", "软件和天气", "", "著作權"]
)
def test_texts_are_read_character_by_character(ours: normalizers.Normalizer, text: str) -> None:
    assert ours.normalize_str(text) == by_opencc(text)


def test_words_stay_and_other_scripts_stay(ours: normalizers.Normalizer) -> None:
    assert ours.normalize_str("軟體") == "软体"  # not 软件
    assert ours.normalize_str("Ｃ，é\t🙂") == "Ｃ，é\t🙂"  # the table has ideographs and nothing else


def test_the_table_travels_with_the_file(ours: normalizers.Normalizer) -> None:
    backend = Tokenizer(models.WordLevel({"x": 0}, unk_token="x"))
    backend.normalizer = ours
    again = Tokenizer.from_str(backend.to_str())
    assert again.normalizer.normalize_str("學習歷史") == "学习历史"


@pytest.mark.parametrize(
    ("module", "package"), [("opencc", "opencc"), ("sentencepiece", "sentencepiece"), ("google.protobuf", "protobuf")]
)
def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch, module: str, package: str) -> None:
    import sentencepiece

    monkeypatch.delattr(sentencepiece, "sentencepiece_model_pb2", raising=False)
    monkeypatch.delitem(sys.modules, "sentencepiece.sentencepiece_model_pb2", raising=False)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=rf"needs the package '{package}'.*juyi\[vocabulary\]"):
        simplifier()
