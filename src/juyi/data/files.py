"""Opening and decoding: plain, gzip and xz files and standard input, line by line."""

from __future__ import annotations

import codecs
import difflib
import gzip
import io
import lzma
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from juyi.errors import DataError, UsageError

PathLike = str | Path
"""A path; `-` is standard input."""

STDIN = "-"
COMPRESSIONS = ("gz", "xz")

_WIDE_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def suffix_of(path: PathLike) -> str:
    """The suffix that tells the format, in lower case without the dot; `.gz` and `.xz` are looked through; maybe empty."""
    parts = Path(path).name.lower().split(".")[1:]
    while parts and parts[-1] in COMPRESSIONS:
        parts.pop()
    return parts[-1] if parts else ""


def check_readable(path: PathLike) -> None:
    """Refuse a missing file and a folder, before anything is read.

    Raises:
        DataError: There is no such file, or it is a folder.
    """
    if str(path) == STDIN:
        return
    place = Path(path)
    if place.is_dir():
        raise DataError("this is a folder, and a file is needed. Name one of the files in it.", path=path)
    if not place.exists():
        names = [entry.name for entry in place.parent.iterdir()] if place.parent.is_dir() else []
        close = difflib.get_close_matches(place.name, names, n=1)
        if close:
            hint = f"Did you mean '{place.with_name(close[0])}'?"
        elif place.parent.is_dir():
            hint = "Check the name."
        else:
            hint = f"The folder '{place.parent}' does not exist either."
        raise DataError(f"there is no such file. {hint}", path=path)


@contextmanager
def open_bytes(path: PathLike) -> Iterator[IO[bytes]]:
    """The bytes of a file, unpacked where its name ends in `.gz` or `.xz`; `-` is standard input, which stays open.

    Raises:
        DataError: The file is missing, a folder, forbidden to read, or not the archive that its name promises.
    """
    if str(path) == STDIN:
        yield sys.stdin.buffer
        return
    check_readable(path)
    kind = Path(path).suffix.lower()
    try:
        with _open(Path(path), kind) as stream:
            yield stream
    except (gzip.BadGzipFile, lzma.LZMAError, zlib.error, EOFError) as error:
        raise DataError(
            f"the name says {kind}, but the contents cannot be unpacked ({error}). The file is cut off, damaged or misnamed: "
            f"fetch it again, or take the {kind} off its name if it is not compressed.",
            path=path,
        ) from error
    except OSError as error:
        raise DataError(f"the file cannot be read ({error.strerror or error}).", path=path) from error


def _open(path: Path, kind: str) -> IO[bytes]:
    if kind == ".gz":
        return cast(IO[bytes], gzip.open(path, "rb"))
    if kind == ".xz":
        return cast(IO[bytes], lzma.open(path, "rb"))
    return path.open("rb")


def read_lines(path: PathLike, *, encoding: str = "utf-8", keep_blank: bool = False) -> Iterator[tuple[int, str]]:
    r"""The numbered lines of a text file, without their line ends, one at a time.

    A line ends at `\n` or `\r\n` and nowhere else: U+2028, form feeds and the like stay inside it. A byte order mark at the
    start is dropped. The file is never held in memory as a whole.

    Args:
        path: A plain, `.gz` or `.xz` file, or `-` for standard input.
        encoding: Any text encoding that Python knows.
        keep_blank: Give the lines of nothing but white space too. Line numbers count them in any case.

    Returns:
        Pairs of a line number, counted from 1, and the line.

    Raises:
        DataError: The file is missing, a folder or empty, holds NUL bytes, or is not in this encoding.
        UsageError: There is no such encoding.
    """
    try:
        is_wide = "a\n".encode(encoding) != b"a\n"
    except LookupError as error:
        raise UsageError(f"there is no text encoding '{encoding}'. Usual ones are utf-8, gb18030, big5 and utf-16.") from error
    check_readable(path)
    return _read_lines(path, "utf-8" if codecs.lookup(encoding).name == "utf-8-sig" else encoding, is_wide, keep_blank)


