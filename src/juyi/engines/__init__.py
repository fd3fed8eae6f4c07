"""Engines: how an encoder runs for inference."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from juyi.engines.cache import CachedEncode, cache_folder
    from juyi.engines.engine import (
        ENGINE_KINDS,
        PRECISION_CHOICES,
        PRECISIONS,
        Engine,
        EngineKind,
        Precision,
        PrecisionChoice,
    )
    from juyi.engines.fidelity import Fidelity, Order, measure_fidelity, measure_order
    from juyi.engines.identity import prompted_identity
    from juyi.engines.open import encode, engine_of, engine_problems, open_engine
    from juyi.engines.precision import AgreedPrecision, agreed_precision

_HOME = {
    "cache": ("CachedEncode", "cache_folder"),
    "engine": ("ENGINE_KINDS", "PRECISIONS", "PRECISION_CHOICES", "Engine", "EngineKind", "Precision", "PrecisionChoice"),
    "fidelity": ("Fidelity", "Order", "measure_fidelity", "measure_order"),
    "identity": ("prompted_identity",),
    "open": ("encode", "engine_of", "engine_problems", "open_engine"),
    "precision": ("AgreedPrecision", "agreed_precision"),
}

__all__ = [
    "ENGINE_KINDS",
    "PRECISIONS",
    "PRECISION_CHOICES",
    "AgreedPrecision",
    "CachedEncode",
    "Engine",
    "EngineKind",
    "Fidelity",
    "Order",
    "Precision",
    "PrecisionChoice",
    "agreed_precision",
    "cache_folder",
    "encode",
    "engine_of",
    "engine_problems",
    "measure_fidelity",
    "measure_order",
    "open_engine",
    "prompted_identity",
]


def __getattr__(name: str) -> Any:
    """Import on first use: the command line asks for the kinds of engines before it needs numpy."""
    for module, names in _HOME.items():
        if name in names:
            return getattr(import_module(f"juyi.engines.{module}"), name)
    raise AttributeError(f"module 'juyi.engines' has no attribute '{name}'")


def __dir__() -> list[str]:
    return __all__
