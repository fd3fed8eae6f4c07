"""Which encoding a text is in, told from its first bytes."""

from __future__ import annotations

import codecs
from itertools import pairwise

from juyi.errors import DataError, UsageError

_MARKS = {  # the longer ones first: UTF-32's little-endian mark begins with UTF-16's
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_COMMON_LEADS = {"gb18030": (0xB0, 0xD7), "big5": (0xA4, 0xC6)}
"""The lead bytes of the characters that are in everyday use; the punctuation of both lies at A1 to A3."""
_LATIN = "cp1252"


def find_encoding(start: bytes) -> str:
    """The encoding of a text of which these are the first bytes, maybe cut within a character.

    A byte order mark decides. Else what decodes as UTF-8 is UTF-8, and so is what does but for a few damaged places; the error
    comes at the damaged line. Else gb18030 or big5, by which of the two makes more everyday characters of it; UTF-16 without
    mark where the NUL bytes lie as in UTF-16; Windows' western encoding where single letters among ASCII have accents. What is
    none of these is called UTF-8, and refused line by line.

    Args:
        start: At least the first few kilobytes, or all of a shorter file.

    Raises:
        DataError: This is no text.
    """
    for mark, name in _MARKS.items():
        if start.startswith(mark):
            return name
    if b"\0" in start:
        return _wide_encoding(start)
    if _decoded(start, "utf-8") is not None or _is_damaged_utf8(start):
        return "utf-8"
    shares = {name: _everyday_share(start, name) for name in _COMMON_LEADS}
    best = max(shares, key=lambda name: shares[name])
    if shares[best] > 0:
        return best
    return _LATIN if _is_western(start) else "utf-8"


def is_wide(encoding: str) -> bool:
    """Whether a line end is more than one byte in an encoding.

    Raises:
        UsageError: There is no such encoding.
    """
    try:
        return "a\n".encode(encoding) != b"a\n"
    except LookupError as error:
        raise UsageError(f"there is no text encoding '{encoding}'. Usual ones are utf-8, gb18030, big5 and utf-16.") from error


def marked_encoding(start: bytes) -> str:
    """The encoding whose byte order mark a file begins with; empty where it has none."""
    return next((name for mark, name in _MARKS.items() if start.startswith(mark)), "")


def _decoded(start: bytes, encoding: str) -> str | None:
    """The text, but for a character that was cut off at the end; None where the bytes are not in this encoding."""
    try:
        return codecs.getincrementaldecoder(encoding)().decode(start)
    except UnicodeDecodeError:
        return None


def _is_damaged_utf8(start: bytes) -> bool:
    """Whether most of the characters beyond ASCII are whole in UTF-8. In true gb18030 text hardly any is."""
    lenient = start.decode("utf-8", errors="replace")
    broken = lenient.count("\ufffd")
    return sum(not character.isascii() for character in lenient) - broken > broken


def _everyday_share(start: bytes, encoding: str) -> float:
    """Of the characters beyond ASCII, the share that is in everyday use; 0 where the bytes are not in this encoding."""
    text = _decoded(start, encoding)
    beyond = [] if text is None else [character.encode(encoding) for character in text if not character.isascii()]
    low, high = _COMMON_LEADS[encoding]
    everyday = sum(
        len(raw) == 2 and (low <= raw[0] <= high or 0xA1 <= raw[0] <= 0xA3) and (encoding == "big5" or raw[1] >= 0xA1)
        for raw in beyond
    )
    return everyday / len(beyond) if beyond else 0.0


def _is_western(start: bytes) -> bool:
    """Whether the bytes beyond ASCII stand alone among letters, as accents do, and are few."""
    beyond = [place for place, byte in enumerate(start) if byte > 0x7F]
    alone = sum(b - a > 1 for a, b in pairwise(beyond)) + 1
    return _decoded(start, _LATIN) is not None and len(beyond) < 0.3 * len(start) and alone > 0.8 * len(beyond)


def _wide_encoding(start: bytes) -> str:
    """UTF-16 without its mark: of its line ends and ASCII characters one byte is NUL, always on the same side."""
    for encoding, zeros, others in (("utf-16-le", start[1::2], start[::2]), ("utf-16-be", start[::2], start[1::2])):
        text = _decoded(start, encoding)
        if text is not None and zeros.count(0) > 0 and others.count(0) == 0 and _looks_like_text(text):
            return encoding
    raise DataError(
        "holds NUL bytes: this is a binary file, not text. Plain text is needed, or one of the formats csv, tsv, jsonl, xlsx and "
        "parquet."
    )


def _looks_like_text(text: str) -> bool:
    return all(character.isprintable() or character in "\r\n\t\ufeff\u3000" for character in text)
