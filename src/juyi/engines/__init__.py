"""Engines: how an encoder runs for inference."""

from juyi.engines.engine import Engine, EngineKind, open_engine

__all__ = ["Engine", "EngineKind", "open_engine"]
