"""From tables, as TOML and JSON have them, to frozen dataclasses; mistakes are named with their place and the nearest known word.

Needs no torch.
"""

from __future__ import annotations

import dataclasses
import difflib
import typing
from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from juyi.errors import UsageError

T = TypeVar("T")


def build(tables: dict[str, Any], kind: type[T], *, origin: str) -> T:
    """Make a dataclass of tables: a recipe, a suite.

    Args:
        tables: Keys and values, tables in tables.
        kind: The dataclass.
        origin: Where the tables stand; errors name it.

    Raises:
        UsageError: A key is unknown, missing, or has a value that it cannot have.
    """
    try:
        return TypeAdapter(kind).validate_python(tables)
    except ValidationError as error:
        raise UsageError(f"{origin}: " + " ".join(_words(item, tables, kind) for item in error.errors())) from error
    except UsageError as error:  # a table's own check, which does not know the file
        raise UsageError(f"{origin}: {error}") from error


def _words(item: Any, tables: dict[str, Any], kind: type) -> str:
    place = _place(item["loc"], tables)
    name = ".".join(place)
    match item["type"]:
        case "unexpected_keyword_argument":
            near = _nearest(place, kind)
            return f"'{name}' is unknown.{f' Did you mean {near!r}?' if near else ''}"
        case "missing":
            return f"'{name}' is missing."
        case "union_tag_not_found":
            return f"'{name}.kind' is missing."
        case "union_tag_invalid":
            return f"'{name}.kind' is {item['ctx']['tag']!r}; it must be one of {item['ctx']['expected_tags']}."
        case _:
            return f"'{name}': {item['msg']} (got {item['input']!r})."


def _place(loc: Sequence[str | int], tables: dict[str, Any]) -> list[str]:
    """The keys down to a mistake as the file has them: pydantic puts a table's `kind` between them, which the file does not."""
    place: list[str] = []
    current: Any = tables
    for part in loc:
        if isinstance(current, dict):
            if current.get("kind") == part:
                continue
            current = current.get(str(part))
        elif isinstance(current, list) and isinstance(part, int):
            current = current[part] if part < len(current) else None
        place.append(str(part))
    return place


def _nearest(place: Sequence[str], kind: type) -> str | None:
    """The setting that was probably meant: one of the same table before one of another."""
    *parents, last = (part for part in place if not part.isdigit())
    settings = [path for path in _settings(kind) if path[:-1] == tuple(parents)]
    for candidates, cutoff in ((settings, 0.6), (_settings(kind), 0.8)):
        near = difflib.get_close_matches(last, [path[-1] for path in candidates], n=1, cutoff=cutoff)
        if near:
            return next(".".join(path) for path in candidates if path[-1] == near[0])
    return None


def _settings(kind: Any, above: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The path of every setting of a recipe."""
    if not dataclasses.is_dataclass(kind):
        return [path for part in typing.get_args(kind) for path in _settings(part, above)]
    hints = typing.get_type_hints(kind)
    found: list[tuple[str, ...]] = []
    for field in dataclasses.fields(kind):
        found += [(*above, field.name), *_settings(hints[field.name], (*above, field.name))]
    return found
