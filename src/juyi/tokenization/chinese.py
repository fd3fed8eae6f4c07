"""What a Chinese character is, and where Chinese words end: one class and one jieba for everybody. No torch."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from juyi.extras import require

HAN = (
    "\u3005\u3007\u3021-\u3029\u3038-\u303b\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00016fe3\U00016ff2-\U00016ff6"
    "\U00020000-\U0003ffff"
)
"""Chinese characters, as the inside of a class of a regular expression: what Unicode calls letters and numbers of the script Han.

々 and 〇 are among them. Radicals (⺀, ⼀) are symbols and are not. The last two planes are theirs as a whole, so that what later
versions of Unicode put there is one too.
"""

HAN_CHARACTER = re.compile(f"[{HAN}]")
"""One of them."""


def han_characters() -> Iterator[str]:
    """All of them that this version of Python knows, in the order of their numbers."""
    return (letter for letter in map(chr, range(0x3000, 0x40000)) if HAN_CHARACTER.match(letter) and letter.isalnum())


@cache
def load_jieba(purpose: str) -> Any:
    """Jieba with its own dictionary; it does not talk while it loads.

    Args:
        purpose: What it is needed for, for the message of a missing package.

    Raises:
        MissingExtraError: jieba is not installed.
    """
    jieba = require("jieba", extra="zh", purpose=purpose)
    jieba.setLogLevel("WARNING")
    return jieba


def cut_chinese(text: str, *, purpose: str) -> list[str]:
    """The words of a text by jieba's dictionary alone (`HMM=False`: no word is guessed); joined, they are the text.

    Raises:
        MissingExtraError: jieba is not installed.
    """
    words: list[str] = load_jieba(purpose).lcut(text, HMM=False)
    return words
