"""The small file that says what a saved folder holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from juyi.errors import DataError

INDEX_MANIFEST = "index.json"
"""The manifest of every index, whatever its kind; its `format` says which."""


def write_manifest(path: Path, content: Mapping[str, Any]) -> None:
    """Write a small JSON file that says what a folder holds."""
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def read_manifest(path: Path, form: str, version: int, fields: Mapping[str, type]) -> dict[str, Any]:
    """The content of a manifest, checked for the form and version that can be read and for the fields, by name and type.

    Raises:
        DataError: The file is missing, is not JSON, or describes something else.
    """
    content = _read(path, form)
    found = (content.get("format"), content.get("version"))
    if found != (form, version):
        raise DataError(
            f"this describes the format {found[0]!r}, version {found[1]!r}; {form!r}, version {version} can be read here. "
            "Build the index again with this version of juyi.",
            path=path,
        )
    wrong = sorted(name for name, kind in fields.items() if type(content.get(name)) is not kind)
    if wrong:
        raise DataError(f"these fields are missing or of another type: {', '.join(wrong)}. Build the index again.", path=path)
    return content


def format_of(path: Path, wanted: str) -> str:
    """The format that a manifest states; empty where it states none.

    Raises:
        DataError: The file is missing or is not JSON.
    """
    return str(_read(path, wanted).get("format", ""))


def _read(path: Path, form: str) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DataError(
            f"this file is missing, so the folder holds no {form}. Give the folder that was saved as one.", path=path
        ) from error
    except (OSError, ValueError) as error:
        raise DataError(f"this file cannot be read as JSON ({error}). Save the folder again.", path=path) from error
    return content if isinstance(content, dict) else {}
