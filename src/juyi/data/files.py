"""Opening and decoding: plain and packed files and standard input, line by line."""

from __future__ import annotations

import bz2
import difflib
import gzip
import io
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from juyi.data.encodings import find_encoding, is_wide, marked_encoding
from juyi.data.left_out import LeftOut
from juyi.errors import DataError

PathLike = str | Path
"""A path; `-` is standard input."""

STDIN = "-"
COMPRESSIONS = ("gz", "xz", "bz2")
START_BYTES = 1 << 18
"""How much of a file is looked at to tell its encoding, its format and its columns."""

_PIPE_BYTES = 1 << 14
_PACKED = {b"\x1f\x8b": ".gz", b"\xfd7zXZ\0": ".xz", b"BZh": ".bz2"}
_ARCHIVES = {b"PK\x03\x04": "zip", b"7z\xbc\xaf\x27\x1c": "7z", b"Rar!": "rar", b"\x28\xb5\x2f\xfd": "zstd"}


@dataclass(frozen=True)
class Start:
    """The beginning of a file, and what it tells about the rest.

    Attributes:
        bytes: The first ones, unpacked; all of a shorter file.
        is_whole: There are no more.
        encoding: The one that was named, or else the one that was found.
    """

    bytes: bytes
    is_whole: bool
    encoding: str

    @property
    def text(self) -> str:
        """Decoded, a character that was cut off at the end left out."""
        return self.bytes.decode(self.encoding, errors="ignore").removeprefix("\ufeff")

    @property
    def ends_in_returns(self) -> bool:
        """Whether lines end in a carriage return alone, as old programs of the Macintosh write them."""
        return "\r" in self.text and "\n" not in self.text


def suffix_of(path: PathLike) -> str:
    """The suffix that hints at the format, in lower case without the dot; `.gz` and the like are looked through; maybe empty."""
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
    """The bytes of a file, unpacked where its first bytes say gzip, xz or bzip2; `-` is standard input, which stays open.

    Raises:
        DataError: The file is missing, a folder, forbidden to read, a damaged archive, or packed in a way that is not read.
    """
    check_readable(path)
    kind = ""
    try:
        with _opened(path) as raw:
            start = raw.read(8)
            kind = next((name for magic, name in _PACKED.items() if start.startswith(magic)), "")
            yield _unpacked(_joined(start, raw), kind)
    except (gzip.BadGzipFile, lzma.LZMAError, zlib.error, EOFError) as error:
        raise DataError(
            f"the contents begin as {kind} does and cannot be unpacked ({error}). It is cut off or damaged; fetch it again.",
            path=path,
        ) from error
    except OSError as error:
        raise DataError(f"the file cannot be read ({error.strerror or error}).", path=path) from error


@contextmanager
def _opened(path: PathLike) -> Iterator[IO[bytes]]:
    if str(path) == STDIN:
        yield sys.stdin.buffer
    else:
        with Path(path).open("rb") as stream:
            yield stream


def _unpacked(stream: IO[bytes], kind: str) -> IO[bytes]:
    match kind:
        case ".gz":
            return cast(IO[bytes], gzip.GzipFile(fileobj=stream))
        case ".xz":
            return cast(IO[bytes], lzma.LZMAFile(stream))
        case ".bz2":
            return cast(IO[bytes], bz2.BZ2File(stream))
        case _:
            return stream


class _Joined(io.RawIOBase):
    """Bytes that were read already, then the stream that they came from; closing it leaves the stream open."""

    def __init__(self, start: bytes, rest: IO[bytes]) -> None:
        self._start, self._rest = start, rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]  # any writable buffer
        data = self._start[: len(buffer)] or _read_some(self._rest, len(buffer))
        self._start = self._start[len(data) :]
        buffer[: len(data)] = data
        return len(data)


def _read_some(stream: IO[bytes], most: int) -> bytes:
    """What is there already, where the stream can tell: who writes into a pipe line by line is not waited for."""
    read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
    return read(most)


def _first_bytes(stream: IO[bytes], enough: int) -> tuple[bytes, bool]:
    """The beginning, and whether that is all."""
    first = b""
    while len(first) < enough:
        more = _read_some(stream, START_BYTES - len(first))
        if not more:
            return first, True
        first += more
    return first, False


def _joined(start: bytes, rest: IO[bytes]) -> IO[bytes]:
    return cast(IO[bytes], io.BufferedReader(_Joined(start, rest), 1 << 16))


def read_lines(path: PathLike, *, encoding: str | None = None, keep_blank: bool = False) -> Iterator[tuple[int, str]]:
    r"""The numbered lines of a text file, without their line ends, one at a time.

    A line ends at `\n` or `\r\n` and nowhere else: U+2028, form feeds and the like stay inside it. Where the beginning of the
    file holds `\r` and no `\n`, a line ends at `\r`. A byte order mark at the start is dropped. The file is never held in memory
    as a whole.

    Args:
        path: A plain or packed file, or `-` for standard input.
        encoding: Any text encoding that Python knows; found by the content where none is named.
        keep_blank: Give the lines of nothing but white space too. Line numbers count them in any case.

    Returns:
        Pairs of a line number, counted from 1, and the line.

    Raises:
        DataError: The file is missing, a folder or empty, holds NUL bytes, or is not in this encoding.
        UsageError: There is no such encoding.
    """
    if encoding is not None:
        is_wide(encoding)
    check_readable(path)
    return _text_lines(path, encoding, keep_blank)


