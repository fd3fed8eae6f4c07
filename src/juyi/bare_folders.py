"""Model folders that name no pooling: which one they get and why, and when none may be guessed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from juyi.hub import lacks_modules
from juyi.poolings import PoolingName


def guessed_pooling(config: dict[str, Any]) -> tuple[PoolingName, str]:
    """The pooling of a folder that names none, and why."""
    architecture = str((config.get("architectures") or [""])[0])
    if architecture.endswith("ForCL"):
        return "cls", (
            f"cls, because the folder is a checkpoint of the SimCSE code ({architecture}) that names none; this leaves out its "
            "MLP, as unsupervised SimCSE does, --pooling pooler applies it, as supervised SimCSE does"
        )
    if architecture.lower().startswith("simbert"):
        return "cls", f"cls, because the folder is a SimBERT ({architecture}) that names none; --pooling chooses another"
    return "last-avg", (
        "last-avg, because the folder names none (as sentence-transformers does); --pooling cls for a SimCSE checkpoint"
    )


def reason_not_to_guess(folder: Path, modules: str, companions: Sequence[str]) -> str:
    """Why a folder without a list of modules may not be all that its makers published; empty where it may be.

    Args:
        folder: The folder.
        modules: The name of the list.
        companions: The files beside it that never come without it.
    """
    left = [*folder.glob("*_Pooling/config.json"), *(folder / name for name in companions)]
    if there := [path for path in left if path.is_file()]:
        return (
            f"{folder} holds {there[0].relative_to(folder)} but no {modules}, which goes with it and names the pooling: it is an "
            f"incomplete copy of a model. Copy {modules} and what it names too, or name the pooling (--pooling cls, say)."
        )
    if name := lacks_modules(folder):
        return (
            f"The hub's cache holds no {modules} of {name}, nor word that the repository has none: another tool fetched a part "
            "of it, and with a guessed pooling a model may be worthless. With the network, fetch the whole "
            f"(hf download {name}), or name the pooling (--pooling last-avg for a repository without {modules})."
        )
    return ""
