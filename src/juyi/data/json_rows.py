"""JSON as tables: lines of objects, one document with a list of them, splits of pairs, columns of values."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

from juyi.data.files import PathLike
from juyi.data.left_out import LeftOut
from juyi.errors import DataError

JsonRow = tuple[int, tuple[object, ...]]
_KEYS_FROM = 1000  # rows whose keys are the columns
_UNREADABLE = object()


def looks_like_json_lines(first_line: str) -> bool:
    """Whether a line is a JSON object, or a list of several values."""
    value = _parsed(first_line)
    return isinstance(value, dict) or (isinstance(value, list) and len(value) > 1 and all(isinstance(v, str) for v in value))


def looks_like_json_document(text: str, *, is_whole: bool) -> bool:
    """Whether a text begins as one JSON document of many lines does: with a list of objects, or an object that holds lists."""
    if is_whole:
        value = _parsed(text)
        return isinstance(value, dict) or (isinstance(value, list) and bool(value) and isinstance(value[0], dict | list | str))
    plain = "".join(text[:2000].split())
    return plain.startswith(("[{", "[[")) or (plain.startswith('{"') and ('":[' in plain or '":{' in plain))


def json_lines_table(
    path: PathLike, lines: Iterator[tuple[int, str]], left_out: LeftOut | None = None, *, only: Sequence[str] = ()
) -> tuple[tuple[str, ...], bool, Iterator[JsonRow]]:
    """Columns, whether they have names, and rows of a file with one JSON value a line.

    The keys of the first thousand objects are the columns; a key that an object lacks is an empty cell. A list gives the columns
    1, 2 and so on, a string the column `text`. A row that cannot be read, and may stand, is one of empty cells.

    Args:
        path: The file, for errors.
        lines: Its numbered lines.
        left_out: Decides about a line that is no JSON, or of another form than the first that is.
        only: The keys that are read, where they are known: one that comes late and is none of these is no reason for an error.

    Raises:
        DataError: There is such a line, and it is an error.
    """
    left_out = left_out or LeftOut()
    values = ((number, _value(path, number, line, left_out)) for number, line in lines if line.strip())
    return _table(path, values, left_out, only)


def json_document_table(path: PathLike, text: str) -> tuple[tuple[str, ...], bool, Iterator[JsonRow]]:
    """As `json_lines_table`, for one JSON document.

    A list of objects, lists or strings; an object that holds one (`{"data": […]}`); splits of CLINC150's form
    (`{"train": [["query", "intent"], …], …}`), which become the columns text, intent, split; or an object of columns
    (`{"text": […], "label": […]}`, also with row names as keys, as pandas writes them).

    Raises:
        DataError: It is no JSON, or of no such form.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"this is not JSON ({error}).", path=path) from error
    rows = _rows_of(value)
    if rows is None:
        held = ", ".join(f'"{key}"' for key in list(value)[:6]) if isinstance(value, dict) else _name(value)
        reason = f'the document holds {held}. A list of objects is needed, such as [{{"text": "…"}}, …], or one object a line.'
        raise DataError(reason, path=path)
    return _table(path, iter(enumerate(rows, start=1)), LeftOut(), ())


def _rows_of(value: Any) -> Sequence[Any] | None:
    """The rows in a document; None where it is of no known form."""
    if not isinstance(value, dict):
        return value if isinstance(value, list) else None
    lists = {key: held for key, held in value.items() if isinstance(held, list)}
    if lists and len(lists) == len(value) and all(_is_pair(entry) for held in lists.values() for entry in held):
        return [{"text": text, "intent": intent, "split": split} for split, held in lists.items() for text, intent in held]
    tables = [held for held in lists.values() if held and all(isinstance(entry, dict) for entry in held)]
    if len(tables) == 1:
        return tables[0]
    if value and not any(isinstance(held, list | dict) for held in value.values()):
        return [value]
    return _rows_of_columns(value)


def _rows_of_columns(value: Mapping[str, Any]) -> Sequence[Any] | None:
    """The rows of an object of columns, each a list or an object with the row's name as key."""
    columns = {key: list(held.values()) if isinstance(held, dict) else held for key, held in value.items()}
    lengths = {len(held) if isinstance(held, list) else -1 for held in columns.values()}
    if len(lengths) != 1 or lengths == {-1}:
        return None
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def _is_pair(entry: object) -> bool:
    return isinstance(entry, list) and len(entry) == 2 and all(isinstance(cell, str) for cell in entry)


def _table(
    path: PathLike, values: Iterator[tuple[int, Any]], left_out: LeftOut, only: Sequence[str]
) -> tuple[tuple[str, ...], bool, Iterator[JsonRow]]:
    sample = list(islice(values, _KEYS_FROM))
    readable = [(number, value) for number, value in sample if value is not _UNREADABLE]
    if not readable:
        raise DataError("there are no rows in it.", path=path)
    number, first = readable[0]
    if not isinstance(first, dict | list | str):
        raise DataError(f"holds {_name(first)}; an object, a list or a string is needed.", path=path, line=number)
    if isinstance(first, dict):
        names = tuple(dict.fromkeys(key for _, value in readable if isinstance(value, dict) for key in value))
    else:
        names = tuple(str(place) for place in range(1, len(first) + 1)) if isinstance(first, list) else ("text",)
    if not names:
        raise DataError("the first line holds an empty object. The keys of the objects are the columns.", path=path, line=number)

    others = set(only) <= set(names) and bool(only)

    def rows() -> Iterator[JsonRow]:
        for at, value in chain(sample, values):
            if problem := _problem(value, first, names, others=others):
                left_out.refuse(DataError(problem, path=path, line=at))
            if problem or value is _UNREADABLE:
                yield at, (None,) * len(names)
            else:
                yield at, _cells(value, names)

    return names, not isinstance(first, list), rows()


def _problem(value: Any, first: Any, names: tuple[str, ...], *, others: bool) -> str:
    """Why a value is no row beside the first one; empty where it is. `others`: other keys may come."""
    if value is _UNREADABLE:
        return ""
    if type(value) is not type(first):
        return f"holds {_name(value)}, the first line holds {_name(first)}. Use one form throughout."
    if not others and isinstance(value, Mapping) and (extra := value.keys() - set(names)):
        reason = f"the key '{min(extra)}' is in none of the first {_KEYS_FROM:,} rows ({', '.join(names)})"
        return f"{reason}. Give every line the same keys."
    if isinstance(value, list) and len(value) != len(names):
        return f"the list has {len(value)} parts, the first one has {len(names)}."
    return ""


def _cells(value: Any, names: tuple[str, ...]) -> tuple[object, ...]:
    if isinstance(value, Mapping):
        return tuple(value.get(name) for name in names)
    return tuple(value) if isinstance(value, list) else (value,)


def _value(path: PathLike, number: int, line: str, left_out: LeftOut) -> Any:
    """The value of a line; `_UNREADABLE` where it is none that may be read, and may stand."""
    if left_out.are_bad(number, 1):
        return _UNREADABLE
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        reason = f'this is not JSON ({error}). A jsonl file has one object a line, such as {{"text": "…"}}; got: {line[:80]}'
        left_out.refuse(DataError(reason, path=path, line=number))
        return _UNREADABLE


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _name(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a truth value", type(None): "null"}
    return names.get(type(value), "a number")