def _text_lines(path: PathLike, encoding: str | None, keep_blank: bool) -> Iterator[tuple[int, str]]:
    _, lines = open_lines(path, encoding=encoding)
    return ((number, line) for number, line in lines if keep_blank or line.strip())


def open_lines(
    path: PathLike, *, encoding: str | None = None, left_out: LeftOut | None = None
) -> tuple[Start, Iterator[tuple[int, str]]]:
    """The beginning of a text file, and all of its numbered lines, blank ones among them; see `read_lines`.

    Args:
        path: See `read_lines`.
        encoding: See `read_lines`.
        left_out: Decides about a line that is not in this encoding; where it may stand, what cannot be decoded in it is U+FFFD.

    Raises:
        DataError: The file is missing, a folder or no text; in the lines: it is empty or not in this encoding.
        UsageError: There is no such encoding.
    """
    parts = _parts(path, encoding, left_out or LeftOut())
    start = next(parts)
    assert isinstance(start, Start)
    return start, cast(Iterator[tuple[int, str]], parts)


def _parts(path: PathLike, encoding: str | None, left_out: LeftOut) -> Iterator[Start | tuple[int, str]]:
    """First the beginning, then the lines: one generator, so that the file is closed when nobody wants more of it."""
    with open_bytes(path) as stream:
        first, is_whole = _first_bytes(stream, START_BYTES if Path(path).is_file() else _PIPE_BYTES)
        start = Start(first, is_whole, _encoding_of(first, path, encoding))
        yield start
        whole = _joined(first, stream)
        something = False
        for number, line in enumerate(_decoded_lines(whole, path, start, left_out), start=1):
            something = something or bool(line.strip("\ufeff \t\r\n\v\f\u3000"))
            yield number, line.removeprefix("\ufeff") if number == 1 else line
    if not something:
        raise DataError("the file is empty: not one line in it holds text.", path=path)


def _encoding_of(start: bytes, path: PathLike, named: str | None) -> str:
    if named is None:
        archive = next((name for magic, name in _ARCHIVES.items() if start.startswith(magic)), "")
        if archive:
            raise DataError(f"this is a {archive} archive. Unpack it, and name the file in it.", path=path)
        try:
            return find_encoding(start)
        except DataError as error:
            raise DataError(str(error), path=path) from error
    is_wide(named)
    encoding = "utf-8" if named.lower().replace("_", "-") == "utf-8-sig" else named
    marked = marked_encoding(start)
    if marked and not encoding.lower().replace("_", "-").startswith(marked):
        raise DataError(
            f"begins with the mark of {marked.upper()}, but is read as {encoding}. Name no encoding at all, or the right one "
            f"(--encoding {marked}).",
            path=path,
            line=1,
        )
    return encoding


def _decoded_lines(stream: IO[bytes], path: PathLike, start: Start, left_out: LeftOut) -> Iterator[str]:
    if is_wide(start.encoding):
        yield from _wide_lines(stream, path, start)
        return
    # Every encoding in which "\n" is the byte 0A and no other character holds that byte: the lines can be cut before they are
    # decoded, and the number of a bad line is exact.
    raw_lines = _ended_by_returns(stream) if start.ends_in_returns else iter(stream)
    for number, raw in enumerate(raw_lines, start=1):
        try:
            line = _decoded(raw, start.encoding)
        except ValueError as error:
            left_out.refuse(DataError(str(error), path=path, line=number))
            line = raw.replace(b"\0", b"").decode(start.encoding, errors="replace")
        yield line.removesuffix("\n").removesuffix("\r")


def _decoded(raw: bytes, encoding: str) -> str:
    """A line as text; a ValueError says why it is none, and what to do."""
    if b"\0" in raw:
        raise ValueError("holds NUL bytes: this is a binary file, or damaged. Plain text is needed.")
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        where = f"byte 0x{raw[error.start]:02x} at position {error.start + 1} of the line"
        raise ValueError(f"{where} is not {encoding}. {_what_to_do(raw, encoding)}") from error


def _ended_by_returns(stream: IO[bytes]) -> Iterator[bytes]:
    rest = b""
    while block := stream.read(1 << 16):
        *lines, rest = (rest + block).split(b"\r")
        yield from lines
    if rest:
        yield rest


def _wide_lines(stream: IO[bytes], path: PathLike, start: Start) -> Iterator[str]:
    end = "\r" if start.ends_in_returns else "\n"
    wrapper = io.TextIOWrapper(stream, encoding=start.encoding, newline=end)
    number = 0
    try:
        for number, line in enumerate(wrapper, start=1):  # noqa: B007 (the last number is used below)
            yield line.removesuffix(end).removesuffix("\r")
    except UnicodeError as error:
        reason = (
            f"the text after this line is not {start.encoding} ({error}). Name the right encoding, or save the file as UTF-8."
        )
        raise DataError(reason, path=path, line=max(number, 1)) from error


def _what_to_do(raw: bytes, encoding: str) -> str:
    """What to do about a line that cannot be decoded."""
    try:
        other = find_encoding(raw)
    except DataError:
        other = encoding
    if other.lower() != encoding.lower():
        return f"The line can be read as {other}: name that encoding (--encoding {other}), or save the file in one encoding."
    return "The text is damaged here, or in another encoding: repair the line, or name the encoding with --encoding."
