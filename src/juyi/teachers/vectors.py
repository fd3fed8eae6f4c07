"""A teacher's vectors, computed once and kept on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from juyi.encoder import fast_precision
from juyi.errors import DataError
from juyi.teachers.open import open_teacher, teacher_digest
from juyi.teachers.store import VectorStore
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

    The vectors are kept in the cache by the text, in a folder of the teacher's model (its weights, pooling and tokenizer), its
    prompt and the precision: another call, of other texts too, computes only what is not there, and a call that was stopped is
    taken up at the block in hand. They are not centred, whatever the teacher says; that is part of `teacher_targets`.

    Args:
        teacher: Whose vectors; of a name alone the model of that name. See `Teacher.model`.
        texts: What it reads.
        cache: Where they are kept.
        progress: Is told after every block how many of the texts that were not there are done, and of how many.
        precision: What the teacher computes in; what is fast on this machine where it is not given.
        block: So many texts are computed and kept at a time.
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
    store = VectorStore(cache / _key(teacher, precision))
    if missing := store.missing(texts):
        encoder = open_teacher(teacher.model, log=log)
        for start in range(0, len(missing), block):
            part = missing[start : start + block]
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bfloat16"):
                vectors = encoder.encode(part, prompt=teacher.prompt or None)
            store.add(part, _units(vectors, part, teacher.model))
            progress(start + len(part), len(missing))
    return store.vectors(texts)


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


def _key(teacher: Teacher, precision: str) -> str:
    settings = f"{teacher_digest(teacher.model)} {precision} {teacher.prompt!r}"
    return hashlib.sha256(settings.encode()).hexdigest()[:16]