def _read_lines(path: PathLike, encoding: str, is_wide: bool, keep_blank: bool) -> Iterator[tuple[int, str]]:
    something = False
    with open_bytes(path) as stream:
        decoded = _wide_lines(stream, path, encoding) if is_wide else _narrow_lines(stream, path, encoding)
        for number, ended in enumerate(decoded, start=1):
            line = ended.removesuffix("\n").removesuffix("\r")
            if number == 1:
                line = line.removeprefix("\ufeff")
            blank = not line.strip()
            something = something or not blank
            if keep_blank or not blank:
                yield number, line
    if not something:
        raise DataError("the file is empty: not one line in it holds text.", path=path)


def _narrow_lines(stream: IO[bytes], path: PathLike, encoding: str) -> Iterator[str]:
    # Every encoding in which "\n" is the byte 0A and no other character holds that byte: the lines can be cut before they are
    # decoded, and the number of a bad line is exact.
    for number, raw in enumerate(stream, start=1):
        if number == 1:
            _check_mark(raw, path, encoding)
        if b"\0" in raw:
            raise DataError(
                "holds NUL bytes: this is a binary file, or UTF-16 text without its mark. Plain text is needed; "
                "if it is UTF-16, pass --encoding utf-16-le (or utf-16-be), or save it as UTF-8.",
                path=path,
                line=number,
            )
        try:
            yield raw.decode(encoding)
        except UnicodeDecodeError as error:
            raise DataError(
                f"byte 0x{raw[error.start]:02x} at position {error.start + 1} of the line is not {encoding}. "
                + _other_encoding(raw, encoding),
                path=path,
                line=number,
            ) from error


def _wide_lines(stream: IO[bytes], path: PathLike, encoding: str) -> Iterator[str]:
    wrapper = io.TextIOWrapper(stream, encoding=encoding, newline="\n")
    number = 0
    try:
        for number, line in enumerate(wrapper, start=1):  # noqa: B007 (the last number is used below)
            yield line
    except UnicodeError as error:
        reason = f"the text after this line is not {encoding} ({error}). Name the right encoding, or save the file as UTF-8."
        raise DataError(reason, path=path, line=max(number, 1)) from error
    finally:
        wrapper.detach()  # or else its end would close standard input


def _check_mark(first: bytes, path: PathLike, encoding: str) -> None:
    for mark, name in _WIDE_MARKS.items():
        if first.startswith(mark):
            reason = (
                f"begins with the mark of {name.upper()}, but is read as {encoding}. Pass --encoding {name}, or save it as UTF-8."
            )
            raise DataError(reason, path=path, line=1)
    if first.startswith(codecs.BOM_UTF8) and codecs.lookup(encoding).name != "utf-8":
        raise DataError(f"begins with the mark of UTF-8, but is read as {encoding}. Pass --encoding utf-8.", path=path, line=1)


def _other_encoding(raw: bytes, encoding: str) -> str:
    """What to do about a line that cannot be decoded."""
    if codecs.lookup(encoding).name != "utf-8":
        return "Pass --encoding utf-8." if _decodes(raw, "utf-8") else "Name the right encoding with --encoding."
    # One damaged character in UTF-8 text would often pass as gb18030 too, as a line of rare characters. In true gb18030 text
    # hardly any character is valid UTF-8.
    lenient = raw.decode("utf-8", errors="replace")
    broken = lenient.count("\ufffd")
    whole = sum(not character.isascii() for character in lenient) - broken
    if broken > whole and _decodes(raw, "gb18030"):
        return "The line can be read as gb18030: pass --encoding gb18030."
    return "The text is damaged here, or in another encoding: repair the line, or name the encoding with --encoding."


def _decodes(raw: bytes, encoding: str) -> bool:
    try:
        raw.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
