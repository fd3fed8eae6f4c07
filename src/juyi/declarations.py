"""From tables, as TOML has them, to frozen dataclasses, and back; mistakes are named with their place and the nearest known word.

Needs no torch.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import math
import re
import typing
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from juyi.errors import UsageError

T = TypeVar("T")

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


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


def build_one_of(tables: dict[str, Any], kinds: Sequence[type[T]], *, origin: str) -> T:
    """As `build`, of the dataclass whose `kind` the tables state.

    Raises:
        UsageError: They state none or one that does not exist, or as `build`.
    """
    named = {str(field.default): kind for kind in kinds for field in dataclasses.fields(kind) if field.name == "kind"}  # type: ignore[arg-type]
    stated = tables.get("kind")
    if stated is None:
        raise UsageError(f"{origin}: 'kind' is missing; it must be one of {', '.join(map(repr, named))}.")
    if stated not in named:
        raise UsageError(f"{origin}: " + _unknown_kind("kind", stated, list(named)))
    return build(tables, named[stated], origin=origin)


def to_toml(tables: Mapping[str, Any]) -> str:
    """The tables as TOML, which `tomllib` reads back as they were; None, which TOML does not have, is left out.

    Args:
        tables: Strings, truth values, numbers, lists and tuples of such, and tables within.
    """
    return "\n".join(_toml_lines(tables, "")).lstrip("\n") + "\n"


def _toml_lines(tables: Mapping[str, Any], above: str) -> list[str]:
    """Values first, then tables: whatever stands below a header belongs to it."""
    lines: list[str] = []
    below: list[str] = []
    for key, value in tables.items():
        name = key if _BARE_KEY.fullmatch(key) else _toml_value(key)
        if isinstance(value, Mapping):
            below += ["", f"[{above}{name}]", *_toml_lines(value, f"{above}{name}.")]
        elif isinstance(value, list | tuple) and value and all(isinstance(part, Mapping) for part in value):
            for part in value:
                below += ["", f"[[{above}{name}]]", *_toml_lines(part, f"{above}{name}.")]
        elif value is not None:
            lines.append(f"{name} = {_toml_value(value)}")
    return lines + below


def _toml_value(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case float() if math.isnan(value):
            return "nan"
        case int() | float():
            return repr(value)
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case list() | tuple():
            return "[" + ", ".join(map(_toml_value, value)) + "]"
        case Mapping():
            pairs = (f"{_toml_value(str(key))} = {_toml_value(part)}" for key, part in value.items() if part is not None)
            return "{" + ", ".join(pairs) + "}"
        case _:
            raise UsageError(f"{value!r} is a {type(value).__name__}, which TOML cannot hold.")


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
            tags = [str(tag).strip("' ") for tag in str(item["ctx"]["expected_tags"]).split(",")]
            return _unknown_kind(f"{name}.kind", item["ctx"]["tag"], tags)
        case _:
            return f"'{name}': {item['msg']} (got {item['input']!r})."


def _unknown_kind(name: str, stated: Any, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(str(stated), known, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"'{name}' is {stated!r}; it must be one of {', '.join(map(repr, known))}.{hint}"


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
