"""The short ways of `normalise` against its definition, character by character and on whatever hypothesis thinks of."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from juyi.data import normalise


def by_definition(text: str) -> str:
    """NFKC, lower case, without the categories P, Z and C; NFKC again after each; punctuation alone stays."""
    low = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).lower())
    kept = "".join(character for character in low if unicodedata.category(character)[0] not in "PZC")
    return unicodedata.normalize("NFKC", kept) or low.strip()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("ＡＢＣ， 你 好！", "abc你好"),
        ("C++\u200b", "c++"),
        ("？", "?"),
        ("。", "。"),
        (" 。 ", "。"),
        ("", ""),
        ("银行卡丢了,怎么办??", "银行卡丢了怎么办"),
        ("What's up, Doc?", "whatsupdoc"),
        ("ΟΔΟΣ, ΟΔΟΣ", "οδοςοδος"),  # the last letter of a word has a form of its own, before a comma too
        ("İstanbul", "i̇stanbul"),
        ("e,\u0301", "é"),  # what comes to stand side by side composes
        ("①㈱", "1株"),
    ],
)
def test_what_is_left(text: str, wanted: str) -> None:
    assert normalise(text) == wanted == by_definition(text)


@pytest.mark.parametrize("around", ["{}", "a{}b", "中，{}！", "Σ{}", "{} {}"])
def test_every_character_of_the_basic_plane_and_some_beyond(around: str) -> None:
    for code in (*range(0x10000), *range(0x10000, sys.maxunicode, 37)):
        text = around.replace("{}", chr(code))
        assert normalise(text) == by_definition(text), hex(code)


MARKS = " ,，.。?？!！、；;：:“”'\u3000"


@given(st.text() | st.text(st.characters() | st.sampled_from(MARKS + "ΣσİǅẞÅÅ가\u0301銀行abcＡ１")))
@example("Σ.a")
@example("ᄀ,ᅡ")
def test_any_text(text: str) -> None:
    assert normalise(text) == by_definition(text)
    assert normalise(normalise(text)) == normalise(text)
