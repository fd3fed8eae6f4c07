"""The lines of a UTF-8 file, numbered; unpacked where its name says so. `juyi.data` is a sibling and cannot be asked."""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, cast

from juyi.errors import DataError

_OPEN: dict[str, Callable[[Path, str], object]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, with their numbers from 1, without their line ends and without a byte order mark.

    Raises:
        DataError: The file is missing, damaged, not UTF-8, or holds no line.
    """
    something = False
    try:
        with cast(IO[bytes], _OPEN.get(path.suffix.lower(), open)(path, "rb")) as stream:
            for number, raw in enumerate(stream, start=1):
                try:
                    line = raw.removeprefix(codecs.BOM_UTF8 if number == 1 else b"").decode("utf-8").rstrip("\r\n")
                except UnicodeDecodeError as error:
                    raise DataError("this line is not UTF-8. Save the file as UTF-8.", path=path, line=number) from error
                if line.strip():
                    something = True
                    yield number, line
    except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
        raise DataError(f"the file cannot be read ({getattr(error, 'strerror', None) or error}).", path=path) from error
    if not something:
        raise DataError("the file is empty: not one line in it holds text.", path=path)


def fingerprint(path: str) -> tuple[int, int]:
    """Time of change and size: what was read of a file holds as long as these do.

    Raises:
        DataError: There is no such file, or it is a folder.
    """
    place = Path(path)
    if not place.is_file():
        what = "this is a folder, and a file is needed." if place.is_dir() else "there is no such file. Check the name."
        raise DataError(what, path=path)
    state = place.stat()
    return state.st_mtime_ns, state.st_size
