"""How texts are compared with a model beyond the cosine of its vectors: a small file in its folder."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from juyi.atomic import write_text
from juyi.errors import ModelError

SIMILARITY = "juyi_similarity.json"
"""The file. It decides nothing about the vectors, so no digest of the model counts it."""


@dataclass(frozen=True)
class SimilaritySettings:
    """How texts are compared.

    Attributes:
        overlap: The weight of word overlap beside the cosine, from 0 to below 1.
    """

    overlap: float = 0.0


def write_similarity_settings(folder: Path, settings: SimilaritySettings) -> None:
    """Put them into a model folder; nothing where the plain cosine is meant."""
    if settings != SimilaritySettings():
        write_text(folder / SIMILARITY, json.dumps(asdict(settings), indent=2) + "\n")


def read_similarity_settings(folder: Path) -> SimilaritySettings:
    """How texts are compared with the model of a folder; by the plain cosine where it does not say.

    Raises:
        ModelError: The file is damaged.
    """
    path = folder / SIMILARITY
    if not path.is_file():
        return SimilaritySettings()
    try:
        overlap = float(json.loads(path.read_text(encoding="utf-8"))["overlap"])
        if not 0 <= overlap < 1:
            raise ValueError(overlap)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{path} cannot be read ({type(error).__name__}): it holds the weight of word overlap, from 0 to below 1. "
            "Delete it to compare by the cosine alone."
        ) from error
    return SimilaritySettings(overlap)
