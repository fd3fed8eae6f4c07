"""juyi (句意): from a pile of unlabelled sentences to a sentence encoder that is trained, measured, explained and served."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from juyi.adaptation import adapt
    from juyi.compatibility import SimCSE
    from juyi.encoder import Encoder, load_encoder
    from juyi.engines import encode
    from juyi.evaluation import compare, evaluate

__version__ = "0.1.0"
__all__ = ["Encoder", "SimCSE", "__version__", "adapt", "compare", "encode", "evaluate", "load_encoder"]

_HOMES = {
    "Encoder": "juyi.encoder",
    "SimCSE": "juyi.compatibility",
    "adapt": "juyi.adaptation",
    "compare": "juyi.evaluation",
    "encode": "juyi.engines",
    "evaluate": "juyi.evaluation",
    "load_encoder": "juyi.encoder",
}


def __getattr__(name: str) -> Any:
    """Import on first use, so that `import juyi` stays cheap."""
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'juyi' has no attribute '{name}'")


def __dir__() -> list[str]:
    return __all__
