"""What the readers of sets in a folder share: finding the folder, rows of tab-separated files, words of a cell."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from juyi.data.files import PathLike, read_lines
from juyi.data.numbers import is_number
from juyi.errors import DataError

Files = dict[tuple[str, str], tuple[Path, ...]]
"""The files of each (set, split)."""


def existing_folder(folder: PathLike, layouts: str) -> Path:
    """The folder as a path, after a look that it is one.

    Raises:
        DataError: It does not exist, or is a file.
    """
    root = Path(folder)
    if not root.is_dir():
        reason = "this is a file, and the folder around it is needed" if root.exists() else "there is no such folder"
        raise DataError(f"{reason}. Name a folder with {layouts}.", path=folder)
    return root


def downstream_folder(root: Path) -> Path:
    """The folder below which SentEval's sets would lie: `downstream` in this one, or else this one."""
    return root / "downstream" if (root / "downstream").is_dir() else root


def names_in(root: Path) -> str:
    """What a folder holds instead, for an error."""
    names = sorted(entry.name for entry in root.iterdir())
    return f"Found: {', '.join(names[:5]) or 'nothing'}{', …' if names[5:] else ''}."


def listed(found: Files) -> str:
    """The sets and splits that were found, for an error."""
    return ", ".join(f"{name} {split}" for name, split in found)


def tab_rows(
    path: Path, width: int, *, may_be_wider: bool = False, has_header: bool = False, keep_blank: bool = False
) -> Iterator[tuple[int, list[str]]]:
    """The numbered lines of a tab-separated file without quoting, cut into cells.

    Args:
        path: The file.
        width: The number of columns.
        may_be_wider: Further columns may follow.
        has_header: The first line holds names, and is left out.
        keep_blank: A blank line is a row too, so that it is refused.

    Raises:
        DataError: The file cannot be read, a line has another number of columns, the header holds a number as rows do, or there
            is nothing but a header.
    """
    is_header, rows = has_header, 0
    for number, line in read_lines(path, keep_blank=keep_blank):
        cells = line.rstrip().split("\t")
        if len(cells) < width or (len(cells) > width and not may_be_wider):
            needed = f"at least {width}" if may_be_wider else width
            reason = f"{needed} columns are needed, and this line has {len(cells)}: {line[:80]}"
            raise DataError(f"{reason}. Repair the line, or fetch the file again.", path=path, line=number)
        if is_header and any(map(is_number, cells)):
            reason = "the first line must hold the names of the columns, and this one holds a row. Put them on top."
            raise DataError(reason, path=path, line=number)
        if not is_header:
            yield number, cells
            rows += 1
        is_header = False
    if not rows:
        raise DataError("only a header and no rows.", path=path)


def sentence(cell: str, path: Path, line: int) -> str:
    """The words of a cell, joined by single blanks.

    Raises:
        DataError: There are none.
    """
    text = " ".join(cell.split())
    if not text:
        raise DataError("a sentence is empty. Fill it in, or take the row out.", path=path, line=line)
    return text
