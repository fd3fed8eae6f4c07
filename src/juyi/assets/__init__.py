"""What ships inside the package: the embedded encoders and the sample sentences."""

from __future__ import annotations

from pathlib import Path as _Path

_HERE = _Path(__file__).parent

SAMPLES = _HERE / "samples"
EMBEDDED = {"mini": _HERE / "mini", "mini-base": _HERE / "mini-base"}
DEFAULT_ENCODER = "mini"

__all__ = ["DEFAULT_ENCODER", "EMBEDDED", "SAMPLES"]
