"""Texts cut into words, and put together again without some of them: jieba for Chinese, white space for the rest."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from juyi.tokenization.chinese import HAN, HAN_CHARACTER, cut_chinese

_PURPOSE = "Cutting Chinese into words"
_KEPT_TEXTS = 1 << 16  # about 1 kB each; a corpus of up to this size is cut once, not once an epoch

_LETTER = rf"[^\W{HAN}]"  # a letter or digit that is not Chinese
_INSIDE = r"['.\-@#&+/]"  # between letters these do not end a word
# Chinese with the Latin letters that touch it, as in jieba's words SIM卡, U盘, T恤; but never a part of iPhone15 or x.com.
_BEFORE = rf"(?<!\w)(?<!{_INSIDE})[A-Za-z]+(?=[{HAN}])"
_AFTER = rf"[A-Za-z]+(?!{_LETTER}|{_INSIDE}{_LETTER})"
_CHINESE = rf"(?:{_BEFORE})?[{HAN}]+(?:{_AFTER}[{HAN}]*)*"
_PARTS = re.compile(rf"(?P<space>\s+)|(?P<chinese>{_CHINESE})|(?:(?!{_BEFORE})[^\s{HAN}])+")
_ABBREVIATION = re.compile(r"(?:[A-Za-z]\.)+[A-Za-z]")  # its last full stop belongs to it: U.S.
_SYMBOLS_OF_WORDS = frozenset("%‰$€£¥￥#+°℃&@")  # 50%, $5, C++, 20℃
_INNER = frozenset("’‐‑·")  # and all of ASCII: inside a word they do not divide it (don’t, e-mail, 3.5, x.com)


@dataclass(frozen=True)
class CutText:
    """A text in pieces: words, and between them white space and punctuation.

    Joined, the pieces are the text. Whatever is made of it is well-formed where the text is: no doubled space, none at the ends
    or before the punctuation that followed a deleted word, and Latin words that come together are kept apart by one.

    Attributes:
        text: The whole.
        pieces: Its pieces, in order.
        words: Where among them the words are.
    """

    text: str
    pieces: tuple[str, ...]
    words: tuple[int, ...]

    @property
    def count(self) -> int:
        """How many words there are."""
        return len(self.words)

    def span(self, start: int, stop: int) -> str:
        """The text from word `start` to before word `stop`; punctuation at an end of the text stays with its outermost word."""
        first = self.words[start] if start else 0
        last = self.words[stop - 1] + 1 if stop < self.count else None
        return "".join(self.pieces[first:last]).strip()

    def without(self, words: Collection[int]) -> str:
        """The text without the words of these numbers; punctuation stays."""
        if not words:
            return self.text
        gone = {self.words[word] for word in words}
        kept: list[str] = []
        gap = False  # the last piece was deleted
        for place, piece in enumerate(self.pieces):
            if place in gone:
                gap = True
            elif gap:
                _close(kept, piece)
                gap = False
            else:
                kept.append(piece)
        return "".join(kept).strip()

    def repeating(self, words: Collection[int]) -> str:
        """The text with the words of these numbers said twice in a row."""
        return self.replacing({word: _twice(self[word]) for word in words})

    def replacing(self, words: Mapping[int, str]) -> str:
        """The text with other words in the places of these numbers."""
        if not words:
            return self.text
        new = {self.words[word]: other for word, other in words.items()}
        made: list[str] = []
        for place, piece in enumerate(self.pieces):
            word = new.get(place, piece)
            if (place in new or place - 1 in new) and made and _would_fuse(made[-1], word):
                made.append(" ")
            made.append(word)
        return "".join(made).strip()

    def __getitem__(self, word: int) -> str:
        return self.pieces[self.words[word]]


@lru_cache(maxsize=_KEPT_TEXTS)
def cut_words(text: str) -> CutText:
    """Cut a text into words and what stands between them.

    - A Chinese stretch is cut by jieba (`HMM=False`). Latin letters that touch it are shown to jieba too: SIM卡 is one word of
      its dictionary; iPhone手机 is two words.
    - Everything else is cut at white space, and where it meets Chinese. Punctuation at the ends of such a word is taken off it,
      and so is punctuation that is not ASCII wherever it stands; inside a word ASCII punctuation stays (don't, e-mail, 3.5).
    - Punctuation, symbols and emoji belong to no word, but %, $, # and the like do when they touch one (50%, $5, C++).

    The last 65,536 texts are kept, so that a corpus of that size is cut once and not at every epoch.

    Raises:
        MissingExtraError: The text holds Chinese, and jieba is not installed.
    """
    pieces: list[str] = []
    words: list[int] = []
    for part in _PARTS.finditer(text):
        if part["space"]:
            pieces.append(part[0])
            continue
        for piece in cut_chinese(part[0], purpose=_PURPOSE) if part["chinese"] else _peel(part[0]):
            if part["chinese"] or not all(map(_is_mark, piece)):
                words.append(len(pieces))
            pieces.append(piece)
    return CutText(text, tuple(pieces), tuple(words))


def _peel(run: str) -> Iterator[str]:
    """A run without white space and Chinese, as words and the punctuation around them."""
    if run.isascii() and run.isalnum():
        yield run
        return
    groups = [(divides, "".join(group)) for divides, group in groupby(run, _divides)]
    word = ""
    for place, (divides, group) in enumerate(groups):
        inner = 0 < place < len(groups) - 1 and all(mark.isascii() or mark in _INNER for mark in group)
        if not divides or inner:
            word += group
            continue
        if group[0] == "." and _ABBREVIATION.fullmatch(word):
            word, group = word + ".", group[1:]  # noqa: PLW2901 (what is left of it)
        yield from filter(None, (word, group))
        word = ""
    if word:
        yield word


def _divides(character: str) -> bool:
    return character not in _SYMBOLS_OF_WORDS and _is_mark(character)


def _is_mark(character: str) -> bool:
    """Punctuation, a symbol, or a control character; accents that stand alone (category M) are parts of words."""
    return not character.isalnum() and unicodedata.category(character)[0] in "PSZC"


def _close(kept: list[str], piece: str) -> None:
    """Append the piece that follows a deleted word."""
    before = kept[-1] if kept else ""
    if piece.isspace():
        if all(map(_is_mark, before)):  # nothing, white space, or "(": "(cat sat)" without cat is "(sat)"
            return
    elif before.isspace() and all(map(_is_mark, piece)):
        kept.pop()  # "the cat, sat" without cat is "the, sat"
    elif _would_fuse(before, piece):
        kept.append(" ")  # "用Python和Java" without 和
    kept.append(piece)


def _twice(word: str) -> str:
    return f"{word} {word}" if _would_fuse(word, word) else word + word


def _would_fuse(left: str, right: str) -> bool:
    """Whether two pieces would read as one word: both are words, and neither of the characters that meet is Chinese."""
    if all(map(_is_mark, left)) or all(map(_is_mark, right)):  # white space and control characters are marks too
        return False
    return not HAN_CHARACTER.match(left[-1]) and not HAN_CHARACTER.match(right[0])
