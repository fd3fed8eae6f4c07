"""A teacher's vectors, computed once and kept on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from juyi.atomic import replaced_file
from juyi.encoder import fast_precision, load_encoder
from juyi.errors import DataError
from juyi.hub import folder_digest, resolve
from juyi.types import Embeddings, Log

_BLOCK = 8192
Progress = Callable[[int, int], None]


def teacher_vectors(
    teacher: str,
    texts: Sequence[str],
    cache: Path,
    *,
    progress: Progress = lambda done, total: None,
    precision: Literal["float32", "bfloat16"] | None = None,
    block: int = _BLOCK,
    log: Log = lambda _: None,
) -> NDArray[np.float16]:
    """What the teacher makes of the texts, at unit length.

    The vectors are kept in the cache in blocks, under a key of the teacher's folder (its weights, pooling and tokenizer), the
    precision and the texts: a second call reads them, and a call that was stopped is taken up at the block in hand.

    Args:
        teacher: A folder, a hub id or an embedded encoder.
        texts: What it reads.
        cache: Where the blocks go.
        progress: Is told after every block that is not in the cache how many texts are done, and of how many.
        precision: What the teacher computes in; what is fast on this machine where it is not given.
        block: Texts in one file of the cache.
        log: Hears what is to be known about the teacher; see `load_encoder`.

    Raises:
        DataError: There is no text, or the teacher's vector of one has no direction.

    Shapes:
        result: (n, dim).
    """
    if not texts:
        raise DataError("There is no text for the teacher to read. Give at least one.")
    precision = precision or fast_precision()
    folder = cache / _key(teacher, texts, f"{precision} {block}")
    folder.mkdir(parents=True, exist_ok=True)
    blocks, encoder = [], None
    for start in range(0, len(texts), block):
        path = folder / f"{start // block:06}.npy"
        if not path.is_file():
            encoder = encoder or load_encoder(teacher, log=log)
            part = texts[start : start + block]
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bfloat16"):
                vectors = encoder.encode(part)
            units = _units(vectors, part, teacher)
            with replaced_file(path) as draft, draft.open("wb") as file:  # several processes may be at it
                np.save(file, units)
            progress(min(start + block, len(texts)), len(texts))
        blocks.append(np.load(path))
    return np.concatenate(blocks)


def _units(vectors: Embeddings, texts: Sequence[str], teacher: str) -> NDArray[np.float16]:
    norms = np.linalg.norm(vectors, axis=1)
    lost = np.flatnonzero(~(np.isfinite(norms) & (norms > 0)))
    if len(lost):
        raise DataError(
            f"The vector that {teacher} gives to {texts[lost[0]]!r} has the length {norms[lost[0]]} and so no direction "
            f"({len(lost):,} such texts in this block). Leave them out, or take another teacher."
        )
    unit: NDArray[np.float16] = (vectors / norms[:, None]).astype(np.float16)
    return unit


def _key(teacher: str, texts: Sequence[str], settings: str) -> str:
    digest = hashlib.sha256(f"{folder_digest(resolve(teacher))} {settings}\n".encode())
    for text in texts:
        digest.update(text.encode() + b"\0")
    return digest.hexdigest()[:16]
