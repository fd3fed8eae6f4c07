"""The interface of the `simcse` tool, for whoever comes from it: encode, similarity, build_index, search.

Same argument names and return shapes; under it an exact index and any juyi model. A search never pads its answers with sentences
that were not found.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from juyi.data import read_texts
from juyi.embeddings import check_texts, unit_rows_or_zero
from juyi.engines import open_engine
from juyi.errors import ModelError, UsageError
from juyi.extras import require
from juyi.hub import resolve
from juyi.index import TextIndex
from juyi.layout import read_layout
from juyi.poolings import POOLING_NAMES, PoolingName, known_pooling
from juyi.types import Embeddings, Log

Hit = tuple[str, float]

_POOLERS: dict[str, PoolingName] = {
    "cls": "pooler",  # the released code's word for [CLS] through its MLP, which published models keep as the pretrained pooler
    "cls_before_pooler": "cls",
    "avg": "last-avg",
    "avg_top2": "top2-avg",
    "avg_first_last": "first-last-avg",
}
"""The released tool's words and juyi's."""


class SimCSE:
    """A sentence encoder with an index of sentences.

    A model with prompts puts its default one before what is encoded and compared, and those for queries and for what is searched
    before queries and the sentences of the index.

    Args:
        model_name_or_path: A folder, a hub id, an embedded encoder, or nothing for the default one.
        device: Accepted for compatibility; the engine chooses.
        num_cells: Accepted for compatibility: the index is exact.
        num_cells_in_search: Accepted for compatibility.
        pooler: The released tool's `cls` ([CLS] through the MLP or pooler), `cls_before_pooler`, `avg`, `avg_top2` or
            `avg_first_last`, in its meaning; or one of juyi's poolings. Without it a folder's own pooling; a folder that names
            none is read as the tool reads it: `cls_before_pooler` where "unsup" is in the model's name, else `cls`.
        log: Hears which pooler was taken where nobody names one.

    Raises:
        ModelError: The model cannot be opened, is a part of one, or has no weights for the pooler.
        UsageError: There is no such pooler.

    Source:
        princeton-nlp/SimCSE `tool.py` for names and shapes, `simcse/models.py` (Pooler) for the poolers.
    """

    def __init__(
        self,
        model_name_or_path: str | Path = "",
        device: str | None = None,
        num_cells: int = 100,
        num_cells_in_search: int = 10,
        pooler: str | None = None,
        *,
        log: Log = lambda _: None,
    ) -> None:
        folder = resolve(model_name_or_path, log=log)
        pooling = _pooling(pooler)
        if pooling is None and (layout := read_layout(folder)).guess:
            if layout.doubt:
                raise ModelError(layout.doubt)
            pooler = "cls_before_pooler" if "unsup" in str(model_name_or_path) else "cls"
            pooling = _POOLERS[pooler]
            log(f"Pooling: {pooling}, the tool's `{pooler}`, because the folder names none; `pooler` chooses another.")
        self._engine = open_engine(folder.absolute(), pooling=pooling, log=log)
        self._index: TextIndex | None = None

    def encode(
        self,
        sentence: str | Sequence[str],
        device: str | None = None,
        return_numpy: bool = False,
        normalize_to_unit: bool = True,
        keepdim: bool = False,
        batch_size: int = 64,
    ) -> Any:
        """The vector of a sentence, or the vectors of several.

        Args:
            sentence: One or several.
            device: Accepted for compatibility.
            return_numpy: A numpy array instead of a torch tensor; then torch is not needed.
            normalize_to_unit: Give every vector length one.
            keepdim: One sentence gives (1, dim) too.
            batch_size: Accepted for compatibility; batches are made by tokens.

        Shapes:
            result: (dim,) for one sentence, (n, dim) for several or with `keepdim`.

        Raises:
            MissingExtraError: A tensor was asked for and torch is not installed.
        """
        single = isinstance(sentence, str)
        vectors: Any = self._engine.encode(_listed(sentence, "sentence"), normalise=normalize_to_unit)
        if not return_numpy:
            torch = require("torch", extra="train", purpose="A tensor as result (return_numpy=True gives an array)")
            vectors = torch.from_numpy(vectors)
        return vectors[0] if single and not keepdim else vectors

    def similarity(
        self, queries: str | Sequence[str], keys: str | Sequence[str] | Embeddings, device: str | None = None
    ) -> float | Embeddings:
        """Cosine of every query with every key.

        Args:
            queries: One or several sentences.
            keys: One or several sentences, or their vectors.
            device: Accepted for compatibility.

        Shapes:
            result: a float for one and one, (keys,) for one query, (queries, keys) for several.
        """
        single_query, single_key = isinstance(queries, str), isinstance(keys, str)
        left = np.atleast_2d(self.encode(queries, return_numpy=True))
        if isinstance(keys, np.ndarray):
            right = unit_rows_or_zero(np.atleast_2d(keys))
        else:
            right = np.atleast_2d(self.encode(keys, return_numpy=True))
        cosines: Embeddings = left @ right.T
        if single_query and single_key:
            return float(cosines[0, 0])
        return cosines[0] if single_query else cosines[:, 0] if single_key else cosines

    def build_index(
        self,
        sentences_or_file_path: Sequence[str] | str | Path,
        use_faiss: bool | None = None,
        faiss_fast: bool = False,
        device: str | None = None,
        batch_size: int = 64,
    ) -> None:
        """Index sentences, or the sentences of a file; an older index is replaced.

        Args:
            sentences_or_file_path: The sentences, or a file that `juyi encode` reads too.
            use_faiss: Accepted for compatibility: the index is exact.
            faiss_fast: Accepted for compatibility.
            device: Accepted for compatibility.
            batch_size: Accepted for compatibility.
        """
        self._index = TextIndex.build(_sentences(sentences_or_file_path), self._engine.prompted())

    def add_to_index(
        self, sentences_or_file_path: Sequence[str] | str | Path, device: str | None = None, batch_size: int = 64
    ) -> None:
        """Add sentences to the index; see `build_index`."""
        self._built().add(_sentences(sentences_or_file_path))

    def search(
        self, queries: str | Sequence[str], device: str | None = None, threshold: float = 0.6, top_k: int = 5
    ) -> list[Hit] | list[list[Hit]]:
        """The indexed sentences that are most like each query.

        Args:
            queries: One or several sentences.
            device: Accepted for compatibility.
            threshold: Leave out what is less alike than this.
            top_k: At most this many.

        Returns:
            (sentence, cosine) pairs, best first: a list for one query, a list of lists for several.

        Raises:
            UsageError: There is no index yet.
        """
        single = isinstance(queries, str)
        found = self._built().search(_listed(queries, "queries"), k=top_k, threshold=threshold)
        hits = [[(hit.text, float(hit.score)) for hit in row] for row in found]
        return hits[0] if single else hits

    def _built(self) -> TextIndex:
        if self._index is None:
            raise UsageError("There is no index yet. Call build_index(sentences) first.")
        return self._index


def _pooling(pooler: str | None) -> PoolingName | None:
    if pooler is not None and pooler not in (*_POOLERS, *POOLING_NAMES):
        raise UsageError(f"'{pooler}' is no pooler. There are the tool's {', '.join(_POOLERS)}, and {', '.join(POOLING_NAMES)}.")
    return known_pooling(None if pooler is None else _POOLERS.get(pooler, pooler))


def _listed(given: str | Sequence[str], name: str) -> list[str]:
    return [given] if isinstance(given, str) else check_texts(given, name)


def _sentences(given: Sequence[str] | str | Path) -> list[str]:
    return read_texts(given).texts if isinstance(given, str | Path) else check_texts(given, "sentences")
