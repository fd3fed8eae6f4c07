"""Engines: how an encoder runs for inference."""

from juyi.engines.cache import CachedEncode, cache_folder, fingerprint_of
from juyi.engines.engine import Engine, EngineKind, engine_of, open_engine

__all__ = ["CachedEncode", "Engine", "EngineKind", "cache_folder", "engine_of", "fingerprint_of", "open_engine"]
