"""What sentence vectors are used for."""

from juyi.applications.simcse_tool import SimCSE

__all__ = ["SimCSE"]
