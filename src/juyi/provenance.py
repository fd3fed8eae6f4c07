"""What a model was made from: a small file in its folder, which goes where the folder goes."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path

from juyi.atomic import write_text
from juyi.errors import ModelError

PROVENANCE = "juyi_training.json"
"""The file. It decides nothing about the vectors, so no digest of the model counts it."""


@dataclass(frozen=True)
class Provenance:
    """What a model was made from.

    Attributes:
        recipe: The name of the recipe.
        kind: Of the recipe.
        run: The hash of the run.
        start_model: What the run started from; empty for new weights and for the embedded encoder.
        dev_selected: Its weights, or those it started from, were chosen on a development set.
        read: All that the run read, by name or by setting, to its digest.
        juyi: The version that trained it.
    """

    recipe: str
    kind: str
    run: str
    start_model: str = ""
    dev_selected: bool = False
    read: dict[str, str] = field(default_factory=dict)
    juyi: str = ""


def write_provenance(folder: Path, provenance: Provenance) -> None:
    """Put it into a model folder."""
    write_text(folder / PROVENANCE, json.dumps(asdict(provenance), indent=2, ensure_ascii=False) + "\n")


def read_provenance(folder: Path) -> Provenance | None:
    """What the model in the folder was made from; None where no run of juyi made it.

    Raises:
        ModelError: The file is damaged.
    """
    path = folder / PROVENANCE
    if not path.is_file():
        return None
    from pydantic import TypeAdapter, ValidationError  # slow to import, and whatever finds a model imports this module

    try:
        return TypeAdapter(Provenance).validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise ModelError(
            f"{path} cannot be read ({type(error).__name__}), so it is not known what the model was trained on. Copy the file "
            "from the run once more, or delete it to use the model without."
        ) from error


def copy_provenance(source: Path, target: Path) -> None:
    """Let a model that was made of another (exported, whitened) say what the other says; nothing where that says nothing."""
    if (source / PROVENANCE).is_file() and source.resolve() != target.resolve():
        shutil.copyfile(source / PROVENANCE, target / PROVENANCE)
