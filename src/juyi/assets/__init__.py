"""What ships inside the package: the embedded encoders and the sample sentences."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent

SAMPLES = _HERE / "samples"
EMBEDDED = {"mini-base": _HERE / "mini-base"}
DEFAULT_ENCODER = "mini-base"

__all__ = ["DEFAULT_ENCODER", "EMBEDDED", "SAMPLES"]
