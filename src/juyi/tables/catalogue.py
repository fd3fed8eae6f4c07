"""The tables by name."""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path

from juyi.declarations import build
from juyi.errors import UsageError
from juyi.tables.table import Table

_FOLDERS = tuple(Path(__file__).parent / name for name in ("published", "studies"))


def table_names() -> list[str]:
    """The tables that ship with juyi, published ones first."""
    return [name for folder in _FOLDERS for name in sorted(path.stem for path in folder.glob("*.toml"))]


def load_table(name: str) -> Table:
    """Read a table.

    Args:
        name: One that ships with juyi, or a TOML file of one's own.

    Raises:
        UsageError: There is none of that name, or its file is no TOML or says something that does not exist.
    """
    path = _path(name)
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:  # the decoder's errors and a wrong encoding
        raise UsageError(f"{path} is not valid TOML: {error}") from error
    return build(tables, Table, origin=str(path))


def _path(name: str) -> Path:
    if Path(name).suffix == ".toml":
        if Path(name).is_file():
            return Path(name)
        raise UsageError(f"There is no table file {name}.")
    for folder in _FOLDERS:
        if (path := folder / f"{name}.toml").is_file():
            return path
    near = difflib.get_close_matches(name, table_names(), n=1, cutoff=0.4)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise UsageError(f"There is no table '{name}'.{hint} `juyi tables list` shows them; a path must end in .toml.")
