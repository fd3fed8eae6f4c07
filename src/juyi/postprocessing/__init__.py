"""What is done to vectors after the encoder: whitening."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from juyi.postprocessing.whitening import Whitening, fit_whitening

if TYPE_CHECKING:
    from juyi.postprocessing.whitened_encoder import whiten_encoder

__all__ = ["Whitening", "fit_whitening", "whiten_encoder"]


def __getattr__(name: str) -> Any:
    """Fitting needs no torch; the whitened encoder does and is imported on first use."""
    if name == "whiten_encoder":
        from juyi.postprocessing.whitened_encoder import whiten_encoder

        return whiten_encoder
    raise AttributeError(f"module 'juyi.postprocessing' has no attribute '{name}'")
