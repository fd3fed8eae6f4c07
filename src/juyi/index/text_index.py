"""Texts and the index of their embeddings, kept together."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from juyi.atomic import replaced_folder
from juyi.embeddings import check_texts, finite_matrix
from juyi.errors import DataError, UsageError
from juyi.index.exact import ExactIndex
from juyi.index.folder import read_manifest, write_manifest
from juyi.index.index import Index
from juyi.index.open import open_index
from juyi.prompts import Prompt, PromptChoice, PromptedEncode
from juyi.types import Embeddings, Encode

MANIFEST = "corpus.json"
FORMAT = "juyi-text-index"
VERSION = 2

_FIELDS: dict[str, type] = {"model": str, "identity": str, "prompts": dict, "count": int, "next_id": int}


class IdentifiedEncoder(Protocol):
    """What an engine is to an index: something that encodes and says what its vectors depend on."""

    @property
    def identity(self) -> str:
        """Changes with all that decides about the vectors."""
        ...

    @property
    def encode(self) -> Encode:
        """Turns texts into embeddings."""
        ...


@dataclass(frozen=True)
class TextHit:
    """A text that a search found, with its cosine."""

    id: int
    score: float
    text: str


class TextIndex:
    """Texts that can be searched by their meaning.

    Args:
        encode: What turns queries, and texts to add, into embeddings; the one that the index was built with. Where queries and
            texts have prompts of their own it is a `PromptedEncode`, `engine.prompted()` for example; the index remembers them.
        index: The embeddings.
        texts: The text of each id in the index.
        model: Which encoder that is, a folder or a name, noted down when saving; empty when it has no name.
        identity: `Engine.identity` of that encoder, noted down likewise: with another one the saved index is not opened.

    Raises:
        UsageError: The number of texts is not that of the vectors.
    """

    def __init__(self, encode: Encode, index: Index, texts: Mapping[int, str], *, model: str = "", identity: str = "") -> None:
        if len(texts) != len(index):
            raise UsageError(f"There are {len(texts)} texts for {len(index)} vectors. Give the text of each vector in the index.")
        self.encode = encode
        self.index = index
        self.model = model
        self.identity = identity
        self._texts = dict(texts)
        self._next_id = max(self._texts, default=-1) + 1

    @classmethod
    def build(
        cls,
        texts: Sequence[str],
        encode: Encode,
        *,
        make_index: Callable[[int], Index] = ExactIndex,
        model: str = "",
        identity: str = "",
    ) -> TextIndex:
        """Encode texts and put them into a new index; the id of a text is its place in the list, equal texts stay apart.

        Args:
            texts: At least one.
            encode: The encoder; a `PromptedEncode` puts its prompt for what is searched before the texts.
            make_index: Makes an empty index of a given dim.
            model: Which encoder that is, a folder or a name.
            identity: `Engine.identity` of the encoder.

        Raises:
            UsageError: No texts, or embeddings that cannot be indexed.
        """
        texts = check_texts(texts)
        if not texts:
            raise UsageError("There are no texts to build an index of. Give at least one.")
        embeddings = _embeddings(_corpus_side(encode), texts)
        index = make_index(embeddings.shape[1])
        index.add(np.arange(len(texts)), embeddings)
        return cls(encode, index, dict(enumerate(texts)), model=model, identity=identity)

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
        texts = check_texts(texts)
        if not texts:
            return []
        ids = list(range(self._next_id, self._next_id + len(texts)))
        self.index.add(ids, _embeddings(_corpus_side(self.encode), texts))
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
        queries = check_texts(queries, "queries")
        if not queries:
            return []
        hits = self.index.search(_embeddings(_query_side(self.encode), queries), k)
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
                {
                    **{"format": FORMAT, "version": VERSION, "model": self.model, "identity": self.identity},
                    **{"prompts": _prompts_of(self.encode), "count": count, "next_id": next_id},
                },
            )

    @classmethod
    def open(cls, folder: str | Path, open_encoder: Callable[[str], IdentifiedEncoder]) -> TextIndex:
        """The texts and the index that were saved in a folder, with the encoder that is named there.

        `TextIndex.open("index", open_engine)` opens it as `open_engine(model)` does. The prompts that it was built with are put
        before texts and queries again.

        Args:
            folder: What `save` wrote.
            open_encoder: Opens a model by its name.

        Raises:
            DataError: As `load`.
            UsageError: As `load`, or no model was named.
        """
        saved = saved_encoder(folder)
        if not saved.model:
            raise UsageError(f"{folder} does not say which encoder it was built with. Use TextIndex.load and give the encoder.")
        encoder = open_encoder(saved.model)
        prompted = getattr(encoder, "prompted", None)
        return cls.load(folder, prompted() if prompted and saved.prompts else encoder.encode, identity=encoder.identity)

    @classmethod
    def load(cls, folder: str | Path, encode: Encode, *, identity: str = "") -> TextIndex:
        """The texts and the index that were saved in a folder.

        Args:
            folder: What `save` wrote.
            encode: The encoder that the index was built with; `saved_encoder(folder)` says which that was. A `PromptedEncode`
                gets the prompts that the index remembers, whatever it has chosen itself.
            identity: `Engine.identity` of that encoder; empty for one that has none, if the index was built so.

        Raises:
            DataError: The folder holds none, or its files do not fit together.
            UsageError: The encoder is not the one that the index was built with: it would find wrong texts.
        """
        path = Path(folder)
        manifest = read_manifest(path / MANIFEST, FORMAT, VERSION, _FIELDS)
        _check_identity(path, manifest["model"], manifest["identity"], identity)
        encode = _with_prompts(path, encode, manifest["prompts"])
        index, texts = open_index(path / "index"), _read_texts(path / "texts.jsonl")
        if not len(texts) == len(index) == manifest["count"]:
            raise DataError(
                f"{len(texts)} texts and {len(index)} vectors; {MANIFEST} speaks of {manifest['count']}. Build it again.",
                path=path,
            )
        loaded = cls(encode, index, texts, model=manifest["model"], identity=manifest["identity"])
        loaded._next_id = manifest["next_id"]
        return loaded

    def _text(self, number: int) -> str:
        if number not in self._texts:
            raise DataError(
                f"the index found the id {number}, to which there is no text: they do not belong together. Build it again."
            )
        return self._texts[number]


@dataclass(frozen=True)
class SavedEncoder:
    """The encoder that a saved text index was built with, as it was told then; empty where it was not.

    Attributes:
        model: Its name.
        identity: Its identity.
        prompts: The texts before queries ("query") and before what is searched ("corpus"); empty for an encoder without prompts.
    """

    model: str
    identity: str
    prompts: Mapping[str, str] = field(default_factory=dict)


def saved_encoder(folder: str | Path) -> SavedEncoder:
    """Which encoder a saved text index was built with.

    Raises:
        DataError: The folder holds no text index.
    """
    manifest = read_manifest(Path(folder) / MANIFEST, FORMAT, VERSION, _FIELDS)
    return SavedEncoder(manifest["model"], manifest["identity"], manifest["prompts"])


def _corpus_side(encode: Encode) -> Encode:
    return encode.corpus if isinstance(encode, PromptedEncode) else encode


def _query_side(encode: Encode) -> Encode:
    return encode.queries if isinstance(encode, PromptedEncode) else encode


def _prompts_of(encode: Encode) -> dict[str, str]:
    """The texts of the prompts, for the manifest; empty for an encoder that has none to choose."""
    if not isinstance(encode, PromptedEncode):
        return {}
    return {"query": encode.query_prompt.text, "corpus": encode.corpus_prompt.text}


def _with_prompts(folder: Path, encode: Encode, prompts: Mapping[str, str]) -> Encode:
    """The encoder with the prompts that an index was built with.

    Raises:
        DataError: The manifest holds other prompts than these two.
        UsageError: The encoder is a plain function, which cannot put them before the texts.
    """
    if {*prompts} not in (set(), {"query", "corpus"}) or not all(isinstance(text, str) for text in prompts.values()):
        raise DataError("the prompts in it are not those of queries and corpus. Build the index again.", path=folder / MANIFEST)
    if isinstance(encode, PromptedEncode):
        texts = prompts or {"query": encode.prompt.text, "corpus": encode.prompt.text}
        return encode.chosen(PromptChoice(query=Prompt(texts["query"]), corpus=Prompt(texts["corpus"])))
    if prompts:
        raise UsageError(
            f"{folder} was built with the prompt {prompts['corpus']!r} before its texts and wants {prompts['query']!r} before "
            "queries, which a plain function does not put there. Give an encoder that does: TextIndex.load(folder, "
            "engine.prompted(), identity=engine.identity), or open the index with TextIndex.open(folder, open_engine)."
        )
    return encode


def _check_identity(folder: Path, model: str, built_with: str, given: str) -> None:
    if built_with == given:
        return
    named = f" ('{model}')" if model else ""
    if not built_with:
        reason = f"does not say which encoder it was built with{named}, so that this one ({given}) cannot be known to be it"
        advice = "Give no identity if you are sure that it is"
    elif not given:
        reason = f"was built with the encoder {built_with}{named}, and the given one has no identity"
        advice = "Open the engine and give its identity: TextIndex.load(folder, engine.encode, identity=engine.identity)"
    else:
        reason = f"was built with the encoder {built_with}{named}, and the given one is {given}: it would find wrong texts"
        advice = "The model was changed since, or runs on another engine, in another precision or pooling: use that one"
    raise UsageError(f"{folder} {reason}. {advice}, or build the index again.")


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


def _embeddings(encode: Encode, texts: Sequence[str]) -> Embeddings:
    embeddings = finite_matrix(encode(texts), "The result of encode")
    if len(embeddings) != len(texts):
        raise UsageError(
            f"encode gave {len(embeddings)} rows for {len(texts)} texts. It must give one row a text, in their order."
        )
    return embeddings.astype(np.float32, copy=False)
