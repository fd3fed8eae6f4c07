"""What may stand in a row beside encoders, and is never trained: word overlap, word vectors, the encoder of a package."""

from __future__ import annotations

from juyi.evaluation import EncodeOptions, open_candidate
from juyi.evaluation.candidates import LEXICAL, VECTORS
from juyi.experiments.source_files import file_digest
from juyi.tasks import EncodeOrSimilarity, encoded_once
from juyi.teachers import is_package, open_teacher, teacher_digest


def is_baseline(encoder: str) -> bool:
    """Whether a row names `lexical`, `vectors:FILE` or `package:NAME`, not a folder or a hub id."""
    return encoder == LEXICAL or encoder.startswith(VECTORS) or is_package(encoder)


def baseline_digest(encoder: str) -> str:
    """A digest of all that decides what a baseline says.

    Raises:
        JuyiError: Its file or its package is not here.
    """
    if encoder == LEXICAL:
        return LEXICAL
    return teacher_digest(encoder) if is_package(encoder) else file_digest(encoder.removeprefix(VECTORS))


def open_baseline(encoder: str) -> EncodeOrSimilarity:
    """What encodes or compares; texts are remembered where it encodes.

    Raises:
        JuyiError: Its file or its package is not here.
    """
    if is_package(encoder):
        return encoded_once(open_teacher(encoder).encode)
    opened = open_candidate(encoder, EncodeOptions(precision="float32", cache=False)).encoder
    return encoded_once(opened) if callable(opened) else opened


def why_not_baseline(encoder: str, *, trained: bool, whitened: bool) -> str:
    """Why a baseline has no such figure; empty where it can have it."""
    if trained:
        return "a baseline is not trained"
    return "word overlap has no vectors to whiten" if whitened and encoder == LEXICAL else ""
