"""The files that a recipe names: whether they are there, what is in them, and which sentences they keep out of training."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from juyi.data import is_number, normalise, read_lines, read_scored_pairs, read_texts
from juyi.data.files import suffix_of
from juyi.errors import DataError, UsageError
from juyi.experiments.recipe_files import RECIPES
from juyi.experiments.sources import PairSources, TextSources


def source_digests(sources: TextSources | PairSources, folder: Path) -> dict[str, str]:
    """SHA-256 of all that is read for the sources, what they keep out too, by file name; templates that ship are under recipes/.

    Raises:
        UsageError: A file is not in the folder, or a pattern of `exclude` finds none.
    """
    digests: dict[str, str] = {}
    if isinstance(sources, PairSources):
        files = list(sources.data_files)
        for source in sources.templates:
            ours = {file: RECIPES / file for file in (source.templates, source.phrases)}
            digests |= {file if Path(file).is_absolute() else f"recipes/{file}": file_digest(path) for file, path in ours.items()}
    else:
        files = [source.file for source in sources.files]
    check_there(files, folder)
    files += [path.relative_to(folder).as_posix() for path in excluded_files(sources.exclude, folder)]
    return digests | {file: file_digest(folder / file) for file in files}


def file_digest(path: str | Path) -> str:
    """SHA-256 of a file.

    Raises:
        DataError: It cannot be read.
    """
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"the file cannot be read ({error.strerror or error}). Check the name.", path=path) from error


def read_excluded(patterns: Sequence[str], folder: Path) -> set[str]:
    """The texts of the files that the patterns find, normalised: of every format all that `juyi.data` reads as texts.

    Raises:
        UsageError: A pattern finds no file.
        DataError: A file cannot be read, or no column of it holds text.
    """
    return {text for file in excluded_files(patterns, folder) for text in map(normalise, _texts(file)) if text}


def _texts(file: Path) -> set[str]:
    """Sentences alone, and both sides of pairs; of a txt file with tabs the lines as they are and their cells, numbers apart."""
    texts = set(read_texts(file).texts)
    if suffix_of(file) in ("", "txt"):
        cells = {cell.strip() for _, line in read_lines(file) if "\t" in line for cell in line.split("\t")}
        return texts | {cell for cell in cells if not is_number(cell)}
    try:
        pairs = read_scored_pairs(file)
    except DataError:
        return texts  # no pairs: what was found as text is all there is
    return texts | {*pairs.first, *pairs.second}


def excluded_files(patterns: Sequence[str], folder: Path) -> list[Path]:
    """The files that the patterns find.

    Raises:
        UsageError: A pattern finds none.
    """
    found: list[Path] = []
    for pattern in patterns:
        files = sorted(path for path in folder.glob(pattern) if path.is_file())
        if not files:
            raise UsageError(
                f"{folder} holds no file {pattern}, whose sentences the recipe keeps out of training. Put it there, or say with "
                "--set sources.exclude=[] that nothing is kept out."
            )
        found += files
    return found


def check_there(files: Sequence[str], folder: Path) -> None:
    """Refuse a folder that lacks one of the files.

    Raises:
        UsageError: It does.
    """
    missing = sorted({file for file in files if not (folder / file).is_file()})
    if missing:
        raise UsageError(
            f"{folder} lacks {', '.join(missing)}, which the recipe reads. Give the folder that holds them with --data."
        )
