"""What a row of a table names: an encoder that may be trained, or a baseline that may not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

from juyi.encoder import EncoderSettings, load_encoder
from juyi.errors import JuyiError
from juyi.evaluation import EncodeOptions, open_candidate
from juyi.evaluation.candidates import LEXICAL, VECTORS
from juyi.experiments.load import encoder_settings
from juyi.experiments.source_files import file_digest
from juyi.hub import folder_digest, resolve
from juyi.poolings import known_pooling
from juyi.provenance import read_provenance
from juyi.tables import Row
from juyi.tasks import EncodeOrSimilarity, encoded_once
from juyi.teachers import is_package, open_teacher, teacher_digest
from juyi.types import Log


class RowEncoder(Protocol):
    """What measures a row as it is, before any training.

    Attributes:
        trainable: Whether a recipe can train it.
    """

    trainable: bool

    def why_not(self, *, trained: bool, whitened: bool) -> str:
        """Why it has no such figure, whatever lies on this machine; empty where it can have it."""

    def not_here(self) -> str:
        """Why it cannot be had, and how to get it; empty where it can."""

    def identity(self) -> list[Any]:
        """All that decides what it says of texts.

        Raises:
            JuyiError: It is not here, or cannot be used.
        """

    def open(self, log: Log) -> EncodeOrSimilarity:
        """What encodes or compares; texts are remembered where it encodes.

        Raises:
            JuyiError: It is not here, or cannot be used.
        """

    def labels(self) -> tuple[str, ...]:
        """What its figures owe to its making."""


def row_encoder(row: Row) -> RowEncoder:
    """What a row names.

    Args:
        row: With an encoder.
    """
    name = row.encoder
    return Baseline(name) if name == LEXICAL or name.startswith(VECTORS) or is_package(name) else Pretrained(row)


@dataclass(frozen=True)
class Baseline:
    """`lexical`, `vectors:FILE` or `package:NAME`: it is never trained.

    Attributes:
        name: Which.
    """

    name: str
    trainable = False

    def why_not(self, *, trained: bool, whitened: bool) -> str:
        """Why it has no such figure; word overlap has no vectors."""
        if trained:
            return "a baseline is not trained"
        return "word overlap has no vectors to whiten" if whitened and self.name == LEXICAL else ""

    def not_here(self) -> str:
        """Which file or package is missing."""
        try:
            self.identity()
        except JuyiError as error:
            return str(error)
        return ""

    def identity(self) -> list[Any]:
        """A digest of its file or its package."""
        if self.name == LEXICAL:
            return [LEXICAL]
        return [teacher_digest(self.name) if is_package(self.name) else file_digest(self.name.removeprefix(VECTORS))]

    def open(self, log: Log) -> EncodeOrSimilarity:
        """The teacher of the package, the vectors of the file, or the similarity."""
        if is_package(self.name):
            return encoded_once(open_teacher(self.name).encode)
        opened = open_candidate(self.name, EncodeOptions(precision="float32", cache=False)).encoder
        return encoded_once(opened) if callable(opened) else opened

    def labels(self) -> tuple[str, ...]:
        """None."""
        return ()


@dataclass(frozen=True)
class Pretrained:
    """A folder, a hub id or an embedded encoder.

    Attributes:
        row: Which, and how it is pooled and loaded.
    """

    row: Row
    trainable = True

    @property
    def _settings(self) -> EncoderSettings:
        row = self.row
        return replace(encoder_settings(row.overrides), model=row.encoder, pooling=known_pooling(row.pooling or None))

    def why_not(self, *, trained: bool, whitened: bool) -> str:
        """It can have every figure."""
        return ""

    def not_here(self) -> str:
        """How it is fetched, or where it lies."""
        name = self.row.encoder
        try:
            resolve(name)
        except JuyiError:
            return f"{name} is not on this machine. To fetch it: hf download {name}. If it lies here: --folder {name}=PATH."
        return ""

    def identity(self) -> list[Any]:
        """A digest of its folder, and how it is loaded."""
        return [folder_digest(resolve(self.row.encoder)), replace(self._settings, model="")]

    def open(self, log: Log) -> EncodeOrSimilarity:
        """The loaded encoder."""
        return encoded_once(load_encoder(self._settings, log=log).encode)

    def labels(self) -> tuple[str, ...]:
        """`dev-selected` where its training says so."""
        provenance = read_provenance(resolve(self.row.encoder))
        return ("dev-selected",) if provenance is not None and provenance.dev_selected else ()
