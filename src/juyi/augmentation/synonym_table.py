"""A table of synonyms: a word and its synonyms a line, tabs between."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from juyi.augmentation.file_stamp import file_stamp
from juyi.data import read_lines
from juyi.errors import DataError

Table = Mapping[str, tuple[str, ...]]


def read_table(path: str, encoding: str) -> Table:
    """Word to synonyms; lines that begin with the same word are joined. Read once as long as the file does not change.

    Raises:
        DataError: The file cannot be read or is empty, a line has no synonym, or a cell is empty.
    """
    return _read(path, encoding, file_stamp(path))


@lru_cache(maxsize=4)
def _read(path: str, encoding: str, state: tuple[int, int]) -> Table:
    table: dict[str, dict[str, None]] = {}  # the inner one as a set that keeps its order
    for number, line in read_lines(path, encoding=encoding or None):
        word, *synonyms = (cell.strip() for cell in line.split("\t"))
        if not word or not all(synonyms):
            raise DataError("a cell is empty; write word, tab, synonym, and take out tabs at the ends.", path=path, line=number)
        if not synonyms:
            reason = f"there is one column, {word[:40]!r}; a word and at least one synonym are needed, with a tab between them."
            raise DataError(reason, path=path, line=number)
        table.setdefault(word, {}).update(dict.fromkeys(synonym for synonym in synonyms if synonym != word))
    return {word: tuple(synonyms) for word, synonyms in table.items() if synonyms}
