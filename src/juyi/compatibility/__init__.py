"""Doors for whoever comes from another tool: the `simcse` tool's interface, an encoder for mteb."""

from juyi.compatibility.mteb_encoder import MtebEncoder
from juyi.compatibility.simcse_tool import SimCSE

__all__ = ["MtebEncoder", "SimCSE"]
