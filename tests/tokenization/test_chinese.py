"""The one class of Chinese characters against Unicode's own list, and the one jieba."""

from __future__ import annotations

import re
import subprocess
import sys
import unicodedata

import pytest
import regex

from juyi.tokenization.chinese import HAN, HAN_CHARACTER, cut_chinese, han_characters

SCRIPT = regex.compile(r"\p{Script=Han}")


def test_the_class_is_the_letters_and_numbers_of_the_script_han() -> None:
    """`regex` brings Unicode's property; what this Python does not know is neither here nor there."""
    known = [chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) not in ("Cn", "Cs")]
    wanted = {letter for letter in known if SCRIPT.match(letter) and unicodedata.category(letter)[0] in "LN"}
    assert len(wanted) > 90_000
    assert {letter for letter in known if HAN_CHARACTER.match(letter)} == wanted == set(han_characters())


@pytest.mark.parametrize(
    ("letter", "is_han"),
    [
        *(("我", True), ("々", True), ("〇", True), ("〡", True), ("㐀", True), ("鿿", True), ("龥", True)),
        *(("\uf900", True), ("\ufa0e", True), ("\U00020000", True), ("\U0002a700", True), ("\U00030000", True)),
        *(("⺀", False), ("⼀", False), ("。", False), ("あ", False), ("ア", False), ("한", False), ("ㄅ", False)),
        *(("a", False), ("ａ", False), ("1", False), ("①", False), ("㈱", False), ("〆", False), ("䷀", False), ("😀", False)),
    ],
)
def test_what_is_a_chinese_character(letter: str, is_han: bool) -> None:
    assert bool(re.fullmatch(f"[{HAN}]", letter)) == is_han
    assert bool(re.fullmatch(f"[^{HAN}]", letter)) != is_han


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("我在银行上班", ["我", "在", "银行", "上班"]),
        ("他杀了人", ["他杀", "了", "人"]),  # with HMM jieba guesses words that its dictionary does not have
        ("小鹏办卡", ["小", "鹏", "办", "卡"]),
        ("SIM卡丢了 ok", ["SIM卡", "丢", "了", " ", "ok"]),
        ("", []),
    ],
)
def test_words_are_those_of_the_dictionary(text: str, words: list[str]) -> None:
    assert cut_chinese(text, purpose="A test") == words


@pytest.mark.parametrize("text", ["中文\n\n 混合text、标点。😀", " ", "\x00銀行\u3000"])
def test_joined_the_words_are_the_text(text: str) -> None:
    assert "".join(cut_chinese(text, purpose="A test")) == text


def test_jieba_does_not_talk_and_torch_stays_away() -> None:
    """In a process of its own: jieba's "Building prefix dict …" comes once, at the first cut."""
    script = (
        "import sys; from juyi.tokenization.chinese import cut_chinese; print(cut_chinese('银行', purpose='x')); "
        "assert not {'torch', 'transformers'} & {*sys.modules}"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("['银行']\n", "")


def test_without_jieba_the_error_says_what_for() -> None:
    script = (
        "import sys; sys.modules['jieba'] = None\n"
        "from juyi.tokenization.chinese import cut_chinese\n"
        "from juyi.errors import MissingExtraError\n"
        "try: cut_chinese('银行', purpose='Cutting words')\n"
        "except MissingExtraError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Cutting words needs the package 'jieba'") and "juyi[zh]" in done.stdout
