"""Embeddings written to a file as they come: any number of texts, in the memory of one block."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from itertools import islice, tee
from pathlib import Path
from typing import IO

import numpy as np

from juyi.atomic import replaced_file
from juyi.engines.engine import EMBEDDING_FORMATS, EmbeddingFormat, Engine
from juyi.errors import UsageError
from juyi.prompts import Prompt
from juyi.types import Embeddings


def write_embeddings(
    engine: Engine,
    texts: Iterable[str],
    target: Path | IO[bytes],
    form: EmbeddingFormat,
    *,
    prompt: str | Prompt | None = None,
    normalise: bool = False,
) -> tuple[int, int]:
    """Encode texts and write their vectors, one row a text, in their order.

    Args:
        engine: Encodes.
        texts: Any number, taken as they are needed.
        target: A file, written whole or not at all; or an open stream.
        form: `npy` is one float32 array; `jsonl` an object a line, with "text" and "embedding"; `csv` the numbers alone.
        prompt: Put before each text; see `Engine.encode`.
        normalise: Give every vector length one.

    Returns:
        The shape of what was written: rows and width.

    Raises:
        UsageError: There is no such form or prompt, or something among the texts is no string.
    """
    if form not in EMBEDDING_FORMATS:
        raise UsageError(f"'{form}' is no form of embeddings. There are {', '.join(EMBEDDING_FORMATS)}.")
    encoded, written = tee(texts)
    blocks = engine.encode_blocks(encoded, prompt=prompt, normalise=normalise)
    if isinstance(target, Path):
        with replaced_file(target) as draft, draft.open("wb") as stream:
            return _write(blocks, written, stream, form, engine.dim)
    if form != "npy":
        return _write(blocks, written, target, form, engine.dim)
    with tempfile.TemporaryFile() as stream:  # the head of the array, which says how many rows follow, is known last
        shape = _write(blocks, written, stream, form, engine.dim)
        stream.seek(0)
        shutil.copyfileobj(stream, target)
    return shape


def _write(blocks: Iterator[Embeddings], texts: Iterator[str], stream: IO[bytes], form: str, dim: int) -> tuple[int, int]:
    count = 0
    if form == "npy":
        _write_head(stream, 0, dim)
    for block in blocks:
        count += len(block)
        own = islice(texts, len(block))
        match form:
            case "npy":
                stream.write(np.ascontiguousarray(block, dtype="<f4").tobytes())
            case "jsonl":
                for text, vector in zip(own, block, strict=True):
                    line = json.dumps({"text": text, "embedding": vector.tolist()}, ensure_ascii=False)
                    stream.write(f"{line}\n".encode())
            case _:
                np.savetxt(stream, block, delimiter=",", fmt="%.8g")
        if form != "jsonl":
            for _ in own:  # or else the texts would pile up
                pass
    if form == "npy":
        stream.seek(0)
        _write_head(stream, count, dim)
        stream.seek(0, 2)
    return count, dim


def _write_head(stream: IO[bytes], count: int, dim: int) -> None:
    """As long for any count: numpy leaves room for the first axis to grow."""
    head = {"descr": "<f4", "fortran_order": False, "shape": (count, dim)}
    np.lib.format.write_array_header_1_0(stream, head)
