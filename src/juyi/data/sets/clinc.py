"""CLINC150: intents with queries that belong to none of them."""

from __future__ import annotations

import json

from juyi.data.files import PathLike, open_bytes, suffix_of
from juyi.data.row_shapes import LabelledTexts
from juyi.data.scored import read_labelled_pairs
from juyi.errors import DataError


def read_clinc(path: PathLike) -> dict[str, LabelledTexts]:
    """The splits of a CLINC150 file, by the names that the file gives them: train, val, test, oos_train, oos_val, oos_test.

    Two forms are read: the original JSON object of lists `{"train": [["query", "intent"], …], …}`, in a file that ends in
    `.json`, and rows of split, intent and query in any format with columns. The labels of the texts are the intents, `oos` for
    what belongs to none.

    Args:
        path: The file.

    Raises:
        DataError: The file cannot be read, or has another form.

    Source:
        Larson et al. 2019, github.com/clinc/oos-eval.
    """
    rows = _json_rows(path) if suffix_of(path) == "json" else _table_rows(path)
    splits: dict[str, LabelledTexts] = {}
    for split, intent, query in rows:
        part = splits.setdefault(split, LabelledTexts([], []))
        part.labels.append(intent)
        part.texts.append(query)
    return splits


def _table_rows(path: PathLike) -> list[tuple[str, str, str]]:
    table = read_labelled_pairs(path, columns=["1", "2", "3"])
    return [
        (split.strip(), intent.strip(), query)
        for split, intent, query in zip(table.first, table.second, table.labels, strict=True)
    ]


def _json_rows(path: PathLike) -> list[tuple[str, str, str]]:
    with open_bytes(path) as stream:
        raw = stream.read()
    try:
        content = json.loads(raw)
    except ValueError as error:
        raise DataError(
            f"this is not JSON ({error}). Fetch the file again, or name it after what it holds.", path=path
        ) from error
    if not isinstance(content, dict) or not all(isinstance(entries, list) for entries in content.values()):
        raise DataError('an object of lists is needed: {"train": [["query", "intent"], …], …}.', path=path)
    rows = []
    for split, entries in content.items():
        for place, entry in enumerate(entries):
            if not (
                isinstance(entry, list) and len(entry) == 2 and all(isinstance(cell, str) and cell.strip() for cell in entry)
            ):
                raise DataError(f'entry {place} of "{split}" is {entry!r:.80}; ["query", "intent"] is needed.', path=path)
            rows.append((split, entry[1].strip(), entry[0]))
    return rows
