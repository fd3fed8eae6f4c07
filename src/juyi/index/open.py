"""A saved index of whatever kind."""

from __future__ import annotations

from pathlib import Path

from juyi.errors import DataError
from juyi.index import exact
from juyi.index.folder import INDEX_MANIFEST, format_of
from juyi.index.index import Index

KINDS = {exact.FORMAT: exact.ExactIndex.load}
"""The format that a manifest states, and what loads it."""


def open_index(folder: str | Path) -> Index:
    """The index that was saved in a folder; its manifest says of which kind it is.

    Raises:
        DataError: The folder holds no index, one of a kind that is not known here, or one whose files do not fit together.
    """
    path = Path(folder) / INDEX_MANIFEST
    form = format_of(path, "index")
    if form not in KINDS:
        raise DataError(
            f"this describes the format {form!r}; {', '.join(KINDS)} can be read here. Give the folder of a saved index, or "
            "build it again with this version of juyi.",
            path=path,
        )
    return KINDS[form](folder)
