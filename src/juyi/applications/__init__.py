"""What sentence vectors are used for."""

from juyi.applications.mteb_encoder import MtebEncoder
from juyi.applications.simcse_tool import SimCSE

__all__ = ["MtebEncoder", "SimCSE"]
