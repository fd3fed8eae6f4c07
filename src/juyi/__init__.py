"""juyi (句意): from a pile of unlabelled sentences to a sentence encoder that is trained, measured, explained and served."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from juyi.compatibility.simcse_tool import SimCSE

__version__ = "0.1.0"
__all__ = ["SimCSE", "__version__"]


def __getattr__(name: str) -> Any:
    """Import on first use, so that `import juyi` stays cheap."""
    if name == "SimCSE":
        from juyi.compatibility.simcse_tool import SimCSE

        return SimCSE
    raise AttributeError(f"module 'juyi' has no attribute '{name}'")
