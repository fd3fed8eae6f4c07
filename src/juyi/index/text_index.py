"""Texts and the index of their embeddings, kept together."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from juyi.atomic import replaced_folder
from juyi.embeddings import finite_matrix
from juyi.errors import DataError, UsageError
from juyi.index.exact import ExactIndex
from juyi.index.folder import read_manifest, write_manifest
from juyi.index.index import Index
from juyi.types import Embeddings, Encode

MANIFEST = "corpus.json"
FORMAT = "juyi-text-index"
VERSION = 1

_FIELDS: dict[str, type] = {"model": str, "count": int, "next_id": int}


@dataclass(frozen=True)
class TextHit:
    """A text that a search found, with its cosine."""

    id: int
    score: float
    text: str


class TextIndex:
    """Texts that can be searched by their meaning.

    Args:
        encode: What turns queries, and texts to add, into embeddings; the one that the index was built with.
        index: The embeddings.
        texts: The text of each id in the index.
        model: Which encoder that is, a folder or a name, noted down when saving; empty when it has no name.

    Raises:
        UsageError: The number of texts is not that of the vectors.
    """

    def __init__(self, encode: Encode, index: Index, texts: Mapping[int, str], *, model: str = "") -> None:
        if len(texts) != len(index):
            raise UsageError(f"There are {len(texts)} texts for {len(index)} vectors. Give the text of each vector in the index.")
        self.encode = encode
        self.index = index
        self.model = model
        self._texts = dict(texts)
        self._next_id = max(self._texts, default=-1) + 1

    @classmethod
    def build(
        cls, texts: Sequence[str], encode: Encode, *, make_index: Callable[[int], Index] = ExactIndex, model: str = ""
    ) -> TextIndex:
        """Encode texts and put them into a new index; the id of a text is its place in the list, equal texts stay apart.

        Args:
            texts: At least one.
            encode: The encoder.
            make_index: Makes an empty index of a given dim.
            model: Which encoder that is, a folder or a name.

        Raises:
            UsageError: No texts, or embeddings that cannot be indexed.
        """
        _check_texts(texts, "texts")
        if not texts:
            raise UsageError("There are no texts to build an index of. Give at least one.")
        embeddings = _embeddings(encode, texts)
        index = make_index(embeddings.shape[1])
        index.add(np.arange(len(texts)), embeddings)
        return cls(encode, index, dict(enumerate(texts)), model=model)

    def __len__(self) -> int:
        return len(self._texts)

    @property
    def texts(self) -> dict[int, str]:
        """The text of each id, as a copy."""
        return dict(self._texts)

    def add(self, texts: Sequence[str]) -> list[int]:
        """Put more texts in, and say which ids they have. The id of a deleted text is not given again.

        Raises:
            UsageError: The embeddings do not fit into the index.
        """
        _check_texts(texts, "texts")
        if not texts:
            return []
        ids = list(range(self._next_id, self._next_id + len(texts)))
        self.index.add(ids, _embeddings(self.encode, texts))
        self._texts.update(zip(ids, texts, strict=True))
        self._next_id += len(texts)
        return ids

    def delete(self, ids: ArrayLike) -> None:
        """Take texts out, all of them or, on an error, none.

        Raises:
            UsageError: An id is not there.
        """
        self.index.delete(ids)
        for number in np.unique(np.asarray(ids, dtype=np.int64)).tolist():
            del self._texts[number]

    def search(self, queries: Sequence[str], k: int = 10, threshold: float | None = None) -> list[list[TextHit]]:
        """The texts nearest to each query, best first: at most k, fewer where the index or the threshold gives no more.

        Args:
            queries: The texts to look for.
            k: How many texts a query finds at most.
            threshold: The least cosine that counts as found; without one every text counts.

        Raises:
            UsageError: k is below 1, or the embeddings of the queries do not fit the index.
        """
        _check_texts(queries, "queries")
        if not queries:
            return []
        hits = self.index.search(_embeddings(self.encode, queries), k)
        least = -np.inf if threshold is None else threshold
        return [
            # An id of -1 pads the row; as a place in a list it would be the last text.
            [TextHit(i, s, self._text(i)) for i, s in zip(ids, scores, strict=True) if i >= 0 and s >= least]
            for ids, scores in zip(hits.ids.tolist(), hits.scores.tolist(), strict=True)
        ]

    def save(self, folder: str | Path) -> None:
        """Write texts and index as one folder, whole or not at all; one that was saved there before is replaced.

        Raises:
            UsageError: The folder exists and holds something else.
        """
        with replaced_folder(folder, MANIFEST) as fresh:
            self.index.save(fresh / "index")
            with (fresh / "texts.jsonl").open("w", encoding="utf-8", newline="\n") as lines:
                lines.writelines(
                    json.dumps({"id": i, "text": text}, ensure_ascii=False) + "\n" for i, text in self._texts.items()
                )
            count, next_id = len(self._texts), self._next_id
            write_manifest(
                fresh / MANIFEST,
                {"format": FORMAT, "version": VERSION, "model": self.model, "count": count, "next_id": next_id},
            )

    @classmethod
    def load(cls, folder: str | Path, encode: Encode, *, load_index: Callable[[Path], Index] = ExactIndex.load) -> TextIndex:
        """The texts and the index that were saved in a folder.

        Args:
            folder: What `save` wrote.
            encode: The encoder that the index was built with; `saved_model(folder)` says which that was.
            load_index: Loads the index of the kind that was saved.

        Raises:
            DataError: The folder holds none, or its files do not fit together.
        """
        path = Path(folder)
        manifest = read_manifest(path / MANIFEST, FORMAT, VERSION, _FIELDS)
        index, texts = load_index(path / "index"), _read_texts(path / "texts.jsonl")
        if not len(texts) == len(index) == manifest["count"]:
            raise DataError(
                f"{len(texts)} texts and {len(index)} vectors; {MANIFEST} speaks of {manifest['count']}. Build it again.",
                path=path,
            )
        loaded = cls(encode, index, texts, model=manifest["model"])
        loaded._next_id = manifest["next_id"]
        return loaded

    def _text(self, number: int) -> str:
        if number not in self._texts:
            raise DataError(
                f"the index found the id {number}, to which there is no text: they do not belong together. Build it again."
            )
        return self._texts[number]


def saved_model(folder: str | Path) -> str:
    """The encoder that a saved text index was built with, as it was named then; empty when it had no name.

    Raises:
        DataError: The folder holds no text index.
    """
    return str(read_manifest(Path(folder) / MANIFEST, FORMAT, VERSION, _FIELDS)["model"])


def _read_texts(path: Path) -> dict[int, str]:
    texts: dict[int, str] = {}
    try:
        with path.open(encoding="utf-8", newline="\n") as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    row = json.loads(line)
                    place, text = row["id"], row["text"]
                except (ValueError, KeyError, TypeError) as error:
                    raise DataError('not an object with "id" and "text". Build it again.', path=path, line=number) from error
                if not isinstance(place, int) or not isinstance(text, str) or place in texts:
                    raise DataError(
                        f"the id {place!r} is repeated, or is no number, or its text is none.", path=path, line=number
                    )
                texts[place] = text
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"this file cannot be read ({error}). Build it again.", path=path) from error
    return texts


def _check_texts(texts: Sequence[str], name: str) -> None:
    if isinstance(texts, str):
        raise UsageError(f"{name} is one string, and each of its characters would be a text. Put it into a list: [text].")
    for place, text in enumerate(texts):
        if not isinstance(text, str):
            raise UsageError(f"{name} has a {type(text).__name__} at place {place}; strings are needed.")


def _embeddings(encode: Encode, texts: Sequence[str]) -> Embeddings:
    embeddings = finite_matrix(encode(texts), "The result of encode")
    if len(embeddings) != len(texts):
        raise UsageError(
            f"encode gave {len(embeddings)} rows for {len(texts)} texts. It must give one row a text, in their order."
        )
    return embeddings.astype(np.float32, copy=False)
