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
from juyi.encoder import fast_precision
from juyi.errors import DataError
from juyi.teachers.open import open_teacher, teacher_digest
from juyi.teachers.teacher import Teacher, as_teacher
from juyi.types import Embeddings, Log

_BLOCK = 8192
Progress = Callable[[int, int], None]


def teacher_vectors(
    teacher: Teacher | str,
    texts: Sequence[str],
    cache: Path,
    *,
    progress: Progress = lambda done, total: None,
    precision: Literal["float32", "bfloat16"] | None = None,
    block: int = _BLOCK,
    log: Log = lambda _: None,
) -> NDArray[np.float16]:
    """What the teacher makes of the texts, at unit length.

    The vectors are kept in the cache in blocks, under a key of the teacher's model (its weights, pooling and tokenizer), its
    prompt, the precision and the texts: a second call reads them, and a call that was stopped is taken up at the block in hand.
    They are not centred, whatever the teacher says; that is part of `teacher_targets`.

    Args:
        teacher: Whose vectors; of a name alone the model of that name. See `Teacher.model`.
        texts: What it reads.
        cache: Where the blocks go.
        progress: Is told after every block that is not in the cache how many texts are done, and of how many.
        precision: What the teacher computes in; what is fast on this machine where it is not given.
        block: Texts in one file of the cache.
        log: Hears what is to be known about the teacher; see `open_teacher`.

    Raises:
        DataError: There is no text, or the teacher's vector of one has no direction.
        UsageError: The teacher is a package that juyi does not know, or has no prompt of that name.
        MissingExtraError: It is a package that is not installed.
        ModelError: It cannot be loaded.

    Shapes:
        result: (n, dim).
    """
    if not texts:
        raise DataError("There is no text for the teacher to read. Give at least one.")
    teacher, precision = as_teacher(teacher), precision or fast_precision()
    settings = f"{precision} {block}" + (f" {teacher.prompt!r}" if teacher.prompt else "")
    folder = cache / _key(teacher, texts, settings)
    folder.mkdir(parents=True, exist_ok=True)
    blocks, encoder = [], None
    for start in range(0, len(texts), block):
        path = folder / f"{start // block:06}.npy"
        if not path.is_file():
            encoder = encoder or open_teacher(teacher.model, log=log)
            part = texts[start : start + block]
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bfloat16"):
                vectors = encoder.encode(part, prompt=teacher.prompt or None)
            units = _units(vectors, part, teacher.model)
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


def _key(teacher: Teacher, texts: Sequence[str], settings: str) -> str:
    digest = hashlib.sha256(f"{teacher_digest(teacher.model)} {settings}\n".encode())
    for text in texts:
        digest.update(text.encode() + b"\0")
    return digest.hexdigest()[:16]
